// What a simulated network is made of: how its links and hosts behave, and what it tells of itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// One direction between two hosts. Shares (`loss` and the like) are from 0 to 1, of packets.
struct LinkOptions {
  Duration latency = std::chrono::milliseconds(1);
  /// Up to so much more, evenly. Packets keep their order all the same, but for `reordering`.
  Duration jitter{};
  /// Bytes per second, headers included; 0: without limit.
  std::uint64_t bandwidth = 0;
  /// Bytes that may wait for a limited bandwidth; more is dropped.
  std::size_t queue_bytes = std::size_t{256} * 1024;
  double loss = 0;
  double duplication = 0;
  /// Of packets that are held back, and overtaken by those behind them.
  double reordering = 0;
  /// How long such a packet is held back at most; zero: four times the latency.
  Duration reordering_delay{};
  /// Of packets that arrive with a byte changed: the checksum tells, and they are dropped there.
  double corruption = 0;
  /// Bytes of a packet, headers included, at least 576.
  std::uint32_t mtu = 1500;
};

/// A host's limits and clocks.
struct SimHostOptions {
  /// Open sockets at a time; one more is `too_many_files_open`.
  std::size_t descriptors_max = 65'536;
  /// The ports that the system chooses from (ip_local_port_range, ip(7)).
  std::uint16_t ephemeral_first = 32'768;
  std::uint16_t ephemeral_last = 60'999;
  /// As `RuntimeOptions::receive_buffers_max`.
  unsigned receive_buffers_max = 0;
  /// How much the wall clock is ahead (`SimHost::wall_clock`); may be negative.
  Duration wall_clock_ahead{};
  /// By how many millionths this host's clocks, its runtime's too, run too fast; from -1000 to
  /// 1000.
  int clock_drift_ppm = 0;
};

/// What goes wrong with a host's operations, besides what the network does.
struct SimFaults {
  /// A read, or a part of a write, moves at most so many bytes; 0: no limit.
  std::size_t read_bytes_max = 0;
  std::size_t write_bytes_max = 0;
  /// The share of writes that fail with `no_buffer_space` before a byte has gone.
  double no_buffers = 0;
  /// The share of opened and accepted sockets that fail with `too_many_files_open`.
  double no_descriptors = 0;
};

/// One thing that happened in a simulated network.
struct SimEvent {
  enum class What : std::uint8_t {
    sent,         ///< a packet left; `value`: its bytes
    arrived,      ///< a packet reached its host; `value`: its bytes
    lost,         ///< a packet was lost on the link
    cut,          ///< a packet met a partition, or a host that is down
    overflowed,   ///< a packet met a full queue
    too_large,    ///< a packet is larger than the MTU
    corrupted,    ///< a packet was dropped for its checksum
    duplicated,   ///< a packet arrives twice
    retransmit,   ///< a segment is sent again; `value`: its first byte's number
    timeout,      ///< a retransmission timer ran out; `value`: how often in a row
    state,        ///< a connection changed its state; `value`: a SocketState
    operation,    ///< an operation was begun; `value`: a detail::Operation::Kind
    completed,    ///< an operation ended; `value`: its result
    injected,     ///< an operation was made to fail; `value`: the error number
    opened,       ///< a socket was made; `value`: a Family
    closed,       ///< its owner gave it up
    partitioned,  ///< `value`: the other host
    healed,       ///< `value`: the other host
    crashed,
    restarted,
    started,  ///< a task was started
    ended,    ///< a task ended; `value`: 0, or the number of its error's code
  };

  Duration time{};           ///< since the network was made
  std::uint32_t host = 0;    ///< its number, from 0 on
  std::uint64_t socket = 0;  ///< its number in the network, from 1 on; 0: none
  What what = What::sent;
  std::int64_t value = 0;
};

[[nodiscard]] std::string_view to_string(SimEvent::What what) noexcept;

}  // namespace ieum
#pragma GCC visibility pop
