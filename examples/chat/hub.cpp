// Hub: who is there, in which room, under which name.
#include "hub.hpp"

#include <algorithm>

#include "commands.hpp"
#include "text.hpp"

namespace chat {

namespace {

constexpr ieum::Duration refusal_max = std::chrono::seconds(2);

ieum::Task<> send_away(ieum::StreamSocket socket, std::string why) {
  co_await socket.write_all(why);
  co_await socket.close_gracefully(refusal_max);
}

}  // namespace

// ---- A session ----------------------------------------------------------------------------------

ieum::Task<> Hub::session(ieum::StreamSocket socket) {
  if (members_.size() >= members_max || !closed_because_.empty()) {
    std::string why = closed_because_.empty() ? "* The chat is full. Please try again later.\n"
                                              : "* " + closed_because_ + "\n";
    ieum::Task<> sending = send_away(std::move(socket), std::move(why));
    co_await ieum::with_timeout(refusal_max, std::move(sending));
    co_return;
  }
  Member member(std::move(socket));
  Presence presence(*this, member);
  welcome(member);
  auto body = [this, &member, &presence](ieum::Group& group) {
    return converse(member, presence, group);
  };
  co_await ieum::with_group(body);
}

/// Sending runs beside listening. If sending fails, the group ends the listening too.
ieum::Task<> Hub::converse(Member& member, Presence& presence, ieum::Group& group) {
  group.start(member.send_lines());
  co_await ieum::select(listen_to(member), member.asked_to_leave());
  presence.end();
  co_await member.finish();
}

ieum::Task<> Hub::listen_to(Member& member) {
  while (!member.is_leaving()) {
    ieum::Result<std::optional<std::string>> line = co_await ieum::attempt(member.next_line());
    if (!line || !*line) co_return;  // the connection broke, or the client has finished
    obey(*this, member, **line);
    co_await ieum::yield();  // what came of it goes out before this client's next line is looked at
  }
}

void Hub::welcome(Member& member) {
  member.tell("* Welcome to the ieum chat. You are " + member.name + ".");
  member.tell("* Type to talk. Take a name with /name NAME; /help shows what else there is.");
  member.tell(list_members(member));
}

void Hub::shut_down(std::string_view why) {
  closed_because_ = why;
  const Line line = make_line("* " + closed_because_);
  for (const auto& [key, member] : members_) {
    member->tell(line);
    member->leave();
  }
}

// ---- Coming and going ---------------------------------------------------------------------------

Hub::Presence::Presence(Hub& hub, Member& member) : hub_(hub), member_(member) {
  do {
    member.name = "guest" + std::to_string(++hub.guests_);
  } while (hub.find(member.name) != nullptr);
  hub.members_.emplace(key_of(member.name), &member);
  hub.enter(member, first_room);
}

void Hub::Presence::end() {
  if (!present_) return;
  present_ = false;
  hub_.leave_room(member_, "has left the chat");
  hub_.members_.erase(key_of(member_.name));
}

void Hub::enter(Member& member, std::string_view room) {
  const auto [found, is_new] = rooms_.try_emplace(key_of(room));
  if (is_new) found->second.name = room;
  member.room = found->second.name;
  say(member, "* " + member.name + " has come to " + member.room + ".");
  found->second.members.push_back(&member);
}

void Hub::leave_room(Member& member, std::string_view whereto) {
  const auto room = rooms_.find(key_of(member.room));
  std::erase(room->second.members, &member);
  if (room->second.members.empty()) {
    rooms_.erase(room);
  } else if (closed_because_.empty()) {
    say(member, "* " + member.name + " " + std::string(whereto) + ".");
  }
}

void Hub::rename(Member& member, std::string_view name) {
  const std::string former = std::exchange(member.name, std::string(name));
  members_.erase(key_of(former));
  members_.emplace(key_of(name), &member);
  say(member, "* " + former + " is now called " + member.name + ".");
}

void Hub::move(Member& member, std::string_view room) {
  leave_room(member, "has gone to " + std::string(room));
  enter(member, room);
}

void Hub::say(const Member& member, std::string text) {
  const Line line = make_line(std::move(text));
  for (Member* other : members_of(member.room)) {
    if (other != &member) other->tell(line);
  }
}

// ---- Who and where ------------------------------------------------------------------------------

Member* Hub::find(std::string_view name) const {
  const auto found = members_.find(key_of(name));
  return found == members_.end() ? nullptr : found->second;
}

const std::vector<Member*>& Hub::members_of(std::string_view room) const {
  static const std::vector<Member*> nobody;
  const auto found = rooms_.find(key_of(room));
  return found == rooms_.end() ? nobody : found->second.members;
}

std::string Hub::list_members(const Member& asking) const {
  const std::vector<Member*>& members = members_of(asking.room);
  std::string text = "* In " + asking.room + ": ";
  for (std::size_t i = 0; i < std::min(members.size(), listed_max); ++i) {
    if (i > 0) text += ", ";
    text += members[i]->name;
    if (members[i] == &asking) text += " (you)";
  }
  if (members.size() > listed_max) {
    text += ", and " + std::to_string(members.size() - listed_max) + " more";
  }
  return text;
}

std::string Hub::list_rooms() const {
  std::string text = "* Rooms: ";
  std::size_t listed = 0;
  for (const auto& [key, room] : rooms_) {
    if (listed == listed_max) {
      text += ", and " + std::to_string(rooms_.size() - listed_max) + " more";
      break;
    }
    if (listed++ > 0) text += ", ";
    text += room.name + " (" + std::to_string(room.members.size()) + ")";
  }
  return text;
}

}  // namespace chat
