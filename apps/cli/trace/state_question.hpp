// Questions to the kernel about one connection (sock_diag(7)): exact, so that they cost the same
// however many sockets there are, and take no rights.
#pragma once

#include <cstdint>
#include <optional>

#include <ieum/address.hpp>
#include <ieum/descriptor.hpp>
#include <ieum/socket_info.hpp>

namespace ieum::cli::trace {

class StateQuestion {
 public:
  struct Answer {
    SocketState state = SocketState::closed;  ///< closed: there is no such socket (any more)
    std::uint64_t socket = 0;                 ///< its inode; 0: no program holds it
    std::uint64_t unread = 0;                 ///< bytes
    std::uint64_t unacknowledged = 0;
    std::uint64_t unsent = 0;  ///< of those, bytes not sent even once
  };

  /// Without sock_diag all answers are none.
  StateQuestion();

  /// Of the TCP socket with this pair of addresses, whoever has it, if anybody.
  [[nodiscard]] std::optional<Answer> ask(const Address& local, const Address& peer);
  /// The inode of the other end of a Unix socket; 0: it has none that was accepted.
  [[nodiscard]] std::uint64_t unix_peer(std::uint64_t socket);

 private:
  Descriptor netlink_;
};

}  // namespace ieum::cli::trace
