// Endpoint: where one side of a command is, as the user writes it: tcp://HOST:PORT?key=value.
// Parsing opens nothing and looks nothing up.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/error.hpp>
#include <ieum/result.hpp>

namespace ieum::cli {

/// The kinds of addresses that `ieum` knows. Those after `descriptor` are not in this version.
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

/// Which side of a connection an address is for: some keys are for one of them alone.
enum class Role : std::uint8_t { connect, listen };

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
};

/// A key as it is documented: the parser, the help and the suggestions read the same table.
struct KeyInfo {
  Key key;
  std::string_view name;
  std::string_view value;  ///< "0|1", "SECONDS"
  Scheme scheme;
  bool connects;  ///< for `connect` as well as for `listen`
  std::int64_t min;
  std::int64_t max;
  std::string_view meaning;
};
[[nodiscard]] std::span<const KeyInfo> keys() noexcept;

struct Setting {
  Key key;
  int value;
};

struct Endpoint {
  Scheme scheme = Scheme::tcp;
  /// TCP: HOST:PORT. Unix: `unix:/path` or `unix:@name`. As `Address::parse` and `connect` read it.
  std::string place{};
  int descriptor = -1;
  std::vector<Setting> settings{};

  [[nodiscard]] std::optional<int> setting(Key key) const noexcept;
  /// As the user would write it.
  [[nodiscard]] std::string to_string() const;
};

/// Reads an address. The error is the reason, for a sentence: "'[::1' has no ']'".
[[nodiscard]] std::expected<Endpoint, std::string> parse_endpoint(std::string_view text, Role role);

/// Reads a local address to connect from: an address, or an address and a port.
[[nodiscard]] std::expected<Address, std::string> parse_source(std::string_view text);

/// HOST and the port of HOST:PORT.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// Of an endpoint's `place`.
[[nodiscard]] HostPort split_place(std::string_view place);

}  // namespace ieum::cli
