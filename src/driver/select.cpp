// Which driver: the one file that names them.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <ieum/driver_kind.hpp>

#include "driver/driver.hpp"
#include "driver/epoll.hpp"

namespace ieum {

namespace {

/// 0, 1 and 2, where our parent left them closed, become /dev/null: else a descriptor of ours would
/// get the number, and what the program prints would go to a peer.
void fill_standard_descriptors() noexcept {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    const int nothing = ::open("/dev/null", O_RDWR);  // the lowest free number
    if (nothing > 2) ::close(nothing);                // another thread was faster
  }
}

}  // namespace

std::unique_ptr<Driver> make_driver(DriverKind kind, int& error_number) noexcept {
  fill_standard_descriptors();
  if (kind == DriverKind::automatic) {
    const char* asked = std::getenv("IEUM_DRIVER");
    const std::string_view name = asked == nullptr ? "" : asked;
    if (!name.empty() && name != "epoll") {
      error_number = EINVAL;
      return nullptr;
    }
  }
  return make_epoll_driver(error_number);
}

}  // namespace ieum
