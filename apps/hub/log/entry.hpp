// Entry: what a room's log consists of, and the ids by which its entries are known.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::hub {

/// Wall-clock time as the log keeps it.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Numbers a room, from 1, and is never used again. 0: no room.
enum class RoomId : std::uint64_t { none = 0 };
/// Numbers a room's entries, from 1, without holes as they are appended. 0: before the first.
using Position = std::uint64_t;

/// What an entry says. The numbers stand in databases: they keep their meaning for good. The log
/// itself knows only `redact`; others below 64 may be added.
enum class Kind : std::uint8_t {
  message = 1,
  notice = 2,
  tags = 3,  ///< tags without a text: a reaction
  join = 16,
  part = 17,
  quit = 18,
  nick = 19,
  topic = 20,
  mode = 21,
  kick = 22,
  invite = 23,
  redact = 32,  ///< takes the body and the tags of the entry `about` away
};

/// A set of kinds, to read only these.
class Kinds {
 public:
  constexpr Kinds() noexcept = default;
  template <class... Rest>
  constexpr explicit Kinds(Kind first, Rest... rest) noexcept
      : bits_((bit(first) | ... | bit(rest))) {}
  static constexpr Kinds all() noexcept { return from_bits(~std::uint64_t{0}); }
  /// What people said: message, notice, tags.
  static constexpr Kinds said() noexcept { return Kinds(Kind::message, Kind::notice, Kind::tags); }
  static constexpr Kinds from_bits(std::uint64_t bits) noexcept {
    Kinds kinds;
    kinds.bits_ = bits;
    return kinds;
  }
  [[nodiscard]] constexpr bool has(Kind kind) const noexcept { return (bits_ & bit(kind)) != 0; }
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }

 private:
  static constexpr std::uint64_t bit(Kind kind) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(kind) & 63U);
  }
  std::uint64_t bits_ = 0;
};

/// What is to be appended. The log reads none of the texts.
struct Entry {
  Kind kind = Kind::message;
  /// Who it is from: an identity that stays, never a nick.
  std::string sender;
  /// What the members see as its source: nick!user@host.
  std::string source;
  std::string body;
  /// Tags that are kept with it, however the caller writes them.
  std::string tags;
  /// When it was said. The log moves it up to that of the room's previous entry if it is earlier,
  /// so that a room's times never fall.
  Time time{};
  /// The entry that it is about: of a `redact` the one to be taken away, else what the caller
  /// likes.
  Position about = 0;
  /// Not stored: comes back in the tail as given, so that whoever sent it knows it again. 0 in what
  /// is read.
  std::uint64_t origin = 0;

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// An entry of the log.
struct StoredEntry {
  RoomId room = RoomId::none;
  Position position = 0;
  Entry entry;
  /// It has been taken away: body and tags are empty.
  bool redacted = false;

  friend bool operator==(const StoredEntry&, const StoredEntry&) = default;
};

/// What those who follow a log tell one another by it; the log does not look into it, nor keep it.
class Notice {
 public:
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;
  virtual ~Notice() = default;

 protected:
  Notice() = default;
};
using SharedNotice = std::shared_ptr<const Notice>;

/// What became durable in one commit, in the log's order: that of a room's entries is that of their
/// positions; or a notice. Shared by all who follow the log.
struct Batch {
  std::vector<StoredEntry> entries;
  SharedNotice notice;  // then there are no entries
};
using SharedBatch = std::shared_ptr<const Batch>;

/// An entry's name for clients: `EPOCH.ROOM.POSITION`, the epoch in 16 hexadecimal digits.
struct MessageId {
  std::uint64_t epoch = 0;
  RoomId room = RoomId::none;
  Position position = 0;

  [[nodiscard]] std::string to_string() const;
  /// Nothing if `text` is none; only what `to_string` writes is one.
  static std::optional<MessageId> parse(std::string_view text) noexcept;

  friend bool operator==(const MessageId&, const MessageId&) = default;
};

/// A room's name in the log. Names have been case-folded by the caller.
std::string channel_key(std::string_view folded_name);
/// The conversation of two identities, the same whichever comes first.
std::string direct_key(std::string_view identity, std::string_view other);
/// The two identities, if `key` is of such a conversation.
struct DirectPair {
  std::string first;
  std::string second;
};
std::optional<DirectPair> direct_pair(std::string_view key);
/// The name, if `key` is a channel's.
std::optional<std::string> channel_name(std::string_view key);

}  // namespace ieum::hub
