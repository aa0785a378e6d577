// HostPort: a host, by name or by address, and a port of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/address.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Where to connect to on the network: a host's name or IP address, and a port. It is never
/// anything else: no Unix socket, no scheme, no path comes out of whatever text it is made of, so
/// that a host and a port that a peer has sent can be used as they are.
///
/// A plain value; nothing is looked up. As text: `example.com:80`, `127.0.0.1:80`, `[::1]:80`,
/// `[fe80::1%eth0]:80`.
class HostPort {
 public:
  /// Bytes of a name, and of each of its parts (RFC 1035, section 2.3.4).
  static constexpr std::size_t host_bytes_max = 253;
  static constexpr std::size_t label_bytes_max = 63;

  /// No host, port 0.
  HostPort() noexcept = default;

  /// Reads HOST:PORT; an IPv6 address stands within brackets. Errors: `invalid_argument`, whose
  /// text says what is wrong with which input, and `Errc::name_invalid`: the host is no IP address
  /// and can be no name. A name is made of letters, digits, `-`, `_` and dots; international ones
  /// are given in their ASCII form (`xn--…`).
  [[nodiscard]] static Result<HostPort> parse(std::string_view text);
  /// The same of a host alone, where an IPv6 address needs no brackets, and a port. Errors as
  /// above; `invalid_argument`: the port is not from 0 to 65535.
  [[nodiscard]] static Result<HostPort> make(std::string_view host, std::int64_t port);

  /// The name as it was given, or the IP address, without brackets.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The address with the port, if the host is given by its IP address.
  [[nodiscard]] const std::optional<Address>& address() const noexcept { return address_; }
  /// `parse` gives the same back.
  [[nodiscard]] std::string to_string() const;

  bool operator==(const HostPort& other) const noexcept = default;

 private:
  std::string host_;
  std::uint16_t port_ = 0;
  std::optional<Address> address_;
};

}  // namespace ieum
#pragma GCC visibility pop
