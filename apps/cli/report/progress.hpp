// Progress: how far a transfer is, as a line on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::cli {

/// "film.mp4  1.2 GiB of 2 GiB, 60 %  112 MiB/s  7 s left": drawn on standard error, over and over
/// in the same place.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  /// Draws nothing unless `is_shown`.
  Progress(bool is_shown, std::string name);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// `done` bytes are there already, of `total`.
  void begin(std::uint64_t done, std::optional<std::uint64_t> total);
  /// The same of the next of several files, whose rate is that of all together.
  void begin_next(std::string_view name, std::uint64_t done, std::uint64_t total);
  /// So many are there now. Draws at most ten times a second.
  void at(std::uint64_t done);
  /// Takes the line away, for others to be written.
  void clear();

  [[nodiscard]] std::string line(int columns) const;

 private:
  struct Sample {
    Clock::time_point time;
    std::uint64_t moved;
  };
  void draw(Clock::time_point now);

  bool is_shown_;
  bool is_drawn_ = false;
  std::string name_;
  std::uint64_t done_ = 0;
  std::uint64_t moved_ = 0;  // of all files
  std::optional<std::uint64_t> total_;
  std::deque<Sample> samples_;  // of the last seconds
};

}  // namespace ieum::cli
