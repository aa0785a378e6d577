// RoomState: what a room is, as its log tells: topic, modes, lists, access, members. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "irc/modes.hpp"
#include "log/entry.hpp"
#include "rooms/user.hpp"

namespace ieum::hub {

struct MaskEntry {
  std::string mask;
  std::string setter;
  Time time{};
};

/// A change of a mode as the log keeps it: of a member's mode with the presence that it is about.
struct LoggedChange {
  ModeChange change;
  PresenceId member = 0;
};

class RoomState {
 public:
  struct Member {
    std::string identity;
    std::string account;
    bool op = false;
    bool voice = false;
  };
  static constexpr std::size_t known_max = 10'000;

  std::string name;
  Time created{};
  std::string topic;
  std::string topic_setter;
  Time topic_time{};
  bool invite_only = false;
  bool moderated = false;
  bool members_only = true;
  bool secret = false;
  bool topic_protected = true;
  bool registered = false;
  std::string founder;  // the account's key, of a registered room
  std::string key;
  std::size_t limit = 0;  // 0: none
  std::vector<MaskEntry> bans;
  std::vector<MaskEntry> excepted;
  std::vector<MaskEntry> invited;
  std::map<std::string, char> access;  // account's key: 'o' or 'v', of a registered room
  std::map<PresenceId, Member> members;
  /// Who have been members since the room began. One that was closed to strangers when it emptied
  /// begins anew for somebody else: its history is not for them.
  std::set<std::string> known;
  bool was_closed = false;
  Position history_from = 1;

  /// The room after `stored`.
  void apply(const StoredEntry& stored);
  /// Nobody is there any more: at the start of the hub, since presences do not outlive it.
  void forget_members();
  void remove_member(PresenceId member);

  [[nodiscard]] std::vector<MaskEntry>* list(char letter) noexcept;
  [[nodiscard]] const std::vector<MaskEntry>* list(char letter) const noexcept;
  [[nodiscard]] const Member* member(PresenceId id) const noexcept;
  /// `+ntk key` as parameters; without the key's text unless `with_key`.
  [[nodiscard]] std::vector<std::string> modes(bool with_key) const;

  /// For `RoomLog::save_state`: all but the members.
  [[nodiscard]] std::string save() const;
  static RoomState load(std::string_view text);

 private:
  void begin_anew(const StoredEntry& first);
  void apply_mode(const LoggedChange& logged, const Entry& entry);
  void emptied();
};

// What is in the bodies of a room's entries.

/// `join`: the room's name, the account and the real name.
struct JoinBody {
  std::string room;
  std::string account;
  std::string realname;
};
[[nodiscard]] std::string encode(const JoinBody& body);
[[nodiscard]] JoinBody decode_join(std::string_view text);
[[nodiscard]] std::string encode(const std::vector<LoggedChange>& changes);
[[nodiscard]] std::vector<LoggedChange> decode_modes(std::string_view text);

/// Kinds that change what a room is.
[[nodiscard]] constexpr Kinds state_kinds() noexcept {
  return Kinds(Kind::join, Kind::part, Kind::quit, Kind::topic, Kind::mode, Kind::kick);
}

}  // namespace ieum::hub
