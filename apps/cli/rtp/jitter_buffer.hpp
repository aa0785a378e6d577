// JitterBuffer: payloads in the order of their numbers. What is missing is waited for, but not
// long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <ieum/operation.hpp>

#include "rtp/rtp_statistics.hpp"

namespace ieum::cli {

/// Pure: of the time it knows what it is told.
class JitterBuffer {
 public:
  /// So many wait at most for one that is missing, and so long.
  static constexpr std::size_t packets_max = 64;
  static constexpr std::chrono::milliseconds wait_max{100};

  /// Appends to `to` what is next now. `number` must not have been given before. What comes after
  /// its turn is left out, and counted.
  void add(std::int64_t number, ConstBuffer payload, ArrivalTime arrival,
           std::vector<std::byte>& to);
  /// Appends what has waited long enough, at `now`.
  void expire(ArrivalTime now, std::vector<std::byte>& to);
  /// Appends all that waits, and begins anew with the next packet.
  void flush(std::vector<std::byte>& to);

  [[nodiscard]] std::uint64_t too_late() const noexcept { return too_late_; }
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

 private:
  struct Waiting {
    std::vector<std::byte> payload;
    ArrivalTime arrival;
  };
  void take_first(std::vector<std::byte>& to);
  void take_ready(std::vector<std::byte>& to);

  // The first packets wait like others: one that was sent before may still come.
  bool has_begun_ = false;
  std::int64_t next_ = 0;
  std::map<std::int64_t, Waiting> waiting_;
  std::uint64_t too_late_ = 0;
};

}  // namespace ieum::cli
