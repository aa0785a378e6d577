// DatagramSocket: UDP and Unix datagrams, one to one and one to many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <ieum/datagram.hpp>
#include <ieum/datagram_batch.hpp>
#include <ieum/detail/datagram_io.hpp>
#include <ieum/result.hpp>
#include <ieum/socket_option.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct DatagramOptions {
  /// IPV6_V6ONLY: a socket on [::] speaks IPv4 as well unless this is set.
  bool ipv6_only = false;
  /// SO_REUSEADDR: several sockets on one port. Each gets what goes to a group or is broadcast;
  /// what goes to one address only the last one gets.
  bool reuse_address = false;
  /// SO_REUSEPORT: several sockets of one user, of several runtimes, share the port; the system
  /// spreads the peers over them.
  bool reuse_port = false;
  /// SO_BROADCAST: sending to a broadcast address is refused (`permission_denied`) unless this is
  /// set.
  bool broadcast = false;
  /// Datagrams larger than the way's MTU are refused (`message_size`) instead of cut into
  /// fragments, and `path_mtu` learns.
  bool dont_fragment = false;
  /// `Datagram::hop_limit`, `traffic_class`, `received_at` are filled in.
  bool receive_hop_limit = false;
  bool receive_traffic_class = false;
  bool receive_time = false;
  /// IP_RECVERR: what the network answers (a refused port, an unreachable host) fails a receive,
  /// also of a socket without a peer; the error names whom the datagram was for.
  bool report_errors = false;
  /// UDP_SEGMENT and UDP_GRO: in batches the system moves several datagrams of one peer at once
  /// where it can. Nothing else changes.
  bool segmentation = true;
  /// A Unix path: as in ListenOptions.
  bool replace_stale = false;
  bool unlink_on_close = true;
  /// SO_RCVBUF, SO_SNDBUF in bytes, which the system cuts (net.core.rmem_max); 0: its default.
  int receive_buffer_bytes = 0;
  int send_buffer_bytes = 0;
};

/// A datagram socket: each send is one message, which arrives whole, maybe twice, maybe after a
/// later one, maybe never. Unix datagrams arrive, once and in order.
///
/// Belongs to the runtime that it was made on. One send and one receive may run beside each other,
/// in two tasks. Destroying it closes it: what is pending ends with `operation_canceled`. See
/// udp(7), ip(7), unix(7).
class DatagramSocket {
 public:
  DatagramSocket() noexcept = default;
  DatagramSocket(DatagramSocket&& other) noexcept = default;
  DatagramSocket& operator=(DatagramSocket&& other) noexcept;
  ~DatagramSocket();

  /// A socket at `address`; port 0: the system chooses one. Does not wait. Errors:
  /// `address_in_use` (`find_datagram_port_owner` tells who holds it); `permission_denied`;
  /// `address_not_available`; `too_many_files_open`.
  [[nodiscard]] static Result<DatagramSocket> bind(const Address& address,
                                                   const DatagramOptions& options = {});
  [[nodiscard]] static Result<DatagramSocket> bind(std::string_view address,
                                                   const DatagramOptions& options = {});
  /// A socket at an address that the system chooses: a wildcard of `family` with some port, or an
  /// abstract Unix name.
  [[nodiscard]] static Result<DatagramSocket> open(Family family,
                                                   const DatagramOptions& options = {});
  /// The same with `to` as its peer (`set_peer`).
  [[nodiscard]] static Result<DatagramSocket> connect(const Address& to,
                                                      const DatagramOptions& options = {});
  [[nodiscard]] static Result<DatagramSocket> connect(std::string_view to,
                                                      const DatagramOptions& options = {});
  /// Sets the only peer: sends without an address go there, only its datagrams are received, and a
  /// port of its that nobody has fails a later operation with `connection_refused`. With no
  /// address: none any more. Sends nothing. Errors: `network_unreachable`, `permission_denied` (a
  /// broadcast address); Unix: `connection_refused`, `no_such_file_or_directory`.
  Result<> set_peer(const Address& peer);

  /// Sends one datagram to the peer, or to an address. Waits while the send buffer is full; for an
  /// unconnected Unix peer whose queue is full it looks again, at most 50 ms apart. Errors, with
  /// the address: `message_size` (larger than UDP carries, or than the MTU with `dont_fragment`),
  /// `destination_address_required`, `permission_denied`, `network_unreachable`,
  /// `connection_refused` (an earlier one was, of a socket with a peer).
  [[nodiscard]] detail::SendOne send(ConstBuffer data, const Address& to = {}) noexcept;
  [[nodiscard]] detail::SendOne send(std::string_view text, const Address& to = {}) noexcept;
  /// The same, for what only a Datagram says: from which address, by which interface.
  [[nodiscard]] detail::SendOne send(const Datagram& datagram) noexcept;
  /// Sends all of `datagrams`, with as few calls as can be: gives how many have gone. Fewer than
  /// all: the next one is refused, and sending it again tells why. Fails if the first one is.
  [[nodiscard]] detail::SendMany send(std::span<const Datagram> datagrams) noexcept;

  /// Waits for a datagram. What does not fit `into` is cut, and `truncated` is set; 65,527 bytes
  /// hold any of UDP. Errors: `connection_refused` (of a socket with a peer) and, if
  /// `DatagramOptions::report_errors`, what the network says.
  [[nodiscard]] detail::ReceiveOne receive(std::span<std::byte> into) noexcept;
  /// Waits for a datagram, and takes those that have come besides. Gives how many, `into.size()`.
  [[nodiscard]] detail::ReceiveBatch receive(DatagramBatch& into) noexcept;

