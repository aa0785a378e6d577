// Why a socket does not move: one sentence, from a snapshot of it.
#pragma once

#include <cstdint>
#include <string>

#include <ieum/result.hpp>
#include <ieum/socket_info.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Why a socket does not move, or does.
struct Stall {
  enum class Cause : std::uint8_t {
    // Something is in the way.
    connecting,          ///< waiting for the handshake
    retransmitting,      ///< what was sent is not acknowledged
    peer_does_not_read,  ///< its window, or its queue, is full
    we_do_not_read,      ///< data waits here, and no read is pending
    neither_reads,       ///< both: each side waits for the other to read
    nagle,               ///< Nagle's algorithm holds a short tail until the peer's delayed ACK
    cork,                ///< TCP_CORK holds a short tail
    we_do_not_accept,    ///< clients wait, and no accept is pending
    backlog_full,        ///< so many that new ones are turned away
    // Nothing is in the way; somebody has to begin.
    waiting_for_peer,    ///< a read is pending, the peer sends nothing
    waiting_for_us,      ///< nothing is under way, and nothing of ours is pending
    waiting_for_client,  ///< a listener without clients
    // One direction or both are at their end.
    peer_finished,  ///< it waits for our answer, or for our end
    we_finished,    ///< we wait for the peer's end
    finishing,      ///< both have finished; the last acknowledgement is under way
    failed,         ///< an error waits to be told to the next operation
    closed,
    // It moves.
    limited_by_network,      ///< congestion control, or losses
    limited_by_receiver,     ///< the peer's window
    limited_by_send_buffer,  ///< SO_SNDBUF
    moving,
  };

  Cause cause = Cause::moving;
  std::string sentence;  ///< one sentence, one line, with the figures and what to do

  [[nodiscard]] bool moves() const noexcept { return cause >= Cause::limited_by_network; }
};

/// Says why the socket of `info` does not move. A pure function; nothing is asked of the system.
/// What has not moved for less than 200 ms, or two round-trip times if those are longer, counts as
/// moving.
[[nodiscard]] Stall diagnose(const SocketInfo& info);

/// A snapshot of any stream socket or listener of this process by its descriptor, also one that is
/// still connecting or that ieum does not own; on this thread's runtime. Errors:
/// `bad_file_descriptor`, `not_a_socket`, `operation_not_supported` (of another kind). Does not
/// wait.
[[nodiscard]] Result<SocketInfo> socket_info(int descriptor);

}  // namespace ieum
#pragma GCC visibility pop
