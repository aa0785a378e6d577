// Every allocation of this program is counted.
#include "tls/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/support.hpp"

namespace {
thread_local std::int64_t count = 0;
}

namespace ieum::test {
std::int64_t allocations() noexcept { return count; }
}  // namespace ieum::test

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IEUM_UNDER_A_SANITIZER 1
#endif
#endif

#if !defined(IEUM_UNDER_A_SANITIZER)
// NOLINTBEGIN(cppcoreguidelines-no-malloc): these replace the global ones
void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++count;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc)
#endif
