// MemoryRoomLog: the log without a disk, for tests and the simulator.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <ieum/time.hpp>

#include "log/room_log.hpp"

namespace ieum::hub {

/// Keeps everything in memory and has no thread: an append is done at once, or after `commit_time`
/// of the runtime's clock, which may be simulated. It outlives the runtimes that use it, as a disk
/// does: a simulated host may crash and come back to it.
class MemoryRoomLog final : public RoomLog {
 public:
  struct Options {
    std::uint64_t epoch = 1;
    /// How long an append takes before it is stored.
    Duration commit_time{0};
  };
  explicit MemoryRoomLog(Options options) noexcept : options_(options) {}
  MemoryRoomLog() noexcept : MemoryRoomLog(Options{}) {}
  ~MemoryRoomLog() override = default;

  /// The next `count` appends end with `outcome`, `refused` or `unknown`; of the unknown ones every
  /// other one is stored.
  void fail_next(std::size_t count, Outcome outcome);

  [[nodiscard]] std::uint64_t epoch() const noexcept override { return options_.epoch; }
  [[nodiscard]] Task<RoomInfo> open(std::string key) override;
  [[nodiscard]] Task<std::optional<RoomInfo>> find(std::string key) override;
  [[nodiscard]] Task<std::optional<RoomInfo>> info(RoomId room) override;
  [[nodiscard]] Task<std::vector<RoomInfo>> channels() override;
  [[nodiscard]] Task<bool> remove(RoomId room) override;
  [[nodiscard]] Task<> save_state(RoomId room, Position position, std::string state) override;
  [[nodiscard]] Task<Appended> append(RoomId room, std::string once, Entry entry) override;
  [[nodiscard]] Task<std::uint64_t> trim(Retention retention, Time now) override;
  [[nodiscard]] Task<Page> after(Window window, Position position) override;
  [[nodiscard]] Task<Page> before(Window window, Position position) override;
  [[nodiscard]] Task<Page> around(Window window, Position position) override;
  [[nodiscard]] Task<Page> latest(Window window, Position position) override;
  [[nodiscard]] Task<Page> between(Window window, Position from, Position to) override;
  [[nodiscard]] Task<Position> position_at(RoomId room, Time time) override;
  [[nodiscard]] Task<std::vector<Target>> targets(std::vector<RoomId> rooms, std::string identity,
                                                  Time from, Time to, std::size_t limit) override;
  [[nodiscard]] Tail follow() override { return tails_.follow(); }
  void announce(SharedNotice notice) override { tails_.announce(std::move(notice)); }

 private:
  struct Room {
    RoomInfo info;
    std::deque<StoredEntry> entries;  // from info.first on
    Time latest{};                    // of the newest entry that says something
    bool said = false;
  };
  struct Once {
    MessageId id;
    Time time{};
  };

  // With the lock held:
  Appended store(RoomId room, const std::string& once, Entry& entry);
  /// Those in (low, high) that `window` wants, the first or the last `limit`.
  Page read(const Window& window, Position low, Position high, bool from_end) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::map<RoomId, Room> rooms_;
  std::map<std::string, RoomId> keys_;
  std::map<std::pair<std::string, std::string>, Once> once_;  // of (sender, once-id)
  std::uint64_t rooms_made_ = 0;
  std::size_t failing_ = 0;
  Outcome failure_ = Outcome::refused;
  TailHub tails_;
};

}  // namespace ieum::hub
