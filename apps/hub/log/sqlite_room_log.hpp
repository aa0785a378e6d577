// SqliteRoomLog: the log in the hub's database file.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>

#include "log/room_log.hpp"
#include "sqlite/database.hpp"

namespace ieum::hub {

/// Appends go through the database's one writer, those that wait together in one commit; what was
/// committed goes to the followers, then to those who wait. Reads go through its readers.
class SqliteRoomLog final : public RoomLog, public CommitListener {
 public:
  /// What takes longer is `unknown`.
  static constexpr std::chrono::seconds append_limit{30};

  /// `database`, not started yet, must outlive it; so must the writer have ended before it goes.
  /// Throws `SqliteError`.
  explicit SqliteRoomLog(Database& database);
  ~SqliteRoomLog() override = default;

  [[nodiscard]] std::uint64_t epoch() const noexcept override { return database_.epoch(); }
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

  std::uint64_t durable() override;
  void undone() override;
  /// Before the database is stopped: no follower holds its writer up any more.
  void hurry() { tails_.hurry(); }
  /// Afterwards: the followers are told that nothing more comes.
  void end() { tails_.close(); }

 private:
  class AppendWrite;

  /// Where a room's entries end, on the writer's thread.
  struct Head {
    Position last = 0;
    Time time{};
  };

  // Within a commit:
  Head* head_of(Connection& connection, RoomId room);
  Appended apply(Connection& connection, RoomId room, const std::string& once, Entry& entry);

  /// The next step of `trim` in a room: gives how many entries went.
  Task<std::uint64_t> trim_room(RoomId room, Position up_to);
  Task<std::uint64_t> forget_once(Time before);

  Database& database_;
  TailHub tails_;
  // The writer's:
  std::unordered_map<RoomId, Head> heads_;
  std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();  // of this commit
  std::uint64_t entries_ = 0;                                 // of all time, with those of batch_
  std::uint64_t applied_ = 0;
};

}  // namespace ieum::hub
