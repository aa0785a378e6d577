// accept: the server's side of a WebSocket's opening handshake, as the answer to a request.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>
#include <ieum/websocket/websocket.hpp>

#pragma GCC visibility push(default)
namespace ieum::websocket {

namespace detail {

/// What becomes of a request.
class Acceptance {
 public:
  Acceptance(const http::Request& request, std::shared_ptr<const WebSocketOptions> options);
  Acceptance(Acceptance&&) noexcept;
  Acceptance& operator=(Acceptance&&) = delete;
  ~Acceptance();
  /// The answer, if it is refused.
  [[nodiscard]] std::unique_ptr<http::Response> refusal() noexcept { return std::move(refusal_); }
  void add_fields(http::Response& response) const;
  [[nodiscard]] WebSocket make(http::Upgraded upgraded) const;

 private:
  std::unique_ptr<http::Response> refusal_;
  std::unique_ptr<Setup> setup_;
  std::string accept_;
  std::string extensions_;
};

template <class F>
struct Begin {
  /// A function without captures need not outlive its call.
  static constexpr bool is_kept = !std::is_empty_v<F> && !std::is_pointer_v<F>;
  Acceptance acceptance;
  F handler;
  Task<> operator()(http::Upgraded upgraded) {
    return handler(acceptance.make(std::move(upgraded)));
  }
};

template <class F>
http::Response accept(const http::Request& request, F handler,
                      std::shared_ptr<const WebSocketOptions> options) {
  Acceptance acceptance(request, std::move(options));
  if (const std::unique_ptr<http::Response> refusal = acceptance.refusal()) {
    return std::move(*refusal);
  }
  http::Response fields;
  acceptance.add_fields(fields);
  http::Response response =
      http::Response::upgrade("websocket", Begin<F>{std::move(acceptance), std::move(handler)});
  response.fields() = std::move(fields.fields());
  return response;
}

}  // namespace detail

/// The response to a request for a WebSocket: 101, and then the connection is `handler`'s, of which
/// nothing of HTTP is left beneath; or why not: 426 (it asks for something else, or another
/// version), 400, 403 (a page of an origin that may not connect). When the server is drained, the
/// peer gets a Close with `CloseCode::going_away`. What `options` points to is used during the call
/// only.
///
///     Task<http::Response> chat(http::Request& request) {
///       co_return websocket::accept(request, talk, {.message_bytes_max = 64 * 1024});
///     }
template <class F>
  requires std::is_invocable_r_v<Task<>, F&, WebSocket>
[[nodiscard]] http::Response accept(const http::Request& request, F handler,
                                    const WebSocketOptions& options = {}) {
  return detail::accept(request, std::move(handler),
                        std::make_shared<const WebSocketOptions>(options));
}

/// The same as a handler for `http::Routes`: `routes.get("/chat", websocket::route(talk))`. What
/// `options` points to must live as long as the routes.
template <class F>
  requires std::is_invocable_r_v<Task<>, F&, WebSocket>
[[nodiscard]] auto route(F handler, const WebSocketOptions& options = {}) {
  auto shared = std::make_shared<const WebSocketOptions>(options);
  return [handler, shared](http::Request& request) -> Task<http::Response> {
    http::Response response = detail::accept(request, handler, shared);
    co_return response;
  };
}

}  // namespace ieum::websocket
#pragma GCC visibility pop
