// A disk that fails when a test says so: SQLite's own file layer, with a switch before it.
#pragma once

#include <atomic>
#include <random>
#include <string>

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

  /// From now on it is known which writes have been synced; of files that are empty now.
  static void record();
  /// Writes to `to`, and to what lies beside it, what a power cut at this moment may leave of the
  /// database `from`: all that was synced; of what was written since, some whole, some half, some
  /// not at all.
  static void cut_power(const std::string& from, const std::string& to, std::mt19937_64& random);
};

}  // namespace ieum::hub::test
