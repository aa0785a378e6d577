// BufferPool: slabs and free lists.
#include "driver/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <new>
#include <span>
#include <utility>

namespace ieum::detail {

void BufferPool::Free::operator()(std::byte* slab) const noexcept { ::munmap(slab, slab_bytes); }

// Extra ones are numbered on from the maximum, and kept apart. They are rare, and keep no memory.
void BufferPool::give_back_extra(std::uint32_t id) noexcept {
  --extra_taken_;
  if ((id & output_bit) != 0) --outputs_;
  ::madvise(data(id), small_bytes, MADV_DONTNEED);
  extra_free_.push_back(id & ~output_bit);
}

std::uint32_t BufferPool::take_extra(std::size_t extra_max) noexcept {
  if (extra_taken_ - outputs_ >= extra_max) return none;
  if (extra_free_.empty()) {
    const Kind& small = kind(Size::small);
    const std::uint32_t index = max_ + extra_made_;
    if (small.made < max_ || index >= buffers_max_default) return none;
    const bool is_there = index / (slab_bytes / small_bytes) < small.slabs.size();
    if (!is_there && !add_slab(Size::small)) return none;
    ++extra_made_;
    extra_free_.reserve(extra_made_);
    extra_free_.push_back(id_of(Size::small, index));
  }
  const std::uint32_t id = extra_free_.back();
  extra_free_.pop_back();
  ++extra_taken_;
  return id;
}

std::uint32_t BufferPool::take_output() noexcept {
  const std::uint32_t id = take_extra(SIZE_MAX);
  if (id == none) return none;
  ++outputs_;
  return id | output_bit;
}

bool BufferPool::owns(const std::byte* data) const noexcept {
  const auto after = std::ranges::upper_bound(slabs_, data, std::less<>());
  return after != slabs_.begin() && data < *(after - 1) + slab_bytes;
}

bool BufferPool::add_slab(Size size) noexcept {
  // Whole pages that are touched when they are first filled.
  void* slab =
      ::mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (slab == MAP_FAILED) return false;
  std::unique_ptr<std::byte, Free> owned(static_cast<std::byte*>(slab));
#if defined(__cpp_exceptions)
  try {
#endif
    slabs_.reserve(slabs_.size() + 1);
    kind(size).slabs.push_back(std::move(owned));
#if defined(__cpp_exceptions)
  } catch (const std::bad_alloc&) {
    return false;
  }
#endif
  const std::byte* const begin = kind(size).slabs.back().get();
  slabs_.insert(std::ranges::upper_bound(slabs_, begin, std::less<>()), begin);
  return true;
}

bool BufferPool::grow(Size size) noexcept {
  Kind& of = kind(size);
  const auto per_slab = static_cast<unsigned>(slab_bytes / bytes_of(size));
  const unsigned count = std::min(per_slab, max(size) - of.made);
  if (count == 0) return false;
#if defined(__cpp_exceptions)
  try {
#endif
    of.free.reserve(of.made + count);  // giving back never allocates
#if defined(__cpp_exceptions)
  } catch (const std::bad_alloc&) {
    return false;
  }
#endif
  if (!add_slab(size)) return false;
  for (unsigned i = count; i > 0; --i) of.free.push_back(id_of(size, of.made + i - 1));
  of.made += count;
  return true;
}

TimePoint BufferPool::trim_now(TimePoint deadline) noexcept {
  const TimePoint now = TimePoint::clock::now();
  if (now >= next_trim_) {
    trim(Size::small);
    trim(Size::large);
    next_trim_ = now + trim_period;
    if (!wants_trim()) return deadline;
  }
  return std::min(deadline, next_trim_);
}

void BufferPool::trim(Size size) noexcept {
  Kind& of = kind(size);
  const std::size_t bytes = bytes_of(size);
  const std::size_t kept = kept_bytes / bytes;
  const std::size_t unused = std::min(of.low, of.free.size() - std::min(of.free.size(), kept));
  of.clean = std::min(of.clean, of.low);
  of.low = of.free.size();
  if (unused <= of.clean) return;
  const std::size_t count = std::min(unused - of.clean, trim_bytes_max / bytes);
  const std::span<std::uint32_t> ids = std::span(of.free).subspan(of.clean, count);
  std::ranges::sort(ids);
  for (std::size_t i = 0; i < ids.size();) {
    std::size_t length = 1;  // of neighbours: one call for them all
    while (i + length < ids.size() && data(ids[i + length]) == data(ids[i]) + length * bytes) {
      ++length;
    }
    ::madvise(data(ids[i]), length * bytes, MADV_DONTNEED);
    i += length;
  }
  of.clean += count;
}

}  // namespace ieum::detail
