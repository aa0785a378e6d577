// Connectionless: what the simulated datagram sockets share: each call of streams and listeners is
// refused or does nothing, and datagrams are sent one after the other.
#pragma once

#include <cerrno>

#include <ieum/datagram.hpp>

#include "driver/sim/socket/socket.hpp"

namespace ieum::detail::sim {

class Connectionless : public Socket {
 public:
  using Socket::Socket;

  [[nodiscard]] bool is_datagram() const noexcept final { return true; }
  int connect(const Address& to) noexcept final { return set_peer(to); }
  int connected() noexcept final { return 0; }

  std::int64_t read(std::span<std::byte> /*into*/) noexcept final { return -EOPNOTSUPP; }
  std::int64_t write(ConstBuffer /*data*/) noexcept final { return -EOPNOTSUPP; }
  void push() noexcept final {}
  int accept(Socket*& /*child*/) noexcept final { return -EOPNOTSUPP; }
  [[nodiscard]] bool can_accept() const noexcept final { return true; }
  int listen(int /*backlog*/) noexcept final { return -EOPNOTSUPP; }
  int reset_on_close() noexcept final { return 0; }
  std::int64_t unacknowledged() noexcept final { return 0; }
  void information(SocketInfo& /*info*/) noexcept final {}
  void timer() noexcept final {}

 protected:
  /// Sends what `operation` has not moved yet; false: it has to wait.
  bool send_rest(Operation& operation) noexcept;

 private:
  /// 0, or a negated errno. -EAGAIN: there is no room; only a peer's queue tells when it has room.
  virtual int send_one(const Datagram& datagram, const DatagramState& state) noexcept = 0;
};

}  // namespace ieum::detail::sim
