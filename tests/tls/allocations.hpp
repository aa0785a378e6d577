// How often this program has asked for memory with `new`, which OpenSSL does not.
#pragma once

#include <cstdint>

namespace ieum::test {

/// Of this thread. Under a sanitizer, which counts for itself, always 0.
std::int64_t allocations() noexcept;

}  // namespace ieum::test
