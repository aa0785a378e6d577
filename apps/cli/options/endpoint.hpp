// Endpoint: where one side of a command is, as the user writes it: tcp://HOST:PORT?key=value.
// Parsing opens nothing and looks nothing up, but for the names of services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>

#include "options/scheme.hpp"
#include "options/setting.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

struct Endpoint {
  Scheme scheme = Scheme::tcp;
  /// IP: HOST:PORT. Unix: `unix:/path` or `unix:@name`. As `Address::parse` and `connect` read it.
  std::string target{};
  std::uint16_t port = 0;  ///< of IP
  int descriptor = -1;
  std::vector<Setting> settings{};

  [[nodiscard]] std::optional<int> setting(Key key) const noexcept;
  [[nodiscard]] std::string_view text_setting(Key key) const noexcept;
  [[nodiscard]] bool has_setting(Key key) const noexcept { return setting(key).has_value(); }
  [[nodiscard]] bool is_ip() const noexcept {
    return scheme == Scheme::tcp || scheme == Scheme::tls || scheme == Scheme::udp ||
           scheme == Scheme::multicast;
  }
  [[nodiscard]] bool is_unix() const noexcept {
    return scheme == Scheme::unix_stream || scheme == Scheme::unix_datagram;
  }
  [[nodiscard]] bool has_datagrams() const noexcept {
    return scheme == Scheme::udp || scheme == Scheme::unix_datagram || scheme == Scheme::multicast;
  }
  /// As the user would write it.
  [[nodiscard]] std::string to_string() const;
};

/// Reads an address. The error is the reason, for a sentence: "'[::1' has no ']'".
[[nodiscard]] Parsed<Endpoint> parse_endpoint(std::string_view text, Role role);

/// Reads a local address to connect from: an address, or an address and a port.
[[nodiscard]] Parsed<Address> parse_source(std::string_view text);

}  // namespace ieum::cli
