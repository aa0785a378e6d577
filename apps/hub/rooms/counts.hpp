// Counts: what a core of the hub has done, for its metrics.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ieum::hub {

/// Counted on one thread, read on any.
class Count {
 public:
  void operator++() noexcept { add(1); }
  void add(std::uint64_t more) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// How long something took, in buckets.
class Times {
 public:
  static constexpr std::array<std::chrono::microseconds, 10> bounds{
      std::chrono::microseconds(500),       std::chrono::microseconds(1'000),
      std::chrono::microseconds(2'500),     std::chrono::microseconds(5'000),
      std::chrono::microseconds(10'000),    std::chrono::microseconds(25'000),
      std::chrono::microseconds(100'000),   std::chrono::microseconds(500'000),
      std::chrono::microseconds(2'500'000), std::chrono::microseconds(10'000'000)};

  void count(std::chrono::nanoseconds time) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && time > bounds[bucket]) ++bucket;
    ++buckets_[bucket];
    nanoseconds_.add(static_cast<std::uint64_t>(time.count()));
  }
  /// Those above all bounds are the last one.
  [[nodiscard]] std::uint64_t bucket(std::size_t index) const noexcept {
    return buckets_[index].value();
  }
  [[nodiscard]] std::chrono::nanoseconds sum() const noexcept {
    return std::chrono::nanoseconds(nanoseconds_.value());
  }

 private:
  std::array<Count, bounds.size() + 1> buckets_;
  Count nanoseconds_;
};

struct Counts {
  Count lines_received;
  Count lines_sent;   // copies, to clients
  Count rate_limits;  // lines and requests that had to wait, or were refused
  Count commits;
  Count commits_failed;  // or of unknown outcome
  Times commit_times;
  std::array<Count, 6> http_responses;  // by their statuses' first digit
};

}  // namespace ieum::hub
