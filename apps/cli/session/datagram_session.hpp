// Datagram session: our input to the peer as datagrams, and the peer's datagrams to our output.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ieum/datagram_socket.hpp>
#include <ieum/group.hpp>

#include "session/datagram_input.hpp"
#include "session/run_session.hpp"
#include "text/line_ends.hpp"

namespace ieum::cli {

/// There is no connection, so nothing says that the peer has finished: after the end of our
/// input we receive until nothing has come for --linger.
class DatagramSession {
 public:
  /// Who the peer is.
  enum class Peer : std::uint8_t {
    connected,     ///< the socket's
    first_sender,  ///< who sends first; others are ignored
    any_sender,    ///< who sends; our input is not read
  };
  /// Of one datagram; Unix sockets carry as much as the sender's buffer holds, 208 KiB by default.
  static constexpr std::size_t datagram_bytes_max = std::size_t{256} * 1024;
  /// What is kept for another address of the peer's, until it has answered.
  static constexpr std::size_t remembered_bytes_max = std::size_t{64} * 1024;

  /// All must outlive it.
  DatagramSession(DatagramSocket& socket, LocalStreams& streams, const CommonOptions& options,
                  Peer peer_mode, EventLog& events, Interrupt& interrupt);

  using Open = std::function<Task<DatagramSocket>(Address)>;
  /// If nobody receives at the peer's address, or there is no way to it, the next of `others` is
  /// tried, to which `open` gives a socket; what has been sent is sent again. Until the first
  /// datagram has come, or too much has gone.
  void if_refused(std::vector<Address> others, Open open);
  [[nodiscard]] static bool is_refusal(const Error& error) noexcept;

  /// Others than `admits` are neither heard nor answered.
  void only(std::function<bool(const Address&)> admits) { admits_ = std::move(admits); }

  /// Until it is over; closes the socket, reports how it went, gives the exit status.
  [[nodiscard]] Task<int> run();

 private:
  Task<> run_in(Group& group);
  Task<> receive();
  Task<bool> take(const Datagram& datagram);
  [[nodiscard]] bool is_from_peer(const Datagram& datagram);
  Task<> send();
  Task<bool> send_piece(ConstBuffer piece);
  Task<bool> send_to_next(Error error);
  void remember(ConstBuffer piece);
  Task<> watch_idle();
  Task<> watch_output();
  Task<> watch_interrupt();
  Task<> until_over();
  void end(EndReason reason);
  void end(EndReason reason, Failure failure);
  void output_failed(const Error& error);
  void note_activity() noexcept { last_activity_ = EventLog::Clock::now(); }
  int report_end();
  void report_losses();

  DatagramSocket* socket_;
  std::deque<DatagramSocket> further_;  // to the others; a socket stays until all is over
  std::vector<Address> others_;
  Open open_;
  std::vector<std::string> remembered_;  // what has been sent, while there are others
  std::size_t remembered_bytes_ = 0;
  LocalStreams& streams_;
  const CommonOptions& options_;
  Peer peer_mode_;
  EventLog& events_;
  Interrupt& interrupt_;
  DatagramInput input_;
  LineEnds line_ends_;
  Datagram peer_;  // of `first_sender`: where it is, and to which address of ours it sent
  Event peer_known_;
  Event changed_;
  EndReason reason_ = EndReason::running;
  std::optional<Failure> failure_;
  bool all_sent_ = false;
  bool is_writing_ = false;  // what was received
  std::function<bool(const Address&)> admits_;
  std::uint64_t ignored_ = 0;
  std::uint64_t refused_ = 0;  // --allow, --deny
  EventLog::Clock::time_point last_activity_;
};

/// That so many datagrams came from those whom --allow and --deny keep out, if any did.
void report_refused(Log& log, std::uint64_t datagrams);

}  // namespace ieum::cli