  /// Pending operations end with `operation_canceled`. Removes its Unix socket file first.
  [[nodiscard]] Task<> close();

  [[nodiscard]] bool is_open() const noexcept { return core_ && core_->handle >= 0; }
  /// Where it is, with the port that the system chose.
  [[nodiscard]] const Address& address() const noexcept {
    return core_ ? core_->state.local : detail::nobodys_address;
  }
  [[nodiscard]] const Address& peer_address() const noexcept {
    return core_ ? core_->peer : detail::nobodys_address;
  }

  /// Takes part in a group, and stops doing so. Bind to a wildcard, or the group's address, with
  /// the group's port. A source takes part only as long as it is named; several sources of one
  /// group are several memberships. Of an IPv6 group Linux also gives what came by an interface
  /// where another socket of this host has joined it; `Datagram::interface` tells. Errors:
  /// `address_in_use` (it does already), `address_not_available` (it does not), `no_such_device`,
  /// `no_buffer_space` (net.ipv4.igmp_max_memberships, 20).
  Result<> join(const Membership& membership);
  Result<> leave(const Membership& membership);
  /// Of what is sent to groups: how far (1, the default, stays in the network), whether receivers
  /// on this host get it (they do), by which interface.
  Result<> set_multicast_hop_limit(int hops);
  Result<> set_multicast_loopback(bool on);
  Result<> set_multicast_interface(std::uint32_t interface);

  /// Of what is sent to single hosts: hops (1 to 255), the traffic class with its two bits of ECN.
  Result<> set_hop_limit(int hops);
  Result<> set_traffic_class(int traffic_class);
  Result<> set_ecn(Ecn ecn);
  /// The largest IP packet that passes to the peer, as far as is known: 28 bytes more than a
  /// datagram over IPv4, 48 over IPv6. Error: `not_connected`.
  [[nodiscard]] Result<std::size_t> path_mtu() const;

  /// setsockopt(2), getsockopt(2).
  Result<> set_option(SocketOption option, int value) noexcept;
  [[nodiscard]] Result<int> option(SocketOption option) const noexcept;

  /// The oldest error that the network sent back and that no receive has told
  /// (`DatagramOptions::report_errors`). Does not wait.
  [[nodiscard]] Result<std::optional<DatagramError>> take_error();
  [[nodiscard]] DatagramCounters counters() const noexcept;
  /// What the system and this object know of the socket, now. Takes nothing from it. Error:
  /// `bad_file_descriptor` if it is closed.
  [[nodiscard]] Result<DatagramInfo> info() const;
  /// Why nothing comes or goes, and what is lost, as one sentence with figures (`diagnose`). A
  /// closed socket says so.
  [[nodiscard]] Result<std::string> explain() const;

  [[nodiscard]] int native_handle() const noexcept { return core_ ? core_->handle : -1; }

 private:
  static Result<DatagramSocket> bind_exactly(const Address& address,
                                             const DatagramOptions& options);
  static Result<DatagramSocket> make(Family family, const DatagramOptions& options);
  explicit DatagramSocket(detail::DatagramCore* core) noexcept : core_(core) {}
  [[nodiscard]] Family family() const noexcept { return core_->state.family; }
  [[nodiscard]] bool speaks_both() const noexcept {
    return family() == Family::ipv6 && !core_->ipv6_only;
  }
  [[nodiscard]] detail::Driver& driver() const noexcept;
  int prepare(const DatagramOptions& options) noexcept;
  int prepare_details(const DatagramOptions& options) noexcept;
  int learn_address() noexcept;
  int bind_again(const Address& former) noexcept;
  /// `ipv6` of an IPv6 socket, `ipv4` of one that speaks IPv4.
  int set_both(SocketOption ipv4, SocketOption ipv6, int value) noexcept;
  Result<> set_named(SocketOption ipv4, SocketOption ipv6, int value) noexcept;
  [[nodiscard]] Error error(int number, const char* operation) const noexcept;
  int give_up() noexcept;

  detail::DatagramCoreRef core_;  // none: never opened, or moved away
};

/// The index of the interface called `name` (if_nametoindex(3)). Error: `no_such_device`.
[[nodiscard]] Result<std::uint32_t> interface_index(std::string_view name);

inline detail::SendOne DatagramSocket::send(ConstBuffer data, const Address& to) noexcept {
  Datagram datagram;
  datagram.data = data;
  datagram.peer = to;
  return {core_, datagram};
}
inline detail::SendOne DatagramSocket::send(std::string_view text, const Address& to) noexcept {
  return send(std::as_bytes(std::span(text)), to);
}
inline detail::SendOne DatagramSocket::send(const Datagram& datagram) noexcept {
  return {core_, datagram};
}
inline detail::SendMany DatagramSocket::send(std::span<const Datagram> datagrams) noexcept {
  return {core_, datagrams};
}
inline detail::ReceiveOne DatagramSocket::receive(std::span<std::byte> into) noexcept {
  return {core_, into};
}
inline detail::ReceiveBatch DatagramSocket::receive(DatagramBatch& into) noexcept {
  return {core_, into};
}

}  // namespace ieum
#pragma GCC visibility pop
