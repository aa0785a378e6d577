// Scheme: the kind of an address, as its first letters tell: tcp://, unix:, fd:.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "options/usage_error.hpp"

namespace ieum::cli {

/// The kinds of addresses that `ieum` knows. Those from `websocket` on are not in this version.
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
  // Ends of a relay that are no sockets.
  file,
  terminal,
  pseudo_terminal,
  command,
  command_on_terminal,
};

/// What an address is for: some schemes and keys are for one of them alone.
enum class Role : std::uint8_t { connect, listen, cast, relay };

template <class Enum>
[[nodiscard]] constexpr std::uint32_t bit(Enum one) noexcept {
  return 1U << static_cast<unsigned>(one);
}
/// "udp, mcast".
[[nodiscard]] std::string scheme_names(std::uint32_t schemes);

/// Takes the scheme off `text`; tcp if it has none. Those that are no sockets' are for a relay.
[[nodiscard]] Parsed<Scheme> take_scheme(std::string_view& text, Role role);
[[nodiscard]] constexpr bool is_local(Scheme scheme) noexcept { return scheme >= Scheme::file; }
/// Why an address of this kind is none for `role`; empty if it is one.
[[nodiscard]] std::string refuse_scheme(Scheme scheme, Role role);

}  // namespace ieum::cli
