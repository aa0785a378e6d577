// relay: copies both ways between two streams until both have finished; the heart of a proxy.
#pragma once

#include <cstdint>

#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Bytes that the streams of a relay have taken.
struct RelayCounts {
  std::uint64_t a_to_b = 0;
  std::uint64_t b_to_a = 0;
};

struct RelayOptions {
  /// A relay that moves no byte, in either direction, for this long has failed; zero: it may be
  /// silent for ever.
  AnyDuration idle_limit{};
  /// Counts here, if not null, from zero on: other tasks of the thread may look at it meanwhile,
  /// and it says how far a relay has come that failed. Must outlive the relay.
  RelayCounts* progress = nullptr;
};

/// Copies what comes from `a` to `b`, and beside it what comes from `b` to `a`, until both have
/// finished sending; gives the number of bytes each way. At each end it half-closes the other
/// stream, so that the end travels on while the other direction goes on. Closes neither.
///
/// While nothing comes it holds no buffer (`Stream::receive`), and a stream that takes nothing
/// stops the reading from the other. Bytes count once the stream has taken them; what one slow
/// write is moving counts for the idle limit as well, and what a peer takes of what the system
/// holds for it (`Stream::bytes_on_way`): one that takes nothing is noticed within twice the limit.
/// It is the streams' only reader and writer; they must outlive it and be open both ways.
///
/// If one direction fails, the other is stopped, and the error is of the first, with the direction
/// in its detail: "relaying from a to b". Errors: those of `Stream::receive`, `write_some` and
/// `shutdown_write`; `timed_out`, "idle for 30 s". After a failure or a stop, bytes that were read
/// may not have been written. A peer to whom the end of a stream means that all has arrived should
/// then be told by a reset (`StreamSocket::reset`), for closing looks like an end.
[[nodiscard]] Task<RelayCounts> relay(Stream& a, Stream& b, RelayOptions options = {});

}  // namespace ieum
#pragma GCC visibility pop
