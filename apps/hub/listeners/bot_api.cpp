// The API for programs.
#include "listeners/bot_api.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "irc/limits.hpp"
#include "irc/text.hpp"
#include "listeners/bot_access.hpp"
#include "listeners/room_events.hpp"
#include "session/message_entry.hpp"

namespace ieum::hub {

namespace {

using nlohmann::json;

/// What is to be said, or why it cannot be.
using Said = std::expected<std::string, http::Response>;

/// As much as an IRC client may say there in a line.
std::size_t text_bytes_max(const Room& room) {
  const std::string around = "PRIVMSG " + room.name() + " :\r\n";
  return limits::line_bytes - around.size();
}

http::Response bad_text(std::string_view message) {
  return refusal(http::Status::unprocessable_content, "bad_text", message);
}

/// The text of a JSON body; nothing if it is no `{"text": "…"}`.
std::optional<std::string> text_of(const std::string& body) {
  const json parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object() || parsed.size() != 1 || !parsed.contains("text")) return std::nullopt;
  const json& text = parsed["text"];
  if (!text.is_string()) return std::nullopt;
  return text.get<std::string>();
}

Task<Said> read_text(const Room& room, http::Request& request) {
  constexpr std::size_t body_bytes_max = 8 * limits::line_bytes;  // JSON may escape each byte
  const std::string too_long =
      "A message is a line of at most " + std::to_string(text_bytes_max(room)) + " bytes";
  Result<std::string> body = co_await attempt(request.body().text(body_bytes_max));
  if (!body) {
    if (body.error() != Errc::limit_exceeded) co_await ieum::fail(body.error());
    co_return std::unexpected(refusal(http::Status::content_too_large, "too_long", too_long));
  }
  std::string text = *std::move(body);
  if (request.field("Content-Type").value_or("").starts_with("application/json")) {
    std::optional<std::string> inside = text_of(text);
    if (!inside) {
      co_return std::unexpected(
          refusal(http::Status::bad_request, "bad_json", "The body is to be {\"text\": \"...\"}"));
    }
    text = *std::move(inside);
  }
  if (text.ends_with('\n')) text.pop_back();  // as `echo` writes it
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) co_return std::unexpected(bad_text("There is nothing in the body to be said"));
  if (!is_utf8(text)) co_return std::unexpected(bad_text("The text is not valid UTF-8"));
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    co_return std::unexpected(bad_text("A message is one line, without NUL"));
  }
  if (text.size() > text_bytes_max(room)) {
    co_return std::unexpected(refusal(http::Status::content_too_large, "too_long", too_long));
  }
  co_return text;
}

/// `Idempotency-Key`, as it is or as a quoted string. Nothing if it cannot be an id.
std::optional<std::string> once_of(const http::Request& request) {
  std::string_view key = request.field("Idempotency-Key").value_or("");
  const bool is_quoted = key.size() >= 2 && key.starts_with('"') && key.ends_with('"');
  if (is_quoted) key = key.substr(1, key.size() - 2);
  const bool is_there = request.field("Idempotency-Key").has_value();
  const bool is_good = key.size() <= limits::once_bytes && is_utf8(key) && !has_controls(key);
  if (is_there && (key.empty() || !is_good)) return std::nullopt;
  return std::string(key);
}

/// Never that it was surely not stored, if that is not known.
http::Response outcome(const Appended& appended, const Room& room, bool has_key) {
  switch (appended.outcome) {
    case Outcome::stored:
    case Outcome::duplicate: {
      const json body{{"id", appended.id.to_string()}, {"room", room.name()}};
      const bool is_new = appended.outcome == Outcome::stored;
      return http::Response::json(body.dump() + "\n",
                                  is_new ? http::Status::created : http::Status::ok);
    }
    case Outcome::absent:
      return refusal(http::Status::not_found, "no_such_room", "The room is no more");
    case Outcome::refused:
      return refusal(http::Status::service_unavailable, "not_stored",
                     "It was not stored: " + appended.reason, 1);
    default: break;
  }
  return refusal(http::Status::service_unavailable, "unknown_outcome",
                 has_key ? "It may have been stored: try again with the same Idempotency-Key"
                         : "It may have been stored; with an Idempotency-Key another try is safe",
                 1);
}

Task<http::Response> post_message(Hub& hub, http::Request& request) {
  std::expected<Bot, http::Response> bot = co_await who_asks(hub, request);
  if (!bot) co_return std::move(bot.error());
  const SharedRoom room = room_of(hub, request, *bot);
  if (room == nullptr) co_return no_such_room(request);
  if (!may_speak(hub, *room, *bot)) {
    co_return refusal(http::Status::forbidden, "may_not_speak",
                      bot->user.account + " may not speak in " + room->name() +
                          " now: be in it, or among those whom it is registered to");
  }
  std::optional<std::string> once = once_of(request);
  if (!once) {
    co_return refusal(
        http::Status::bad_request, "bad_idempotency_key",
        "An Idempotency-Key has 1 to " + std::to_string(limits::once_bytes) + " bytes of text");
  }
  Said text = co_await read_text(*room, request);
  if (!text) co_return std::move(text.error());
  MessageEntry message;
  message.to = room->name();
  message.account = bot->user.account;
  message.bot = true;
  const bool has_key = !once->empty();
  if (has_key) {
    message.client_tags.push_back({std::string(once_tag), *once});
    *once = once_id(*once, room->name());
  }
  Entry entry;
  entry.sender = bot->user.identity;
  entry.source = bot->user.mask();
  entry.body = *std::move(text);
  entry.tags = encode(message);
  const Appended appended =
      co_await hub.commit(nullptr, room->id, *std::move(once), std::move(entry));
  co_return outcome(appended, *room, has_key);
}

}  // namespace

void add_bot_routes(http::Routes& routes, Hub& hub) {
  routes.post("/api/rooms/{name}/messages",
              [&hub](http::Request& request) { return post_message(hub, request); });
  routes.get("/api/rooms/{name}/events",
             [&hub](http::Request& request) { return stream_room(hub, request); });
}

}  // namespace ieum::hub
