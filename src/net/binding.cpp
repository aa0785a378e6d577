#include "net/binding.hpp"

#include <cerrno>

#include "net/socket_file.hpp"

namespace ieum::detail {

bool has_file(const Address& address, const Driver& driver) noexcept {
  return address.family() == Family::unix_path && !driver.is_simulated();
}

std::optional<Address> without_ipv6(const Address& address, bool ipv6_only,
                                    const Error& error) noexcept {
  if (!address.is_any_family() || ipv6_only || error != std::errc::address_family_not_supported) {
    return std::nullopt;
  }
  return Address::ipv4({}, address.port());
}

Result<> lock_file(std::optional<ReplaceLock>& lock, const char* operation,
                   const Address& address) {
  lock.emplace(address);
  if (lock->error_number() == 0) return {};
  Error error = Error::from_errno(lock->error_number(), operation, address);
  if (error == std::errc::address_in_use) error.set_detail("another program is taking its place");
  return fail(error);
}

int bind_to(Driver& driver, int handle, const Address& address, bool replaces) noexcept {
  const int status = driver.bind(handle, address);
  if (status != -EADDRINUSE || !replaces || !remove_stale_file(address)) return status;
  return driver.bind(handle, address);
}

Error bind_error(int number, const char* operation, const Address& address, const Driver& driver) {
  Error error = Error::from_errno(number, operation, address);
  if (number == EADDRINUSE && has_file(address, driver)) {
    if (socket_file(address) == SocketFile{}) {
      error.set_detail("what is there is no socket");
    } else if (is_stale(address)) {
      error.set_detail("nobody listens there: remove the stale file");
    }
  }
  if (number == EACCES && address.is_ip() && address.port() < 1024) {
    error.set_detail("ports below 1024 need root or CAP_NET_BIND_SERVICE");
  }
  return error;
}

}  // namespace ieum::detail
