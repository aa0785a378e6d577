// Hub: who is there, in which room, under which name; and what happens to a line.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/ieum.hpp>

#include "member.hpp"

namespace chat {

/// All members of the chat. One runtime's thread uses it, so it needs no locks. A room exists as
/// long as somebody is in it.
class Hub {
 public:
  static constexpr std::size_t members_max = 256;
  static constexpr std::string_view first_room = "lobby";
  static constexpr std::size_t listed_max = 50;  // names or rooms in one answer

  /// One client, from its welcome until it has gone.
  ieum::Task<> session(ieum::StreamSocket socket);

  /// Tells everyone why, and asks all sessions to end; who comes now is sent away.
  void shut_down(std::string_view why);

  // What commands are made of. Names are known to be well-formed.
  [[nodiscard]] Member* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Member*>& members_of(std::string_view room) const;
  [[nodiscard]] std::string list_members(const Member& asking) const;
  [[nodiscard]] std::string list_rooms() const;
  void rename(Member& member, std::string_view name);
  void move(Member& member, std::string_view room);
  /// One line, shared by all in the member's room but itself.
  void say(const Member& member, std::string text);

 private:
  /// A member is known as long as this exists, whichever way its session ends.
  class Presence {
   public:
    Presence(Hub& hub, Member& member);
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence() { end(); }
    void end();

   private:
    Hub& hub_;
    Member& member_;
    bool present_ = true;
  };

  struct Room {
    std::string name;
    std::vector<Member*> members;  // in the order in which they came
  };

  ieum::Task<> converse(Member& member, Presence& presence, ieum::Group& group);
  ieum::Task<> listen_to(Member& member);
  void welcome(Member& member);
  void enter(Member& member, std::string_view room);
  void leave_room(Member& member, std::string_view whereto);

  std::map<std::string, Member*, std::less<>> members_;  // by the key of their names
  std::map<std::string, Room, std::less<>> rooms_;
  std::size_t guests_ = 0;  // how many ever came
  std::string closed_because_;
};

}  // namespace chat
