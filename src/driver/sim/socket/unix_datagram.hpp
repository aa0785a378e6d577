// UnixDatagram: a simulated Unix datagram socket (unix(7)): between the tasks of one host, where
// nothing is lost, and a sender waits instead.
#pragma once

#include <cerrno>
#include <deque>
#include <vector>

#include <ieum/datagram.hpp>

#include "driver/sim/network/node.hpp"
#include "driver/sim/socket/connectionless.hpp"

namespace ieum::detail::sim {

class UnixDatagram final : public Connectionless {
 public:
  /// Datagrams that wait to be received: net.unix.max_dgram_qlen, 10, and one more, as with Linux.
  static constexpr std::size_t queue_max = 11;
  /// What was sent and not yet received counts so much besides its bytes.
  static constexpr std::size_t overhead_bytes = 768;

  explicit UnixDatagram(Node& node) noexcept : Connectionless(node, Family::unix_abstract) {}

  bool receive_datagrams(Operation& operation) noexcept override;
  bool send_datagrams(Operation& operation) noexcept override;
  int set_peer(const Address& peer) noexcept override;
  int queues(DatagramQueues& queues) noexcept override {
    queues = {.receive_bytes = 0, .send_bytes = unread_bytes_, .dropped = 0};
    for (const Received& received : queue_) queues.receive_bytes += received.data.size();
    return 0;
  }

  [[nodiscard]] bool readable() const noexcept override { return !queue_.empty() || error_ != 0; }
  [[nodiscard]] bool writable() const noexcept override {
    return peer_ == nullptr || has_room(*peer_);
  }
  int bind(const Address& address) noexcept override;
  int shutdown(Half /*half*/) noexcept override { return -EOPNOTSUPP; }
  [[nodiscard]] Address local() const noexcept override { return local_; }
  [[nodiscard]] Address peer() const noexcept override { return peer_name_; }
  int set_option(SocketOption option, int value) noexcept override;
  int get_option(SocketOption option, int& value) noexcept override;
  void close() noexcept override;
  void break_off() noexcept override { error_ = ECONNRESET; }

 private:
  struct Received {
    Address from;
    UnixDatagram* sender = nullptr;  // null: it has gone
    std::int64_t at = 0;             // wall clock, nanoseconds
    std::vector<std::byte> data;
  };

  [[nodiscard]] bool has_room(const UnixDatagram& to) const noexcept;
  int find(const Address& name, UnixDatagram*& found) const noexcept;
  int send_one(const Datagram& datagram, const DatagramState& state) noexcept override;
  void fill(Datagram& datagram, const Received& received, DatagramState& state) const noexcept;
  void take_first() noexcept;
  void go_on_sending() noexcept {
    if (!sends_) wake_out();
  }
  void forget_peer() noexcept;

  Address local_;
  std::string name_;  // in the node's table, if it is bound
  Address peer_name_;
  UnixDatagram* peer_ = nullptr;
  bool has_peer_ = false;                 // without `peer_`: that has gone
  std::vector<UnixDatagram*> followers_;  // whose peer this is
  std::deque<Received> queue_;
  std::size_t unread_bytes_ = 0;  // sent, and in the queues of others
  int error_ = 0;
  int send_buffer_ = 212'992;
  int receive_buffer_ = 212'992;
  bool tells_time_ = false;
  // Within an operation: who is let go on by it must not begin it again.
  bool receives_ = false;
  bool sends_ = false;
};

}  // namespace ieum::detail::sim
