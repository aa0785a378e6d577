#include "net/keepalive.hpp"

#include <cerrno>
#include <utility>

namespace ieum::detail {

int set_keepalive(Driver& driver, int handle, const Keepalive& keepalive) noexcept {
  if (!std::in_range<int>(keepalive.idle.count()) ||
      !std::in_range<int>(keepalive.interval.count())) {
    return -EINVAL;
  }
  const std::pair<SocketOption, int> all[] = {
      {SocketOption::tcp_keepidle, static_cast<int>(keepalive.idle.count())},
      {SocketOption::tcp_keepintvl, static_cast<int>(keepalive.interval.count())},
      {SocketOption::tcp_keepcnt, keepalive.count},
      {SocketOption::so_keepalive, 1},  // last: by then all of it is right
  };
  for (const auto& [option, value] : all) {
    if (const int status = driver.set_option(handle, option, value); status < 0) return status;
  }
  return 0;
}

}  // namespace ieum::detail
