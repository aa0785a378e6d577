// The file of a Unix socket that we listen on: who may use it (?mode=, ?owner=).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "options/endpoint.hpp"
#include "report/failure.hpp"

namespace ieum::cli {

/// ?mode= as a number; none if it is not given. It has been checked.
[[nodiscard]] std::optional<mode_t> file_mode(const Endpoint& endpoint);
/// Why the values of ?mode= and ?owner= are none; empty if they are.
[[nodiscard]] std::string check_socket_file(const Endpoint& endpoint);

/// While it exists, a socket file is made with ?mode=: nobody else can connect before it is set.
/// Of the whole process, so for a moment only.
class SocketFileMode {
 public:
  explicit SocketFileMode(const Endpoint& endpoint) noexcept;
  SocketFileMode(const SocketFileMode&) = delete;
  SocketFileMode& operator=(const SocketFileMode&) = delete;
  ~SocketFileMode();

 private:
  std::optional<mode_t> former_;
};

/// Gives the socket file to ?owner=USER, USER:GROUP or :GROUP; what is wrong, if it cannot.
[[nodiscard]] std::optional<Failure> give_to_owner(const Endpoint& endpoint);

}  // namespace ieum::cli
