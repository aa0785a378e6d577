// BufferRings: filling them and taking back.
#include "driver/uring/buffers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

namespace ieum::detail {

namespace {

constexpr std::size_t ring_bytes(unsigned entries) noexcept {
  return std::max(std::size_t{4096}, entries * sizeof(io_uring_buf));
}

}  // namespace

BufferRings::~BufferRings() {
  for (Provided& provided : provided_) {
    if (provided.ring != nullptr) ::munmap(provided.ring, ring_bytes(provided.entries));
  }
}

bool BufferRings::provide_now(BufferPool::Size size) noexcept {
  Provided& provided = of(size);
  if (provided.refused) return false;
  const unsigned most = size == BufferPool::Size::small ? entries_max : entries_max / 16;
  provided.entries = std::min(most, std::bit_ceil(pool_.max(size)));
  void* memory = ::mmap(nullptr, ring_bytes(provided.entries), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  provided.refused = memory == MAP_FAILED;
  if (provided.refused) return false;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = provided.entries;
  registration.bgid = group(size);
  if (io_uring_register_buf_ring(&ring_.raw(), &registration, 0) != 0) {
    ::munmap(memory, ring_bytes(provided.entries));
    provided.refused = true;
    return false;
  }
  provided.ring = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(provided.ring);
  const unsigned first = size == BufferPool::Size::small ? filled_first : filled_first / 16;
  provided.target = first / 2;  // which the first refill doubles
  refill(size);
  return true;
}

void BufferRings::refill(BufferPool::Size size) noexcept {
  Provided& provided = of(size);
  provided.target = std::min(provided.target * 2, provided.entries);
  while (provided.count < provided.target) {
    const std::uint32_t id = pool_.take(size);
    if (id == BufferPool::none) break;
    add(provided, id);
  }
}

void BufferRings::add_extra(std::size_t wanted, std::size_t extra_max) noexcept {
  Provided& small = of(BufferPool::Size::small);
  for (; wanted > 0 && small.ring != nullptr && small.count < small.entries; --wanted) {
    const std::uint32_t id = pool_.take_extra(extra_max);
    if (id == BufferPool::none) return;
    add(small, id);
  }
}

}  // namespace ieum::detail
