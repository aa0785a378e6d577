// How many messages a second the hub's log acknowledges, each durable, beside a loop of SQLite
// alone that commits as many at a time. The files are in TMPDIR: what counts is the disk under it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

#include "sqlite/connection.hpp"
#include "sqlite/schema.hpp"
#include "storage.hpp"

namespace {

using namespace ieum;
using namespace ieum::hub;
using Clock = std::chrono::steady_clock;

constexpr int rooms = 100;
constexpr std::chrono::seconds length{2};
constexpr std::size_t body_bytes = 200;

/// A folder for a database, removed with the object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ieum-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string database() const { return path_ + "/hub.db"; }

 private:
  std::string path_;
};

// ---- The log ------------------------------------------------------------------------------------

struct Counted {
  std::vector<double> milliseconds;          // of each acknowledgement
  std::chrono::duration<double> seconds{0};  // in all
};

Task<> send(RoomLog& log, std::vector<RoomId> to, int sender, Clock::time_point end,
            Counted& counted) {
  const std::string identity = "a:" + std::to_string(sender);
  for (int i = 0;; ++i) {
    const Clock::time_point begin = Clock::now();
    if (begin >= end) break;
    Entry entry;
    entry.sender = identity;
    entry.source = "somebody!user@some.host.example";
    entry.body.assign(body_bytes, 'x');
    entry.time = Time(std::chrono::milliseconds(i));
    const RoomId room = to[static_cast<std::size_t>(sender + i) % to.size()];
    Appended appended = co_await log.append(room, std::to_string(i), std::move(entry));
    if (appended.outcome != Outcome::stored) {
      std::cerr << "not stored: " << appended.reason << "\n";
      std::abort();
    }
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    counted.milliseconds.push_back(took.count());
  }
}

Task<> take_batches(Tail& tail, std::uint64_t& entries) {
  for (;;) {
    const SharedBatch batch = co_await tail.next();
    entries += batch->entries.size();
  }
}

Task<> send_all(RoomLog& log, int senders, Counted& counted) {
  std::vector<RoomId> ids;
  for (int i = 0; i < rooms; ++i) {
    const RoomInfo room = co_await log.open(channel_key("#" + std::to_string(i)));
    ids.push_back(room.id);
  }
  Tail tail = log.follow();
  std::uint64_t entries = 0;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + length;
  auto following = [&](Group& outer) -> Task<> {
    outer.start(take_batches(tail, entries));
    auto body = [&](Group& group) -> Task<> {
      for (int i = 0; i < senders; ++i) group.start(send(log, ids, i, end, counted));
      co_return;
    };
    co_await with_group(body);
    outer.stop();
  };
  // The one who follows is stopped at the end.
  Result<> ended = co_await attempt(with_group(following));
  if (!ended && !(ended.error() == std::errc::operation_canceled)) co_await fail(ended.error());
  counted.seconds = Clock::now() - begin;
}

/// The argument is the number of senders, each of which waits for its acknowledgement.
void acknowledged(benchmark::State& state) {
  std::size_t count = 0;
  for (auto _ : state) {
    const Folder folder;
    StorageOptions options;
    options.path = folder.database();
    auto storage = open_storage(options);
    if (!storage) {
      state.SkipWithError(storage.error().c_str());
      return;
    }
    Counted counted;
    if (!run(send_all((*storage)->log(), static_cast<int>(state.range(0)), counted))) {
      state.SkipWithError("it failed");
      return;
    }
    state.SetIterationTime(counted.seconds.count());
    std::vector<double>& all = counted.milliseconds;
    count += all.size();
    std::ranges::sort(all);
    state.counters["p50_ms"] = all[all.size() / 2];
    state.counters["p99_ms"] = all[all.size() * 99 / 100];
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(acknowledged)->Arg(1)->Arg(10)->Arg(1000)->Iterations(1)->UseManualTime();

// ---- SQLite alone -------------------------------------------------------------------------------

void insert(Connection& connection, int room, int position, const std::string& once) {
  static const std::string identity = "a:1";
  static const std::string source = "somebody!user@some.host.example";
  static const std::string body(body_bytes, 'x');
  {
    const Use find =
        connection.use("SELECT room, position, time FROM once WHERE sender = ?1 AND once = ?2");
    find->bind(1, identity).bind(2, once).step();
  }
  const Use entry = connection.use(
      "INSERT INTO entries (room, position, time, kind, about, sender, source, body, tags) "
      "VALUES (?1, ?2, ?3, 1, 0, ?4, ?5, ?6, x'')");
  entry->bind(1, room).bind(2, position).bind(3, position).bind(4, identity);
  entry->bind(5, source).bind(6, body).step();
  const Use keep = connection.use(
      "INSERT INTO once (sender, once, room, position, time) VALUES (?1, ?2, ?3, ?4, ?4)");
  keep->bind(1, identity).bind(2, once).bind(3, room).bind(4, position).step();
}

/// The same rows in the same tables, by one thread: as many in each commit as there are senders.
void bare_sqlite(benchmark::State& state) {
  std::int64_t count = 0;
  for (auto _ : state) {
    const Folder folder;
    Connection connection(folder.database(), Connection::Access::create);
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    if (!upgrade(connection)) std::abort();
    int made = 0;
    for (const Clock::time_point end = Clock::now() + length; Clock::now() < end;) {
      connection.execute("BEGIN IMMEDIATE");
      for (std::int64_t i = 0; i < state.range(0); ++i, ++made) {
        insert(connection, 1 + made % rooms, 1 + made / rooms, std::to_string(made));
      }
      connection.execute("COMMIT");
    }
    count += made;
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(bare_sqlite)->Arg(1)->Arg(10)->Arg(1000)->Iterations(1)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
