// Growth: how fast numbers have changed lately, for a watcher.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include <ieum/operation.hpp>
#include <ieum/time.hpp>

namespace ieum::cli {

/// Numbers by their names, and how they were a minute ago, or since there are any.
class Growth {
 public:
  static constexpr Duration window = std::chrono::minutes(1);
  static constexpr Duration least = std::chrono::seconds(5);  ///< what tells something of a minute
  static constexpr std::size_t names_max = 1000;   // of a sample; further ones are left out
  static constexpr std::size_t samples_max = 600;  // the oldest is forgotten

  using Numbers = std::map<std::string, std::size_t>;

  void add(TimePoint time, Numbers numbers);
  /// " +12 per minute"; empty if it stays as it is, or nothing is known yet.
  [[nodiscard]] std::string of(const std::string& name) const;

 private:
  struct Sample {
    TimePoint time;
    Numbers numbers;
  };
  std::deque<Sample> samples_;
};

}  // namespace ieum::cli
