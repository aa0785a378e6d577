// The opening handshake (RFC 6455, section 4): what a request and its answer must have. Pure
// functions over fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <ieum/http/fields.hpp>
#include <ieum/http/status.hpp>
#include <ieum/websocket/websocket.hpp>

#include "websocket/deflate.hpp"

namespace ieum::websocket::detail {

/// A new key (section 4.1): 16 bytes that nobody can guess, in base64.
[[nodiscard]] Result<std::string> make_key();
/// It is 16 bytes in base64.
[[nodiscard]] bool is_key(std::string_view text) noexcept;
/// What a server answers to a key.
[[nodiscard]] std::string accept_of(std::string_view key);

/// Whether a browser's page of `origin` may connect: one of `allowed`, a list with commas; an empty
/// list: only pages of the host that is asked for, `authority`; `*`: all.
[[nodiscard]] bool is_origin_allowed(std::string_view origin, std::string_view authority,
                                     std::string_view allowed) noexcept;

/// The first of ours that they name; empty if none.
[[nodiscard]] std::string choose_subprotocol(std::string_view ours, std::string_view theirs);

/// What a server makes of Sec-WebSocket-Extensions: the first offer of permessage-deflate that it
/// can take (RFC 7692, section 7.1); `answer` is what it says then.
struct DeflateChoice {
  DeflateParameters parameters;
  std::string answer;
};
[[nodiscard]] std::optional<DeflateChoice> choose_deflate(std::string_view offers,
                                                          const WebSocketOptions& options);
/// What a client offers, and what it makes of the answer; none: the answer is against the rules.
[[nodiscard]] std::string offer_deflate(const WebSocketOptions& options);
[[nodiscard]] std::optional<DeflateParameters> accept_deflate(std::string_view answer,
                                                              const WebSocketOptions& options);

/// What a server says to a request.
struct Answer {
  http::Status status = http::Status::switching_protocols;
  const char* why = "";  ///< it is refused
  std::string accept;
  std::string subprotocol;
  std::optional<DeflateChoice> deflate;
};
[[nodiscard]] Answer answer_to(const http::Fields& request, std::string_view authority,
                               const WebSocketOptions& options);

/// What a client makes of a server's 101.
struct Agreement {
  const char* fault = nullptr;  ///< it is none
  std::string subprotocol;
  std::optional<DeflateParameters> deflate;
};
[[nodiscard]] Agreement agree(const http::Fields& answer, std::string_view key,
                              const WebSocketOptions& options);

}  // namespace ieum::websocket::detail
