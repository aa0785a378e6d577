// Which driver: the one file that names them.
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <ieum/driver_kind.hpp>

#include "driver/driver.hpp"
#include "driver/epoll.hpp"

namespace ieum {

std::unique_ptr<Driver> make_driver(DriverKind kind, int& error_number) noexcept {
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
