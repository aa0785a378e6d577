// NAMES and LIST.
#include <algorithm>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

constexpr std::size_t names_of_all_max = 50;  // rooms, of a NAMES that names none

/// What a LIST asks for: `>3`, `C<60`, `*name*`.
struct Filter {
  std::size_t more_than = 0;
  std::size_t fewer_than = SIZE_MAX;
  std::vector<std::string> masks;
  std::vector<std::string> not_masks;
  std::optional<std::chrono::minutes> made_within, made_before, topic_within, topic_before;

  [[nodiscard]] bool takes(const Room& room, Time now) const {
    const std::size_t members = room.members.size();
    const RoomState& state = room.state;
    const auto is_like = [&](const std::string& mask) { return matches(mask, room.name()); };
    if ((more_than != 0 && members <= more_than) || members >= fewer_than) return false;
    if (!masks.empty() && std::ranges::none_of(masks, is_like)) return false;
    if (std::ranges::any_of(not_masks, is_like)) return false;
    if (made_within && now - state.created >= *made_within) return false;
    if (made_before && now - state.created <= *made_before) return false;
    const bool has_topic = !state.topic.empty();
    if (topic_within && (!has_topic || now - state.topic_time >= *topic_within)) return false;
    return !topic_before || (has_topic && now - state.topic_time > *topic_before);
  }
};

Filter filter_of(std::string_view text) {
  Filter filter;
  for (std::string_view part : split(text, ',')) {
    const auto minutes = [&](std::size_t from) {
      constexpr std::size_t longest = 100UL * 365 * 24 * 60;
      return std::chrono::minutes(std::min(number_of(part.substr(from), 0), longest));
    };
    const std::string start = upper(part.substr(0, 2));
    if (part.starts_with('>')) {
      filter.more_than = number_of(part.substr(1), 0);
    } else if (part.starts_with('<')) {
      filter.fewer_than = number_of(part.substr(1), SIZE_MAX);
    } else if (start == "C<") {
      filter.made_within = minutes(2);
    } else if (start == "C>") {
      filter.made_before = minutes(2);
    } else if (start == "T<") {
      filter.topic_within = minutes(2);
    } else if (start == "T>") {
      filter.topic_before = minutes(2);
    } else if (part.starts_with('!')) {
      filter.not_masks.emplace_back(part.substr(1));
    } else {
      filter.masks.emplace_back(part);
    }
  }
  return filter;
}

std::string name_of(const Session& session, const Room& room, const User& member) {
  std::string text = room.prefix(member, session.caps.has(Cap::multi_prefix));
  return text + (session.caps.has(Cap::userhost_in_names) ? member.mask() : member.nick);
}

void list_members(Session& session, const Room& room) {
  const bool inside = room.has(*session.user);
  const std::string symbol = room.state.secret ? "@" : "=";
  const std::size_t fixed =
      session.hub.config().name.size() + session.nick().size() + room.name().size() + 16;
  std::string line;
  for (const User* member : room.members) {
    if (!inside && member->invisible) continue;
    const std::string name = name_of(session, room, *member);
    if (fixed + line.size() + name.size() + 3 > limits::line_bytes) {
      session.numeric("RPL_NAMREPLY"_numeric, {symbol, room.name(), line});
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += name;
  }
  if (!line.empty()) session.numeric("RPL_NAMREPLY"_numeric, {symbol, room.name(), line});
}

}  // namespace

void send_names(Session& session, const Room& room) {
  list_members(session, room);
  session.numeric("RPL_ENDOFNAMES"_numeric, {room.name()});
}

void do_names(Session& session, const Message& message) {
  const std::vector<std::string_view> names = split(message.param(0), ',');
  if (names.empty()) {
    std::size_t listed = 0;
    for (const auto& [key, room] : session.hub.rooms()) {
      if (room->members.empty()) continue;
      if (!room->is_shown_to(*session.user)) continue;
      if (++listed > names_of_all_max) break;
      list_members(session, *room);
    }
    session.numeric("RPL_ENDOFNAMES"_numeric, {"*"});
    return;
  }
  for (const std::string_view name : names) {
    const Room* room = session.hub.find_room(name);
    if (room != nullptr && room->is_shown_to(*session.user)) {
      send_names(session, *room);
    } else {
      session.numeric("RPL_ENDOFNAMES"_numeric,
                      {name.starts_with(':') ? std::string_view("*") : cut(name, 64)});
    }
  }
}

Task<> do_list(Session& session, Message message) {
  Hub& hub = session.hub;
  const Filter filter = filter_of(message.param(0));
  session.numeric("RPL_LISTSTART"_numeric, {"Channel"});
  // By name: rooms may go while the client reads.
  std::vector<std::string> names;
  for (const auto& [key, room] : hub.rooms()) {
    if (room->exists()) names.push_back(key);
  }
  for (const std::string& name : names) {
    const Room* room = hub.find_room(name);
    if (room == nullptr || !room->is_shown_to(*session.user)) continue;
    if (!filter.takes(*room, hub.time())) continue;
    session.numeric("RPL_LIST"_numeric,
                    {room->name(), std::to_string(room->members.size()), room->state.topic});
    co_await session.room_for_more();
    if (session.is_ending()) co_return;
  }
  session.numeric("RPL_LISTEND"_numeric);
}

}  // namespace ieum::hub
