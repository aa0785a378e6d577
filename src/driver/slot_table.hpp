// SlotTable: what a driver knows of each descriptor, found by its number.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace ieum::detail {

/// Made in chunks as numbers come: a slot stays where it is, and none is made for numbers that have
/// not been used, but for its neighbours'.
template <class Slot>
class SlotTable {
 public:
  /// Null if nothing was ever known of it, nor of its neighbours.
  [[nodiscard]] Slot* find(int number) const noexcept {
    const auto index = static_cast<std::size_t>(number);  // of a negative one beyond all
    const std::size_t chunk = index / chunk_slots;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return nullptr;
    return &chunks_[chunk][index % chunk_slots];
  }

  /// Makes it if need be.
  Slot& operator[](int number) {
    if (Slot* known = find(number)) [[likely]]
      return *known;
    const std::size_t chunk = static_cast<std::size_t>(number) / chunk_slots;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    chunks_[chunk] = std::make_unique<Slot[]>(chunk_slots);
    return chunks_[chunk][static_cast<std::size_t>(number) % chunk_slots];
  }

  /// Of how many `is_one` says so.
  template <class IsOne>
  [[nodiscard]] std::size_t count_if(const IsOne& is_one) const noexcept {
    std::size_t count = 0;
    for (const auto& chunk : chunks_) {
      for (std::size_t i = 0; chunk != nullptr && i < chunk_slots; ++i) {
        if (is_one(chunk[i])) ++count;
      }
    }
    return count;
  }

 private:
  static constexpr std::size_t chunk_slots = 128;

  std::vector<std::unique_ptr<Slot[]>> chunks_;
};

}  // namespace ieum::detail
