// Prefix: the addresses of a network.
#pragma once

#include <optional>
#include <string>

#include <ieum/address.hpp>

namespace ieum::cli {

/// Those whose first `bits` bits are `network`'s: 10.0.0.0/8, fe80::/10; or one, with all its bits.
struct Prefix {
  Address network;
  unsigned bits = 0;

  /// `address` alone.
  [[nodiscard]] static Prefix of(const Address& address) noexcept {
    return {address, bits_max(address)};
  }
  /// No port; nothing is looked up.
  [[nodiscard]] static std::optional<Prefix> parse(const std::string& text);
  /// How many bits an address of this family has.
  [[nodiscard]] static unsigned bits_max(const Address& address) noexcept {
    return static_cast<unsigned>(8 * address.bytes().size());
  }

  [[nodiscard]] bool contains(const Address& address) const noexcept;
};

/// An address without a port; none if it is something else, a name for example.
[[nodiscard]] std::optional<Address> bare_address(const std::string& text);

}  // namespace ieum::cli
