// Which of a name's addresses to try first (RFC 6724).
#pragma once

#include <optional>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::detail {

class Driver;

/// An address, and where we would send from; none: there is no way there.
struct Destination {
  Address address;
  std::optional<Address> source;
};

/// Sorts by section 6 of RFC 6724, but for the rules that need to know of deprecated and home
/// addresses and of tunnels (3, 4, 7). Stable.
void order(std::vector<Destination>& destinations);

/// The same, asking `driver` for the sources.
void order(std::vector<Address>& addresses, Driver& driver);

}  // namespace ieum::detail
