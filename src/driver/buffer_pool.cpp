// BufferPool: slabs and free lists.
#include "driver/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace ieum::detail {

void BufferPool::Free::operator()(std::byte* slab) const noexcept { ::munmap(slab, slab_bytes); }

std::uint32_t BufferPool::take(Size size) noexcept {
  Kind& of = kind(size);
  if (of.free.empty() && !grow(size)) return none;
  const std::uint32_t id = of.free.back();
  of.free.pop_back();
  return id;
}

void BufferPool::give_back(std::uint32_t id) noexcept { kind(size_of(id)).free.push_back(id); }

std::byte* BufferPool::data(std::uint32_t id) const noexcept {
  const Size size = size_of(id);
  const std::size_t per_slab = slab_bytes / bytes_of(size);
  const std::size_t index = index_of(id);
  const Kind& of = kinds_[static_cast<std::size_t>(size)];
  return of.slabs[index / per_slab].get() + index % per_slab * bytes_of(size);
}

bool BufferPool::grow(Size size) noexcept {
  Kind& of = kind(size);
  const auto per_slab = static_cast<unsigned>(slab_bytes / bytes_of(size));
  const unsigned count = std::min(per_slab, max(size) - of.made);
  if (count == 0) return false;
  // Whole pages that are touched when they are first filled.
  void* slab =
      ::mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (slab == MAP_FAILED) return false;
  std::unique_ptr<std::byte, Free> owned(static_cast<std::byte*>(slab));
#if defined(__cpp_exceptions)
  try {
#endif
    of.free.reserve(of.made + count);  // giving back never allocates
    of.slabs.push_back(std::move(owned));
#if defined(__cpp_exceptions)
  } catch (const std::bad_alloc&) {
    return false;
  }
#endif
  for (unsigned i = count; i > 0; --i) of.free.push_back(id_of(size, of.made + i - 1));
  of.made += count;
  return true;
}

}  // namespace ieum::detail
