// Binding a socket to an address: stale files of Unix sockets, and the words for what goes wrong.
#pragma once

#include <optional>

#include <ieum/address.hpp>
#include <ieum/error.hpp>
#include <ieum/result.hpp>

#include "base/driver.hpp"
#include "net/socket_file.hpp"

namespace ieum::detail {

/// Whether a socket that is bound to `address` has a file: a path has, but not a simulated one.
[[nodiscard]] bool has_file(const Address& address, const Driver& driver) noexcept;

/// Where to bind instead, once binding to `address` has failed with `error`: if any family will do,
/// and the system has no IPv6 (ipv6.disable=1, some sandboxes), to all addresses of IPv4.
[[nodiscard]] std::optional<Address> without_ipv6(const Address& address, bool ipv6_only,
                                                  const Error& error) noexcept;

/// Takes the lock that removing a stale file at `address` needs. Errors name `operation`.
[[nodiscard]] Result<> lock_file(std::optional<ReplaceLock>& lock, const char* operation,
                                 const Address& address);

/// bind(2), once more if a stale file was in the way and `replaces`: then hold the lock. 0, or a
/// negative errno.
[[nodiscard]] int bind_to(Driver& driver, int handle, const Address& address,
                          bool replaces) noexcept;

/// Says what is in the way at a Unix path, and which ports need rights.
[[nodiscard]] Error bind_error(int number, const char* operation, const Address& address,
                               const Driver& driver);

}  // namespace ieum::detail
