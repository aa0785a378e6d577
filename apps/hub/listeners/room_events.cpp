// A room's messages as server-sent events. A stream holds no queue: it is woken, and reads on in
// the log from where it is, so that what was missed and what is new come the same way.
#include "listeners/room_events.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include <ieum/select.hpp>
#include <ieum/timeout.hpp>

#include "irc/limits.hpp"
#include "listeners/bot_access.hpp"
#include "listeners/origin.hpp"
#include "session/message_entry.hpp"

namespace ieum::hub {

namespace {

using nlohmann::json;

constexpr Kinds told(Kind::message, Kind::notice, Kind::redact);

/// Is told of each of the room's entries.
class Following {
 public:
  explicit Following(SharedRoom room) : room_(std::move(room)) {
    room_->followers.push_back(&news);
  }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  ~Following() { std::erase(room_->followers, &news); }

  Event news;

 private:
  const SharedRoom room_;
};

http::ServerEvent event_of(std::string_view name, const json& data) {
  http::ServerEvent event;
  event.event = name;
  event.data = data.dump(-1, ' ', false, json::error_handler_t::replace);
  return event;
}

http::ServerEvent gap(std::string_view why) { return event_of("gap", {{"message", why}}); }

http::ServerEvent farewell() {
  return event_of("end", {{"message", "The token, or its owner, may listen no longer"}});
}

http::ServerEvent event_of(const Hub& hub, const StoredEntry& stored) {
  const Entry& entry = stored.entry;
  const std::string id = hub.message_id(stored.room, stored.position);
  json data{{"id", id},
            {"time", format_time(entry.time)},
            {"from", entry.source.substr(0, entry.source.find('!'))}};
  if (entry.kind == Kind::redact) {
    data["deleted"] = hub.message_id(stored.room, entry.about);
  } else {
    const MessageEntry message = decode_message(stored);
    data["text"] = entry.body;
    if (!message.account.empty()) data["account"] = message.account;
    if (message.bot) data["bot"] = true;
  }
  const std::string_view name = entry.kind == Kind::redact   ? "deleted"
                                : entry.kind == Kind::notice ? "notice"
                                                             : "message";
  http::ServerEvent event = event_of(name, data);
  event.id = id;
  return event;
}

/// Somebody who listens to a room.
class Listening {
 public:
  Listening(Hub& hub, SharedRoom room, Bot bot, Admission::Place place)
      : hub_(hub), room_(std::move(room)), bot_(std::move(bot)), place_(std::move(place)) {}

  Task<> run(http::EventStream& out) {
    Following following(room_);
    std::string last_id(out.last_id());
    co_await begin(out, std::move(last_id));
    // At once, so that whoever asked knows that it will miss nothing from now on.
    co_await out.comment("listening");
    for (;;) {
      following.news.reset();
      const bool is_allowed = co_await may_go_on();
      if (!is_allowed) {
        co_await out.send(farewell());
        co_return;
      }
      const std::size_t count = co_await send_news(out);
      if (count == 0) co_await out.comment("");
      auto [ending, news, time] =
          co_await select(hub_.ending().wait(), following.news.wait(), sleep(limits::keep_alive));
      if (ending) co_return;
    }
  }

 private:
  /// From where on it is to be told.
  Task<> begin(http::EventStream& out, std::string last_id) {
    seen_ = room_->applied;
    if (last_id.empty()) co_return;
    const std::optional<MessageId> id = MessageId::parse(last_id);
    if (!id || id->room != room_->id || id->epoch != hub_.log().epoch()) {
      co_await out.send(gap("That id is of another room, or from before a restore"));
      co_return;
    }
    Window window;
    window.room = room_->id;
    window.limit = 1;
    const Page page = co_await hub_.log().after(window, id->position);
    const Position first = std::max(page.first, room_->state.history_from);
    seen_ = std::min(id->position, seen_);
    if (seen_ + 1 >= first) co_return;
    seen_ = first - 1;
    co_await out.send(gap("Older messages are no longer kept"));
  }

  Task<bool> may_go_on() {
    hub_.catch_up();
    if (room_->dropped || !may_read(hub_, *room_, bot_)) co_return false;
    const bool is_good = co_await is_valid(hub_, bot_.secret);
    co_return is_good;
  }

  Task<std::size_t> send_news(http::EventStream& out) {
    std::size_t count = 0;
    Window window;
    window.room = room_->id;
    window.limit = limits::history_messages;
    window.kinds = told;
    for (;;) {
      Page page = co_await hub_.log().after(window, seen_);
      for (const StoredEntry& stored : page.entries) {
        http::ServerEvent event = event_of(hub_, stored);
        co_await out.send(std::move(event));
        seen_ = stored.position;
        ++count;
      }
      if (page.entries.size() < window.limit) break;
    }
    co_return count;
  }

  Hub& hub_;
  const SharedRoom room_;
  const Bot bot_;
  const Admission::Place place_;
  Position seen_ = 0;
};

}  // namespace

Task<http::Response> stream_room(Hub& hub, http::Request& request) {
  std::expected<Bot, http::Response> bot = co_await who_asks(hub, request);
  if (!bot) co_return std::move(bot.error());
  SharedRoom room = room_of(hub, request, *bot);
  if (room == nullptr) co_return no_such_room(request);
  if (!may_read(hub, *room, *bot)) {
    co_return refusal(http::Status::forbidden, "may_not_read",
                      bot->user.account + " is not in " + room->name() +
                          ", and it is not registered to that account");
  }
  const Origin origin = origin_of(request.client(), request.scheme() == "https", hub.config());
  Admission::Place place = hub.common().admission.enter(origin.host, hub.config());
  if (!place) {
    co_return refusal(http::Status::service_unavailable, "too_many_connections",
                      "Too many connections, please try again later", 5);
  }
  auto listening =
      std::make_shared<Listening>(hub, std::move(room), *std::move(bot), std::move(place));
  http::Response response =
      http::Response::events([listening](http::EventStream& out) { return listening->run(out); });
  co_return response;
}

}  // namespace ieum::hub
