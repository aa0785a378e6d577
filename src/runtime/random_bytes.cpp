// random_bytes: of the driver where it has some of its own, else of the system.
#include <ieum/random_bytes.hpp>

#include <sys/random.h>

#include <cerrno>

#include <ieum/detail/loop.hpp>

#include "base/driver.hpp"

namespace ieum {

Result<> random_bytes(std::span<std::byte> into) noexcept {
  detail::Loop* const loop = detail::Loop::current();
  if (loop != nullptr && loop->driver().random_bytes(into)) return {};
  while (!into.empty()) {  // a signal may cut short what is longer than 256 bytes
    const ssize_t count = ::getrandom(into.data(), into.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Error::from_errno(errno, "get random bytes"));
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace ieum
