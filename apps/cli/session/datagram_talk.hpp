// Datagram talk: our input to the peer as datagrams, and the peer's datagrams to our output.
#pragma once

#include <cstdint>
#include <optional>

#include <ieum/datagram_socket.hpp>
#include <ieum/group.hpp>

#include "session/conversation.hpp"
#include "session/datagram_input.hpp"

namespace ieum::cli {

/// There is no connection, so nobody tells us that the peer has finished: after the end of our
/// input we receive until nothing has come for --linger.
class DatagramTalk {
 public:
  /// Whom we talk with.
  enum class With : std::uint8_t {
    peer,          ///< the socket's
    first_sender,  ///< who sends first; others are ignored
    everybody,     ///< who sends; our input is not read
  };
  /// Of one datagram; Unix sockets carry as much as the sender's buffer holds, 208 KiB by default.
  static constexpr std::size_t datagram_bytes_max = std::size_t{256} * 1024;

  /// All must outlive it.
  DatagramTalk(DatagramSocket& socket, LocalEnds& ends, const CommonOptions& options, With with,
               EventLog& events, Interruption& interruption);

  /// Until it is over; closes the socket, tells what there is to tell, gives the exit status.
  [[nodiscard]] Task<int> run();

 private:
  Task<> run_in(Group& group);
  Task<> receive();
  Task<bool> take(const Datagram& datagram);
  [[nodiscard]] bool is_from_peer(const Datagram& datagram);
  Task<> send();
  Task<bool> send_piece(ConstBuffer piece);
  Task<> watch_idleness();
  Task<> watch_output();
  Task<> watch_interruption();
  Task<> until_over();
  void end(EndReason reason);
  void end(EndReason reason, Failure failure);
  void output_failed(const Error& error);
  void note_activity() noexcept { last_activity_ = EventLog::Clock::now(); }
  int report_end();
  void report_losses();

  DatagramSocket& socket_;
  LocalEnds& ends_;
  const CommonOptions& options_;
  With with_;
  EventLog& events_;
  Interruption& interruption_;
  DatagramInput input_;
  Datagram peer_;  // of `first_sender`: where it is, and to which address of ours it sent
  Event peer_known_;
  Event changed_;
  EndReason reason_ = EndReason::running;
  std::optional<Failure> failure_;
  bool all_sent_ = false;
  bool is_writing_ = false;  // what was received
  std::uint64_t ignored_ = 0;
  EventLog::Clock::time_point last_activity_;
};

}  // namespace ieum::cli
