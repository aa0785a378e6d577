// Room: a channel: its state, and who is in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ieum/event.hpp>

#include "rooms/room_state.hpp"

namespace ieum::hub {

class Room : public std::enable_shared_from_this<Room> {
 public:
  RoomId id = RoomId::none;
  std::string key;  // the name's
  RoomState state;
  Position applied = 0;  // entries of the log up to here are in `state`
  Position saved = 0;
  std::vector<User*> members;     // in the order in which they came
  std::vector<Event*> followers;  // set with each entry that this core hands out
  bool idle = false;              // nothing has happened since it was last found empty
  bool dropped = false;           // it is no room of the hub's any more

  /// Somebody is there, or it is kept.
  [[nodiscard]] bool exists() const noexcept { return !members.empty() || state.registered; }
  [[nodiscard]] const std::string& name() const noexcept { return state.name; }
  [[nodiscard]] bool has(const User& user) const noexcept {
    return state.member(user.id) != nullptr;
  }
  [[nodiscard]] bool is_op(const User& user) const noexcept {
    const RoomState::Member* member = state.member(user.id);
    return member != nullptr && member->op;
  }
  [[nodiscard]] bool is_voiced(const User& user) const noexcept {
    const RoomState::Member* member = state.member(user.id);
    return member != nullptr && (member->op || member->voice);
  }
  /// `@`, `+`, `@+` or nothing: the highest, or all.
  [[nodiscard]] std::string prefix(const User& user, bool all) const;
  [[nodiscard]] bool is_banned(const User& user) const;
  [[nodiscard]] bool is_invited(const User& user) const;
  [[nodiscard]] bool may_speak(const User& user) const {
    const bool voiced = is_voiced(user);
    return (has(user) || !state.members_only) && (voiced || (!state.moderated && !is_banned(user)));
  }
  /// Whether `user` may know that it exists.
  [[nodiscard]] bool is_shown_to(const User& user) const noexcept {
    return !state.secret || has(user) || user.oper;
  }
};

/// Keeps a room in memory across awaits; then it may have been dropped.
using SharedRoom = std::shared_ptr<Room>;

}  // namespace ieum::hub
