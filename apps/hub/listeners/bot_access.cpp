// Who asks the API, and what it may do.
#include "listeners/bot_access.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "irc/text.hpp"
#include "listeners/origin.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

constexpr std::size_t secret_bytes_max = 128;

/// What stands behind `Bearer`; empty: there is none that could be a token.
std::string_view bearer_of(const http::Request& request) {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view field = request.field("Authorization").value_or("");
  if (!same_name(field.substr(0, scheme.size()), scheme)) return {};
  const std::string_view secret = field.substr(scheme.size());
  return secret.size() <= secret_bytes_max ? secret : std::string_view();
}

http::Response too_many(std::chrono::duration<double> wait, std::string_view what) {
  return refusal(http::Status::too_many_requests, "rate_limited", what,
                 static_cast<std::size_t>(std::ceil(wait.count())));
}

http::Response unauthorized(std::string_view code, std::string_view message) {
  http::Response response = refusal(http::Status::unauthorized, code, message);
  static_cast<void>(response.fields().set("WWW-Authenticate", "Bearer realm=\"ieum-hub\""));
  return response;
}

std::string room_name(const http::Request& request) {
  const std::string& name = request.path("name");
  return name.starts_with('#') ? name : "#" + name;
}

/// What a registered room keeps for the account although nobody is there.
bool has_access(const Room& room, const Bot& bot) {
  const std::string account = key_of(bot.user.account);
  return room.state.registered &&
         (room.state.founder == account || room.state.access.contains(account));
}

}  // namespace

http::Response refusal(http::Status status, std::string_view code, std::string_view message,
                       std::size_t retry) {
  const nlohmann::json body{{"error", code}, {"message", message}};
  http::Response response = http::Response::json(
      body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", status);
  if (retry > 0) {
    static_cast<void>(response.fields().set("Retry-After", std::to_string(retry)));
  }
  return response;
}

Task<std::expected<Bot, http::Response>> who_asks(Hub& hub, http::Request& request) {
  const Origin origin = origin_of(request.client(), request.scheme() == "https", hub.config());
  Bot bot;
  bot.secret = bearer_of(request);
  if (!origin.trusted) {
    co_return std::unexpected(refusal(http::Status::forbidden, "insecure_connection",
                                      "Tokens are taken over TLS, or from the hub's own machine"));
  }
  if (bot.secret.empty()) {
    co_return std::unexpected(
        unauthorized("token_required", "Send a token: Authorization: Bearer TOKEN"));
  }
  std::optional<Token> token = co_await hub.accounts().check_token(bot.secret, hub.time());
  std::optional<Account> account;
  if (token) account = co_await hub.accounts().account(token->account);
  const std::string who = account ? account_identity(account->name) : origin.host;
  const auto wait = hub.common().allowances.take(who, hub.config(), now());
  if (wait.count() > 0) {
    ++hub.counts().rate_limits;
    co_return std::unexpected(too_many(wait, "Too many requests: wait, and try again"));
  }
  if (!account) {
    hub.events().write("token-refused", {{"host", origin.host}});
    co_return std::unexpected(
        unauthorized("invalid_token", "There is no such token: it was revoked, or has expired"));
  }
  hub.catch_up();  // what anybody was answered, on any core, is true for this request
  bot.user.identity = account_identity(account->name);
  bot.user.account = bot.user.nick = account->display_name;
  bot.user.user = token->label;
  bot.user.host = hub.config().name;
  bot.user.bot = true;
  co_return bot;
}

Task<bool> is_valid(Hub& hub, std::string secret) {
  const std::optional<Token> token =
      co_await hub.accounts().check_token(std::move(secret), hub.time());
  co_return token.has_value();
}

bool may_speak(const Hub& hub, const Room& room, const Bot& bot) {
  bool is_there = false;
  for (const User* user : hub.users_of(bot.user.identity)) {
    if (!room.has(*user)) continue;
    is_there = true;
    if (room.may_speak(*user)) return true;
  }
  return !is_there && (has_access(room, bot) || room.may_speak(bot.user));
}

bool may_read(const Hub& hub, const Room& room, const Bot& bot) {
  const std::vector<User*> users = hub.users_of(bot.user.identity);
  return has_access(room, bot) ||
         std::ranges::any_of(users, [&](const User* user) { return room.has(*user); });
}

SharedRoom room_of(const Hub& hub, const http::Request& request, const Bot& bot) {
  Room* room = hub.find_room(room_name(request));
  if (room == nullptr) return nullptr;
  if (room->state.secret && !may_read(hub, *room, bot)) return nullptr;
  return room->shared_from_this();
}

http::Response no_such_room(const http::Request& request) {
  return refusal(http::Status::not_found, "no_such_room", "There is no room " + room_name(request));
}

}  // namespace ieum::hub
