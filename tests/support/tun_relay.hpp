// TunRelay: a network that loses, doubles and reorders what goes over it, and knows what it did.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace ieum::test {

/// A TUN device of this thread's network namespace; the relay, a thread of its own, hands back to
/// the system what it is given, as if it came from outside. Of the RTP packets to one port it loses
/// some, doubles some and lets others overtake some; the rest passes as it is.
class TunRelay {
 public:
  struct Harm {
    unsigned lost_percent = 0;
    unsigned doubled_percent = 0;
    unsigned delayed_percent = 0;
    unsigned overtaken_by_max = 10;  ///< so many packets overtake a delayed one at most
  };
  /// `error` is set if there can be no such device here.
  TunRelay(const std::string& name, std::uint16_t port, const Harm& harm, unsigned seed);
  TunRelay(const TunRelay&) = delete;
  TunRelay& operator=(const TunRelay&) = delete;
  ~TunRelay();

  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  /// Ends it, with what it still held back delivered; the RTP sequence numbers that it delivered,
  /// in that order. Call it once.
  std::vector<std::uint16_t> finish();

  struct Counts {
    std::uint64_t packets = 0;  ///< each number once
    std::uint64_t lost = 0;     ///< between the lowest and the highest that were delivered
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;
  };
  /// What a receiver of `delivered` is to report.
  [[nodiscard]] static Counts count(const std::vector<std::uint16_t>& delivered);

 private:
  struct Held {
    std::vector<std::byte> packet;
    unsigned overtaken_by;
  };
  void run();
  void take(const std::vector<std::byte>& packet);
  void deliver(const std::vector<std::byte>& packet);
  [[nodiscard]] bool is_media(const std::vector<std::byte>& packet) const;

  int device_ = -1;
  std::uint16_t port_;
  Harm harm_;
  unsigned seed_;
  std::string error_;
  std::atomic<bool> ending_ = false;
  std::deque<Held> held_;
  std::vector<std::uint16_t> delivered_;
  std::uint64_t random_ = 0;
  std::jthread thread_;
};

}  // namespace ieum::test
