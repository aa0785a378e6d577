// Exchange: a request that is being answered, with the memory that it takes. It lives from the
// request's first byte until its response has been sent; an idle connection has none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>
#include <ieum/http/routes.hpp>
#include <ieum/lease.hpp>

#include "http/chunks.hpp"
#include "http/head.hpp"
#include "http/response_extra.hpp"

namespace ieum::http::detail {

class Connection;
struct Endpoint;

/// Who asks.
struct Asker {
  Address peer;
  Address client;
  std::string_view scheme;
};

class Exchange {
 public:
  Exchange() : request(*this), body(*this) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// One of the thread's that is not used, or a new one.
  static std::unique_ptr<Exchange> take();
  static void give_back(std::unique_ptr<Exchange> exchange) noexcept;

  static Exchange& of(Request& request) noexcept { return request.exchange_; }

  /// Ready for the next request of `of`; what is in `out` stays.
  void begin(Connection& of) noexcept;
  /// The head is there.
  void head_has_come() noexcept;

  /// What has come and was not used.
  [[nodiscard]] std::string_view input() const noexcept {
    return lease ? lease.text() : std::string_view(held).substr(held_at);
  }

  Connection* connection = nullptr;
  Lease lease;       // what has come; or, without it,
  std::string held;  // from `held_at` on
  std::size_t held_at = 0;
  std::unique_ptr<ResponseExtra> upgrade;  // what the connection goes on as
  RequestHead head;
  Request request;
  RequestBody body;
  std::string out;  // of this response and of those before it: to be sent
  std::array<ConstBuffer, 2> unsent;

  // The route.
  std::vector<std::string_view> parts;  // of the path, decoded
  std::list<std::string> decoded;       // those of them that were encoded
  const Endpoint* endpoint = nullptr;
  std::vector<std::pair<std::string_view, std::string>> parameters;
  std::string allow;  // what an OPTIONS or a wrong method is told
  Status unrouted = Status::not_found;

  /// Found out when it is first asked for: few want to know.
  [[nodiscard]] const Asker& asker();

  // The body.
  Framing framing;
  std::optional<ChunkDecoder> chunks;
  std::uint64_t left = 0;  // of a body whose length is known
  std::uint64_t received = 0;
  Duration waited{};      // for it
  std::size_t shown = 0;  // bytes of the input that its reader is looking at
  bool body_ended = true;
  bool waits_to_be_asked = false;  // Expect: 100-continue
  Fault refusal;                   // of the body; or of the head

  std::optional<HeadParser> parser;
  Access access;

 private:
  std::optional<Asker> asker_;
};

}  // namespace ieum::http::detail
