// UnixSocket: a simulated Unix stream socket or listener (unix(7)): between the tasks of one host,
// without a network in between.
#pragma once

#include <deque>
#include <string>

#include "driver/sim/network/node.hpp"
#include "driver/sim/socket/bytes.hpp"
#include "driver/sim/socket/socket.hpp"

namespace ieum::detail::sim {

/// A Unix address in the node's tables.
std::string key_of(const Address& address);

class UnixSocket final : public Socket {
 public:
  explicit UnixSocket(Node& node) noexcept : Socket(node, Family::unix_abstract) {}

  /// Two that are connected to each other.
  void join(UnixSocket& other) noexcept;

  std::int64_t read(std::span<std::byte> into) noexcept override;
  std::int64_t write(ConstBuffer data) noexcept override;
  void push() noexcept override {}
  int accept(Socket*& child) noexcept override;
  [[nodiscard]] bool can_accept() const noexcept override {
    return !listens_ || !accepted_.empty();
  }
  int connect(const Address& to) noexcept override;
  int connected() noexcept override { return 0; }
  [[nodiscard]] bool readable() const noexcept override;
  [[nodiscard]] bool writable() const noexcept override;
  int bind(const Address& address) noexcept override;
  int listen(int backlog) noexcept override;
  int shutdown(Half half) noexcept override;
  [[nodiscard]] Address local() const noexcept override { return local_; }
  [[nodiscard]] Address peer() const noexcept override { return peer_name_; }
  int set_option(SocketOption option, int value) noexcept override;
  int get_option(SocketOption option, int& value) noexcept override;
  int reset_on_close() noexcept override;
  std::int64_t unacknowledged() noexcept override;
  void information(SocketInfo& info) noexcept override;
  void close() noexcept override;
  void timer() noexcept override {}
  void break_off() noexcept override;

 private:
  [[nodiscard]] std::size_t room() const noexcept;

  Address local_;
  Address peer_name_;
  std::string name_;  // in the node's table, if it is bound
  UnixSocket* peer_ = nullptr;
  bool was_connected_ = false;
  bool listens_ = false;
  int backlog_ = 0;
  std::deque<UnixSocket*> accepted_;
  Bytes receive_;
  bool peer_finished_ = false;
  bool write_shut_ = false;
  bool read_shut_ = false;
  int error_ = 0;
  int broken_ = 0;
  int send_buffer_ = 212'992;
  int receive_buffer_ = 212'992;
};

}  // namespace ieum::detail::sim
