// Socket: what the simulated driver asks of every kind of socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ieum/operation.hpp>
#include <ieum/sim_options.hpp>
#include <ieum/socket_info.hpp>
#include <ieum/socket_option.hpp>

#include "base/driver.hpp"
#include "driver/sim/network/packet.hpp"

namespace ieum::detail::sim {

class HostDriver;
class Node;
class World;

class Socket {
 public:
  Socket(Node& node, Family family) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  virtual ~Socket() = default;

  // Each tries now, and answers -EAGAIN if it would have to wait; or a negated errno.
  virtual std::int64_t read(std::span<std::byte> into) noexcept = 0;
  virtual std::int64_t write(ConstBuffer data) noexcept = 0;
  /// All that a call had to write is there: let it go.
  virtual void push() noexcept = 0;
  /// 0: `child` is a client that nobody has a handle on yet.
  virtual int accept(Socket*& child) noexcept = 0;
  [[nodiscard]] virtual bool can_accept() const noexcept = 0;
  /// Begins: 0, or -EINPROGRESS.
  virtual int connect(const Address& to) noexcept = 0;
  /// -EINPROGRESS, or how it ended; takes the error.
  virtual int connected() noexcept = 0;
  /// A read would not answer -EAGAIN.
  [[nodiscard]] virtual bool readable() const noexcept = 0;
  /// A write would not answer -EAGAIN.
  [[nodiscard]] virtual bool writable() const noexcept = 0;

  // Of datagram sockets. As in the contract; false: it would have to wait.
  [[nodiscard]] virtual bool is_datagram() const noexcept { return false; }
  virtual bool receive_datagrams(Operation& operation) noexcept;
  virtual bool send_datagrams(Operation& operation) noexcept;
  virtual int set_peer(const Address& peer) noexcept;
  virtual int join_group(const Membership& membership) noexcept;
  virtual int leave_group(const Membership& membership) noexcept;
  virtual int take_error(DatagramError& error) noexcept;
  virtual int queues(DatagramQueues& queues) noexcept;

  virtual int bind(const Address& address) noexcept = 0;
  virtual int listen(int backlog) noexcept = 0;
  virtual int shutdown(Half half) noexcept = 0;
  [[nodiscard]] virtual Address local() const noexcept = 0;
  /// Empty: not connected.
  [[nodiscard]] virtual Address peer() const noexcept = 0;
  virtual int set_option(SocketOption option, int value) noexcept = 0;
  virtual int get_option(SocketOption option, int& value) noexcept = 0;
  virtual int reset_on_close() noexcept = 0;
  virtual std::int64_t unacknowledged() noexcept = 0;
  virtual void information(SocketInfo& info) noexcept = 0;
  /// Its owner gives it up; it retires once the protocol has no more use for it.
  virtual void close() noexcept = 0;
  /// A timer that it has set in the world has run out.
  virtual void timer() noexcept = 0;
  /// Its connection is cut off from our side, as if the peer had reset it; for injected errors.
  virtual void break_off() noexcept = 0;

  [[nodiscard]] World& world() const noexcept { return world_; }
  [[nodiscard]] Node& node() const noexcept { return node_; }
  [[nodiscard]] Family family() const noexcept { return family_; }
  [[nodiscard]] bool is_ip() const noexcept {
    return family_ == Family::ipv4 || family_ == Family::ipv6;
  }

  std::uint64_t number = 0;  ///< of the trace
  std::uint64_t id = 0;      ///< the world's
  // Of the driver that has a handle on it; null: nobody has.
  HostDriver* driver = nullptr;
  int handle = -1;
  Operation* in = nullptr;  ///< the pending operation of each direction
  Operation* out = nullptr;
  bool starved = false;  ///< waits for a receive buffer
  bool bulk = false;     ///< the last pooled receive filled a small buffer

 protected:
  /// Something has changed for a receive or an accept, or for a send or a connect.
  void wake_in() noexcept;
  void wake_out() noexcept;
  void trace(SimEvent::What what, std::int64_t value = 0) noexcept;

 private:
  World& world_;
  Node& node_;
  Family family_;
};

}  // namespace ieum::detail::sim
