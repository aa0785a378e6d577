// SimRandom: numbers from a seed, the same on every machine and with every compiler.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#pragma GCC visibility push(default)
namespace ieum {

/// A generator of the kind that <random> expects (xoshiro256**, of Blackman and Vigna), with
/// distributions of its own: those of the standard library differ from one to the next. Draw once a
/// statement: the order in which the operands of an expression are evaluated is the compiler's
/// choice. Not for secrets.
class SimRandom {
 public:
  using result_type = std::uint64_t;
  static constexpr std::uint32_t million = 1'000'000;

  explicit constexpr SimRandom(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {  // SplitMix64
      seed += 0x9E3779B97F4A7C15;
      std::uint64_t z = seed;
      z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9;
      z = (z ^ z >> 27U) * 0x94D049BB133111EB;
      word = z ^ z >> 31U;
    }
  }

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return UINT64_MAX; }
  constexpr result_type operator()() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Evenly from 0 to `bound - 1`; 0 if `bound` is 0.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    if (bound <= 1) return 0;
    const int unused = std::countl_zero(bound - 1);
    for (;;) {
      const std::uint64_t drawn = (*this)() >> static_cast<unsigned>(unused);
      if (drawn < bound) return drawn;
    }
  }
  /// Evenly from `first` to `last`, both included.
  constexpr std::int64_t between(std::int64_t first, std::int64_t last) noexcept {
    const auto span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) + 1;
    const std::uint64_t drawn = span == 0 ? (*this)() : below(span);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + drawn);
  }
  /// True `per_million` times in a million.
  constexpr bool chance(std::uint32_t per_million) noexcept {
    return per_million != 0 && below(million) < per_million;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace ieum
#pragma GCC visibility pop
