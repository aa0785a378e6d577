// Who asks the API, by a bearer token, and what it may do in a room.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

/// A program that speaks for the owner of its token, under the owner's name and the token's label:
/// `ann!builds@hub`. It is in no room itself.
struct Bot {
  std::string secret;
  User user;
};

/// Who it is; else the response that says why it is nobody: 401, 403 without TLS, 429.
[[nodiscard]] Task<std::expected<Bot, http::Response>> who_asks(Hub& hub, http::Request& request);
/// Whether the token is still good.
[[nodiscard]] Task<bool> is_valid(Hub& hub, std::string secret);

/// A bot may in a room what its owner may who is in it; where the owner is not in it, what a
/// registered room grants the account; else what anybody may from outside.
[[nodiscard]] bool may_speak(const Hub& hub, const Room& room, const Bot& bot);
[[nodiscard]] bool may_read(const Hub& hub, const Room& room, const Bot& bot);

/// `{"error": CODE, "message": …}`; with `retry`, also how many seconds to wait.
[[nodiscard]] http::Response refusal(http::Status status, std::string_view code,
                                     std::string_view message, std::size_t retry = 0);
/// The room that the path names, with or without its '#', as `NAME`; null, if the bot may not know
/// that there is one.
[[nodiscard]] SharedRoom room_of(const Hub& hub, const http::Request& request, const Bot& bot);
[[nodiscard]] http::Response no_such_room(const http::Request& request);

}  // namespace ieum::hub
