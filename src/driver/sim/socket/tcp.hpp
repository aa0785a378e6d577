// Tcp: a simulated connection or listener: RFC 9293 with RFC 2018's selective acknowledgements,
// RFC 6298's timer and RFC 5681's congestion control, as far as their users can tell.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <vector>

#include "driver/sim/network/node.hpp"
#include "driver/sim/socket/bytes.hpp"
#include "driver/sim/socket/socket.hpp"
#include "driver/sim/socket/tcp_options.hpp"

namespace ieum::detail::sim {

class Tcp final : public Socket {
 public:
  Tcp(Node& node, Family family) noexcept : Socket(node, family) {}

  std::int64_t read(std::span<std::byte> into) noexcept override;
  std::int64_t write(ConstBuffer data) noexcept override;
  void push() noexcept override { output(); }
  int accept(Socket*& child) noexcept override;
  [[nodiscard]] bool can_accept() const noexcept override {
    return state_ != SocketState::listen || !accepted_.empty();
  }
  int connect(const Address& to) noexcept override;
  int connected() noexcept override;
  [[nodiscard]] bool readable() const noexcept override;
  [[nodiscard]] bool writable() const noexcept override;
  int bind(const Address& address) noexcept override;
  int listen(int backlog) noexcept override;
  int shutdown(Half half) noexcept override;
  [[nodiscard]] Address local() const noexcept override { return local_.told(family()); }
  [[nodiscard]] Address peer() const noexcept override;
  int set_option(SocketOption option, int value) noexcept override;
  int get_option(SocketOption option, int& value) noexcept override;
  int reset_on_close() noexcept override {
    reset_on_close_ = true;
    return 0;
  }
  std::int64_t unacknowledged() noexcept override;
  void information(SocketInfo& info) noexcept override;
  void close() noexcept override;
  void timer() noexcept override;
  void break_off() noexcept override;

  // ---- For the node
  [[nodiscard]] const Endpoint& bound() const noexcept { return local_; }
  [[nodiscard]] bool is_listening() const noexcept { return state_ == SocketState::listen; }
  [[nodiscard]] bool is_ipv6_only() const noexcept {
    return options_.get(SocketOption::ipv6_v6only) != 0;
  }
  [[nodiscard]] bool reuses_address() const noexcept {
    return options_.get(SocketOption::so_reuseaddr) != 0;
  }
  [[nodiscard]] bool shares_port() const noexcept {
    return options_.get(SocketOption::so_reuseport) != 0;
  }
  /// A segment of its connection.
  void arrived(const Packet& packet) noexcept;
  /// A listener: somebody wants to connect.
  void client_arrived(const Packet& packet) noexcept;
  /// What is left of an old connection makes room for a new one between the same ends.
  [[nodiscard]] bool gives_way_to(const Packet& packet) const noexcept {
    return state_ == SocketState::time_wait && packet.tcp.syn && !packet.tcp.ack;
  }
  void end_time_wait() noexcept { die(); }
  /// Answers what is for nobody.
  static void refuse(Node& node, const Packet& packet) noexcept;

 private:
  /// A segment on its way, or lost: `begin` to `end` of the sequence, SYN and FIN included.
  struct Sent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Time at = 0;
    bool again = false;  // sent more than once
    bool sacked = false;
    bool lost = false;
    [[nodiscard]] std::uint64_t bytes() const noexcept { return end - begin; }
    [[nodiscard]] bool is_under_way() const noexcept { return !sacked && !lost; }
  };

  void set_state(SocketState state) noexcept;
  [[nodiscard]] bool may_send() const noexcept;
  [[nodiscard]] std::uint64_t segment_max() const noexcept;
  [[nodiscard]] std::uint64_t data_end() const noexcept { return data_begin_ + send_.size(); }
  [[nodiscard]] std::uint64_t unsent() const noexcept;
  [[nodiscard]] std::size_t room_to_write() const noexcept;
  [[nodiscard]] std::uint64_t room_to_receive() const noexcept;

  // Sending: tcp_output.cpp
  std::unique_ptr<Packet> make_segment(std::uint64_t sequence) noexcept;
  void transmit(const Sent& sent) noexcept;
  void send_syn() noexcept;
  void send_ack() noexcept;
  void send_probe() noexcept;
  void send_reset() noexcept;
  void output(bool force = false) noexcept;
  void output_lost() noexcept;
  bool output_new(bool force) noexcept;
  [[nodiscard]] bool is_held_back(std::uint64_t bytes, std::uint64_t all) noexcept;
  void retransmit_timeout() noexcept;
  void persist_timeout() noexcept;
  void keep_alive_timeout() noexcept;
  [[nodiscard]] bool gave_up() const noexcept;
  [[nodiscard]] Time timeout() const noexcept;
  void arm() noexcept;

