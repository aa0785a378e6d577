// Room: a channel that this core serves.
#include "rooms/room.hpp"

#include <algorithm>

#include "irc/names.hpp"

namespace ieum::hub {

namespace {

/// Of a mask, or of an extended one of an account: `$a:ann`.
bool is_meant(const std::vector<MaskEntry>& list, const User& user) {
  const std::string mask = user.mask();
  return std::ranges::any_of(list,
                             [&](const MaskEntry& entry) { return matches(entry.mask, mask); });
}

}  // namespace

std::string Room::prefix(const User& user, bool all) const {
  const RoomState::Member* member = state.member(user.id);
  std::string text;
  if (member == nullptr) return text;
  if (member->op) text += '@';
  if (member->voice && (all || text.empty())) text += '+';
  return text;
}

bool Room::is_banned(const User& user) const {
  return is_meant(state.bans, user) && !is_meant(state.excepted, user);
}

bool Room::is_invited(const User& user) const {
  return std::ranges::find(user.invited, id) != user.invited.end() || is_meant(state.invited, user);
}

}  // namespace ieum::hub
