// Trace: counts and hashes what happens in a simulated network, and tells whoever listens.
#pragma once

#include <cstdint>
#include <functional>

#include <ieum/sim_options.hpp>

namespace ieum::detail::sim {

class Trace {
 public:
  using Sink = std::function<void(const SimEvent&)>;

  explicit Trace(std::uint64_t seed) noexcept : hash_(seed ^ 0x6A09E667F3BCC909) {}

  void add(const SimEvent& event) {
    ++count_;
    mix(static_cast<std::uint64_t>(event.time.count()));
    mix(std::uint64_t{event.host} << 8U | static_cast<std::uint8_t>(event.what));
    mix(event.socket);
    mix(static_cast<std::uint64_t>(event.value));
    if (sink_) sink_(event);
  }
  void tell(Sink sink) { sink_ = std::move(sink); }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  void mix(std::uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15;
    hash_ ^= hash_ >> 29U;
  }

  std::uint64_t hash_;
  std::uint64_t count_ = 0;
  Sink sink_;
};

}  // namespace ieum::detail::sim
