// A disk that fails when a test says so: SQLite's own file layer, with a switch before it.
#pragma once

#include <atomic>

namespace ieum::hub::test {

/// Which calls fail, in the whole process, on databases opened with `name`.
struct FailingVfs {
  static constexpr const char* name = "ieum-failing";
  /// Makes it known to SQLite; idempotent. Everything works.
  static void install();
  /// The answer of every write, of every sync; 0: as the disk says.
  static std::atomic<int> write_error;
  static std::atomic<int> sync_error;
  /// How many bytes may still be written before `write_error` is answered.
  static std::atomic<long> bytes_left;
  /// How many syncs were asked for.
  static std::atomic<int> syncs;
  /// While it is set, syncs wait: a disk that does not answer.
  static std::atomic<bool> held;
};

}  // namespace ieum::hub::test
