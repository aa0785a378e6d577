// Datagram service: `ieum listen --echo` and `--discard` with addresses of datagrams.
#pragma once

#include <ieum/datagram_batch.hpp>
#include <ieum/datagram_socket.hpp>

#include "listen/listen.hpp"
#include "report/event_log.hpp"
#include "session/interrupt.hpp"

namespace ieum::cli {

/// Serves all who send, or without -k the first alone. An echo is as large as what it answers and
/// comes from the address that this was sent to: nobody can make us send more than he did.
class DatagramService {
 public:
  /// How long an answer waits for a Unix peer that does not read; UDP never does.
  static constexpr Duration answer_max = std::chrono::milliseconds(100);

  /// All must outlive it.
  DatagramService(DatagramSocket& socket, const ListenCommand& command, const Access& access,
                  EventLog& events, Interrupt& interrupt);

  /// Until it is interrupted or idle; closes the socket, gives the exit status.
  [[nodiscard]] Task<int> run();

 private:
  Task<> serve();
  Task<> answer(std::span<const Datagram> datagrams);
  Task<std::size_t> send(std::span<const Datagram> datagrams);
  [[nodiscard]] std::span<const Datagram> served();

  DatagramSocket& socket_;
  const ListenCommand& command_;
  const Access& access_;
  EventLog& events_;
  Interrupt& interrupt_;
  DatagramBatch batch_;
  std::vector<Datagram> chosen_;  // of a batch, those that are served
  std::optional<Address> only_peer_;
  std::uint64_t ignored_ = 0;
  std::uint64_t refused_ = 0;     // --allow, --deny
  std::uint64_t too_large_ = 0;   // their ends were lost
  std::uint64_t unanswered_ = 0;  // the system refused the answer
};

}  // namespace ieum::cli
