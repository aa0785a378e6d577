// Datagram: one message of a datagram socket, with what the network says of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Explicit congestion notification: the two low bits of the traffic class (RFC 3168).
enum class Ecn : std::uint8_t { not_capable, capable_1, capable_0, congestion_experienced };

/// One datagram. Trivially copyable, about 300 bytes.
///
/// A send looks at `data`, `peer`, `local` and `interface` only, so what was received can be sent
/// back as it is.
struct Datagram {
  /// The largest that UDP carries: over IPv4; over IPv6 it is 20 bytes more.
  static constexpr std::size_t bytes_max = 65'507;

  /// What is sent, or was received; may be empty.
  ConstBuffer data;
  /// Who sent it, or is to get it. Sending: none is the connected peer. Receiving: none is a Unix
  /// socket without a name. IPv4 peers of an IPv6 socket are IPv4 addresses.
  Address peer;
  /// Received: the address that it was sent to, with our port: ours, or a group's. A broadcast: the
  /// interface's own address. Sending, from a socket that is bound to a wildcard: the address of
  /// ours to send from; none, a group's or a wildcard: the system chooses.
  Address local;
  /// Received: the index of the interface that it came in by, if the socket is bound to a wildcard;
  /// else 0. Sending to a group: the interface to send it by; 0: the socket's.
  std::uint32_t interface = 0;
  /// Received: the buffer was too small, and the end is lost.
  bool truncated = false;
  /// Received, if `DatagramOptions::receive_hop_limit`: how many hops it had left; else 0.
  std::uint8_t hop_limit = 0;
  /// Received, if `DatagramOptions::receive_traffic_class`: the whole byte; else 0.
  std::uint8_t traffic_class = 0;
  /// For drivers: what was received is several datagrams of so many bytes each, the last one may be
  /// shorter (udp(7), UDP_GRO). 0 in what a DatagramSocket gives.
  std::uint16_t segment_bytes = 0;
  /// Received, if `DatagramOptions::receive_time`: when the system got it.
  std::chrono::system_clock::time_point received_at{};

  [[nodiscard]] Ecn ecn() const noexcept { return static_cast<Ecn>(traffic_class & 3U); }
};

/// What a datagram socket has done. "Calls" are messages as the system was given them: where it
/// takes or gives many datagrams at once (UDP_SEGMENT, UDP_GRO in udp(7)) there are fewer.
struct DatagramCounters {
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_calls = 0;
  std::uint64_t truncated = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sent_calls = 0;
  /// Times that the system refused to take several at once, and they went one by one.
  std::uint64_t segmentation_refused = 0;
  /// What the system threw away because our receive queue was full, or the checksum was wrong.
  std::uint64_t dropped = 0;
};

/// A snapshot of a datagram socket (`DatagramSocket::info`).
struct DatagramInfo {
  Address local;
  Address peer;            ///< none: it has no only peer
  bool receiving = false;  ///< a receive is pending
  bool sending = false;    ///< a send is pending
  /// What waits, in bytes of memory, which is more than their payload; and the most that may.
  std::size_t receive_queue_bytes = 0;
  std::size_t receive_buffer_bytes = 0;
  std::size_t send_queue_bytes = 0;
  std::size_t send_buffer_bytes = 0;
  DatagramCounters counters;

  /// A table for people, one fact a line.
  [[nodiscard]] std::string to_string() const;
};

/// Why no datagram moves, or what is lost, as one sentence with figures.
[[nodiscard]] std::string diagnose(const DatagramInfo& info);

/// An error that the network sent back for a datagram (IP_RECVERR in ip(7)).
struct DatagramError {
  int number = 0;         ///< errno(3): ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, …
  Address peer;           ///< whom the datagram was for
  Address reporter;       ///< who says so: a host or a router on the way; none: our own system
  std::uint32_t mtu = 0;  ///< EMSGSIZE: the largest packet that passes
};

/// A multicast group that a socket takes part in.
struct Membership {
  Address group;                ///< its port does not matter
  std::uint32_t interface = 0;  ///< an index (`interface_index`); 0: the system chooses
  Address source;               ///< only what this host sends (RFC 4607); none: any
};

namespace detail {

/// What a driver is told of the socket, and tells of it. Lives as long as operations on it.
struct DatagramState {
  Family family = Family::none;
  /// Bound to a wildcard: `Datagram::local` and `interface` are received, and obeyed in sending.
  bool wildcard = false;
  /// The system tells more than the peer of what it receives: any of the options is set.
  bool details = false;
  /// `ip_recverr` is set: what the network answers lies in the error queue, and a receive tells it.
  bool reports_errors = false;
  /// An error of a former datagram to somebody else does not fail a send: there is no peer.
  bool keeps_errors = false;
  /// An errno(3) that was met behind datagrams that came, for the next receive.
  std::int16_t number_kept = 0;
  /// What a driver had to take from the error queue before anybody asked, oldest first. More than
  /// `errors_max` are forgotten.
  static constexpr std::size_t errors_max = 16;
  std::vector<DatagramError> errors;

  void keep(const DatagramError& error) {
    if (errors.size() < errors_max) errors.push_back(error);
  }
  /// The oldest kept one that came from the network, which is for a receive to tell; or null. Our
  /// own system's have failed a send already.
  [[nodiscard]] const DatagramError* error_to_tell() const noexcept {
    for (const DatagramError& error : errors) {
      if (error.reporter.is_ip()) return &error;
    }
    return nullptr;
  }
  /// Datagrams up to this size may be given to the system several at once; it shrinks to what the
  /// system takes. 0: none.
  std::uint16_t segment_bytes_max = 0;
  Address local;  ///< what we are bound to; in `Datagram::local` if `wildcard` is not set
  DatagramCounters counters;
};

/// What a datagram operation moves; lives beside the operation until it has completed.
struct DatagramTransfer {
  std::span<Datagram> datagrams;  ///< at least one; receiving: `data` is the room to receive into
  DatagramState* state = nullptr;
};

}  // namespace detail
}  // namespace ieum
#pragma GCC visibility pop
