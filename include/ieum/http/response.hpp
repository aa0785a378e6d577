// Response: what a handler returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ieum/event.hpp>
#include <ieum/http/body.hpp>
#include <ieum/http/fields.hpp>
#include <ieum/http/status.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

namespace detail {
class Sending;
struct FileBody;
struct ResponseExtra;
}  // namespace detail

/// What an upgrade hands over.
struct Upgraded {
  /// The connection, with what the client has sent behind the request to be read first.
  std::unique_ptr<Stream> stream;
  /// Set when the server is drained: say goodbye then. Lives as long as the server.
  Event* draining = nullptr;
};

/// A response: a status, fields and a body, in one of several forms. Movable.
///
/// How it is framed and whether the connection goes on is not the handler's business: Connection,
/// Transfer-Encoding, Keep-Alive and Upgrade are not taken from the fields; Content-Length is of
/// `stream` only. Date is added unless there is one.
class Response {
 public:
  using Writer = std::move_only_function<Task<>(BodyWriter&)>;
  using EventWriter = std::move_only_function<Task<>(EventStream&)>;
  using Continuation = std::move_only_function<Task<>(Upgraded)>;

  /// 200, without a body.
  Response() noexcept;
  explicit Response(Status status) noexcept;
  Response(Response&&) noexcept;
  Response& operator=(Response&&) noexcept;
  ~Response();

  /// `text/plain`, `application/json`, `text/html`, in UTF-8.
  [[nodiscard]] static Response text(std::string text, Status status = Status::ok);
  [[nodiscard]] static Response json(std::string text, Status status = Status::ok);
  [[nodiscard]] static Response html(std::string text, Status status = Status::ok);
  /// `type` as in Content-Type: `image/png`.
  [[nodiscard]] static Response bytes(std::string_view type, std::string data,
                                      Status status = Status::ok);
  /// To another URL, or a path on this host; with 303 the client gets it by GET. A location that a
  /// field cannot hold gives 500.
  [[nodiscard]] static Response redirect(std::string_view location,
                                         Status status = Status::see_other);
  /// A body that `write` writes in pieces; it is kept until that has ended, so it may be a lambda
  /// with captures. If it fails, or writes less than a Content-Length that it has, the connection
  /// is broken, so that the client does not take it for the whole.
  [[nodiscard]] static Response stream(std::string_view type, Writer write);
  /// Events for an EventSource, until `send` ends or the client has gone.
  [[nodiscard]] static Response events(EventWriter send);
  /// 101: the connection goes on in another protocol, of this name. Once the response has been
  /// sent, `next` is called, and its task takes the session's place: nothing of HTTP is left
  /// beneath. A function with captures is kept until the task has ended; one without costs nothing,
  /// nor does one whose type says `static constexpr bool is_kept = false`.
  /// To a client that did not ask for this protocol, 426 is sent instead.
  template <class F>
    requires std::is_invocable_r_v<Task<>, F&, Upgraded>
  [[nodiscard]] static Response upgrade(std::string_view protocol, F next) {
    constexpr bool is_plain =
        std::is_empty_v<F> || std::is_pointer_v<F> || requires { requires !F::is_kept; };
    return upgrade_to(protocol, Continuation(std::move(next)), !is_plain);
  }

  [[nodiscard]] Status status() const noexcept { return status_; }
  void set_status(Status status) noexcept { status_ = status; }
  [[nodiscard]] Fields& fields() noexcept { return fields_; }
  [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
  /// Of a body that is neither streamed nor a file's.
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  void set_body(std::string body) noexcept { body_ = std::move(body); }
  /// True if the body is there as a whole, as `body` gives it.
  [[nodiscard]] bool is_whole() const noexcept { return extra_ == nullptr; }

 private:
  friend class detail::Sending;
  friend struct detail::FileBody;
  static Response upgrade_to(std::string_view protocol, Continuation next, bool keeps);
  /// `type` is known to be one.
  static Response of_type(std::string_view type, std::string&& body, Status status);
  Status status_ = Status::ok;
  Fields fields_;
  std::string body_;
  std::unique_ptr<detail::ResponseExtra> extra_;  // what is rare: writers, files, upgrades
};

}  // namespace ieum::http
#pragma GCC visibility pop
