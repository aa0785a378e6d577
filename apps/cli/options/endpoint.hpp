// Endpoint: where one side of a command is, as the user writes it: tcp://HOST:PORT?key=value.
// Parsing opens nothing and looks nothing up.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/error.hpp>
#include <ieum/result.hpp>

#include "options/usage_error.hpp"

namespace ieum::cli {

/// The kinds of addresses that `ieum` knows. Those from `tls` on are not in this version.
enum class Scheme : std::uint8_t {
  tcp,
  unix_stream,
  standard,    ///< `-`: standard input and output
  descriptor,  ///< `fd:3`: a socket that we were started with
  udp,
  unix_datagram,
  multicast,
  tls,
  websocket,
  websocket_tls,
};

/// What an address is for: some schemes and keys are for one of them alone.
enum class Role : std::uint8_t { connect, listen, cast };

/// What `?key=value` may set.
enum class Key : std::uint8_t {
  nodelay,
  keepalive,
  sndbuf,
  rcvbuf,
  tos,
  ttl,
  reuseport,
  ipv6only,
  replace,
  unlink,
  interface,
  source,
  loop,
};

/// A key as it is documented: the parser, the help and the suggestions read the same table.
struct KeyInfo {
  Key key;
  std::string_view name;
  std::string_view value;  ///< "0|1", "SECONDS"
  std::uint32_t schemes;   ///< a bit for each (`bit`)
  std::uint32_t roles;     ///< the same
  std::int64_t min;        ///< of a number; a text if both are 0
  std::int64_t max;
  std::string_view meaning;
};
[[nodiscard]] std::span<const KeyInfo> keys() noexcept;
template <class Enum>
[[nodiscard]] constexpr std::uint32_t bit(Enum one) noexcept {
  return 1U << static_cast<unsigned>(one);
}
/// "udp, mcast".
[[nodiscard]] std::string scheme_names(std::uint32_t schemes);

struct Setting {
  Key key;
  int value = 0;
  std::string text{};  ///< as it was written
};

struct Endpoint {
  Scheme scheme = Scheme::tcp;
  /// IP: HOST:PORT. Unix: `unix:/path` or `unix:@name`. As `Address::parse` and `connect` read it.
  std::string target{};
  int descriptor = -1;
  std::vector<Setting> settings{};

  [[nodiscard]] std::optional<int> setting(Key key) const noexcept;
  [[nodiscard]] std::string_view text_setting(Key key) const noexcept;
  [[nodiscard]] bool has_setting(Key key) const noexcept { return setting(key).has_value(); }
  [[nodiscard]] bool is_ip() const noexcept {
    return scheme == Scheme::tcp || scheme == Scheme::udp || scheme == Scheme::multicast;
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

/// HOST and the port of HOST:PORT.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// Of an endpoint's `target`.
[[nodiscard]] HostPort split_host_port(std::string_view target);

}  // namespace ieum::cli
