// Room: a channel that this core serves: its state, and who of it is here.
#pragma once

#include <string>
#include <vector>

#include <ieum/event.hpp>

#include "rooms/room_state.hpp"

namespace ieum::hub {

class Room {
 public:
  RoomId id = RoomId::none;
  std::string key;  // the name's
  RoomState state;
  Position applied = 0;  // entries of the log up to here are in `state`
  Position saved = 0;
  std::vector<User*> members;  // in the order in which they came
  Event loaded;
  bool failed = false;    // it could not be loaded
  std::size_t users = 0;  // tasks that hold on to it across awaits

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
  /// Whether `user` may know that it exists.
  [[nodiscard]] bool is_shown_to(const User& user) const noexcept {
    return !state.secret || has(user) || user.oper;
  }
};

/// Keeps a room in memory across awaits.
class RoomUse {
 public:
  explicit RoomUse(Room* room) noexcept : room_(room) {
    if (room_ != nullptr) ++room_->users;
  }
  RoomUse(RoomUse&& other) noexcept : room_(std::exchange(other.room_, nullptr)) {}
  RoomUse& operator=(RoomUse&&) = delete;
  ~RoomUse() {
    if (room_ != nullptr) --room_->users;
  }
  [[nodiscard]] Room* get() const noexcept { return room_; }
  Room* operator->() const noexcept { return room_; }
  Room& operator*() const noexcept { return *room_; }

 private:
  Room* room_;
};

}  // namespace ieum::hub
