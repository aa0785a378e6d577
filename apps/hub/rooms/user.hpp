// User: somebody who is there, with one device or several, or just lost for a while.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/time.hpp>

#include "log/entry.hpp"

namespace ieum::hub {

class Room;
class Session;

/// Numbers the presences of people, at random: never used again.
using PresenceId = std::uint64_t;

/// The identity of an account's owner, and a new one of a guest's.
[[nodiscard]] std::string account_identity(std::string_view account);
[[nodiscard]] std::string guest_identity();

/// Who somebody is.
struct Person {
  PresenceId id = 0;
  /// Who it is, whatever its nick: `a:ACCOUNT` or `g:SECRET`. The log and the store know it by
  /// this.
  std::string identity;
  std::string account;  // as it was registered; empty: a guest
  std::string nick;
  std::string user;
  std::string host;
  std::string realname;
  bool secure = false;
  Time signed_on{};

  [[nodiscard]] std::string mask() const { return nick + "!" + user + "@" + host; }
};

/// Each core has one of everybody, with the same in it but for the times of this runtime and the
/// devices, which each knows only of its own.
struct User : Person {
  std::string away;  // why; empty: it is there
  bool invisible = false;
  bool bot = false;
  bool oper = false;
  TimePoint last_spoke{};
  std::size_t devices = 0;         // on all cores
  std::vector<Session*> sessions;  // those on this one
  std::vector<Room*> rooms;        // in the order in which it came
  std::vector<RoomId> invited;
  TimePoint lost_until{};  // while there is no device: when it is given up
  std::string lost_because;
  Time seen{};  // up to when it surely has what it was sent

  [[nodiscard]] bool is_lost() const noexcept { return devices == 0; }
};

}  // namespace ieum::hub
