// The hosts file (hosts(5)).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::detail {

/// The addresses that /etc/hosts gives `name`, in its order, at most `addresses_max`. None if the
/// file cannot be read.
std::vector<Address> addresses_in_hosts_file(std::string_view name, std::uint16_t port,
                                             std::size_t addresses_max);

}  // namespace ieum::detail
