// A failed assertion.
#include <ieum/detail/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace ieum::detail {

void assertion_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "ieum: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace ieum::detail
