// A proxy: where it is, what is told to it, and how it is asked for a connection (SOCKS5: RFC 1928
// and 1929; HTTP's CONNECT: RFC 9110, section 9.3.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/host_port.hpp>
#include <ieum/stream_socket.hpp>
#include <ieum/task.hpp>

#include "options/usage_error.hpp"
#include "report/failure.hpp"

namespace ieum::cli {

struct Proxy {
  enum class Kind : std::uint8_t { socks5, http };

  Kind kind = Kind::socks5;
  std::string target;            ///< HOST:PORT of the proxy itself
  std::string credentials_path;  ///< --proxy-auth; empty: IEUM_PROXY_AUTH, or none

  /// As it is written, `socks5://HOST:PORT`.
  [[nodiscard]] std::string to_string() const;
};

/// Reads `socks5://HOST:PORT` or `http://HOST:PORT`.
[[nodiscard]] Parsed<Proxy> parse_proxy(std::string_view text);

struct Credentials {
  std::string user;
  std::string password;
};
/// USER:PASSWORD, the first line of the file or the environment's; none if there is neither.
/// Gives what is wrong, and the exit status, through `failure`.
[[nodiscard]] std::optional<Credentials> read_credentials(const Proxy& proxy,
                                                          std::optional<Failure>& failure);

/// Asks the proxy at the other end of `socket` for a connection to `to`, whose name it looks up.
/// From then on the socket is that connection. If the proxy refuses, `failure` says why, and this
/// fails. Nothing is read that the peer sends.
[[nodiscard]] Task<> connect_through(StreamSocket& socket, const Proxy& proxy,
                                     std::optional<Credentials> credentials, HostPort to,
                                     std::optional<Failure>& failure);

}  // namespace ieum::cli