  // Receiving: tcp_input.cpp
  void answered(const Packet& packet) noexcept;
  void handshake_ended(const Packet& packet) noexcept;
  void reset_arrived(const Packet& packet) noexcept;
  void acknowledged(const TcpHeader& header) noexcept;
  void take_acknowledged(std::uint64_t until) noexcept;
  void take_sacked(const TcpHeader& header) noexcept;
  void find_lost() noexcept;
  void measure(Time round_trip) noexcept;
  void data_arrived(const Packet& packet) noexcept;
  void take_data(std::uint64_t begin, std::span<const std::byte> data) noexcept;
  void peer_finished() noexcept;
  void acknowledge_data(bool at_once) noexcept;
  void finish_acknowledged() noexcept;

  void established() noexcept;
  void enter_time_wait() noexcept;
  /// The connection has broken: the next operation is told.
  void fail(int error) noexcept;
  /// It is no more on the network; freed if its owner has given it up.
  void die() noexcept;

  SocketState state_ = SocketState::closed;
  Endpoint local_;
  Endpoint remote_;
  std::uint32_t remote_node_ = 0;
  bool bound_ = false;
  bool has_flow_ = false;
  bool unreachable_ = false;  // nobody has that address
  bool orphan_ = false;       // its owner has given it up
  bool dead_ = false;
  bool read_shut_ = false;
  bool reset_on_close_ = false;
  bool was_connected_ = false;
  TcpOptions options_;
  int error_ = 0;   // not told yet
  int broken_ = 0;  // told

  // A listener's.
  int backlog_ = 0;
  std::deque<Tcp*> accepted_;     // connected, and not taken yet
  std::vector<Tcp*> handshakes_;  // not connected yet
  Tcp* listener_ = nullptr;       // the other way round

  // Sending.
  Bytes send_;
  std::uint64_t una_ = 0;         // the first that is not acknowledged
  std::uint64_t next_ = 0;        // the first that was not sent
  std::uint64_t data_begin_ = 1;  // the number of the first byte of `send_`
  std::uint64_t limit_ = 0;       // the end of the peer's window
  std::uint64_t window_max_ = 0;
  bool finish_ = false;  // a FIN follows the data
  bool finish_sent_ = false;
  std::deque<Sent> flight_;
  std::uint64_t pipe_ = 0;  // bytes of it that are under way
  std::uint32_t sacked_count_ = 0;
  std::uint32_t lost_count_ = 0;
  std::uint64_t window_ = 0;  // of congestion
  std::uint64_t threshold_ = UINT64_MAX;
  std::uint64_t recover_ = 0;
  Time rtt_ = 0;
  Time rtt_variance_ = 0;
  Time rtt_min_ = never;
  Time rto_ = second;
  std::uint32_t backoff_ = 0;
  std::uint32_t timeouts_ = 0;  // in a row
  std::uint32_t probes_ = 0;
  Time unanswered_since_ = never;
  bool cork_expired_ = false;

  // Receiving.
  Bytes receive_;
  std::uint64_t expected_ = 0;
  std::uint64_t promised_ = 0;  // the end of our window, as the peer knows it
  std::map<std::uint64_t, std::vector<std::byte>> ahead_;
  std::uint64_t finish_at_ = UINT64_MAX;
  bool peer_finished_ = false;
  std::uint32_t not_acknowledged_ = 0;  // segments
  std::uint32_t quick_acks_ = 16;

  // Timers.
  Time retransmit_at_ = never;
  Time ack_at_ = never;
  Time cork_at_ = never;
  Time keep_at_ = never;
  Time linger_at_ = never;
  Time timer_set_ = never;

  // Figures.
  Time connected_at_ = 0;
  Time sent_at_ = 0;
  Time received_at_ = 0;
  Time ack_received_at_ = 0;
  Time heard_at_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_again_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::uint32_t segments_sent_ = 0;
  std::uint32_t segments_received_ = 0;
  std::uint32_t again_total_ = 0;
};

}  // namespace ieum::detail::sim
