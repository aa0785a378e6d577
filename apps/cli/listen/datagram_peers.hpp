// Datagram peers: the peers of a socket of datagrams, each an end of its own, for `--exec` and
// `ieum relay`.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ieum/datagram_socket.hpp>
#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/mutex.hpp>

#include "ends/end.hpp"
#include "listen/listen.hpp"
#include "report/event_log.hpp"
#include "session/interrupt.hpp"

namespace ieum::cli {

/// Whoever sends is a peer until its service ends: with -k all of them, else the first alone. As
/// nothing says that a peer has gone, its service ends when nothing has come or gone for a while.
class DatagramPeers {
 public:
  /// Without -i.
  static constexpr Duration idle_default = std::chrono::minutes(1);
  /// What waits for one peer's service; more is dropped, and told at the end.
  static constexpr std::size_t queue_datagrams_max = 256;
  static constexpr std::size_t queue_bytes_max = std::size_t{1} << 20U;

  /// All must outlive it.
  DatagramPeers(DatagramSocket& socket, const ListenCommand& command, const Access& access,
                EventLog& events, Interrupt& interrupt);
  DatagramPeers(const DatagramPeers&) = delete;
  DatagramPeers& operator=(const DatagramPeers&) = delete;
  ~DatagramPeers();

  /// Until it is interrupted, or without -k until the first peer's service has ended; closes the
  /// socket, gives the exit status.
  [[nodiscard]] Task<int> run();

 private:
  class Peer;
  Task<> serve();
  Task<> receive(Group& group);
  void take(Group& group, const Datagram& datagram);
  Task<> serve_peer(Group& group, Peer& peer, std::uint64_t number);
  void ended(EventLog& events, const Result<ServiceEnd>& served);
  void report_losses();

  DatagramSocket& socket_;
  const ListenCommand& command_;
  const Access& access_;
  EventLog& events_;
  Interrupt& interrupt_;
  Mutex sending_;
  std::map<std::string, std::unique_ptr<Peer>> peers_;
  std::uint64_t served_ = 0;
  std::uint64_t ignored_ = 0;  // without -k: from others than the first
  std::uint64_t refused_ = 0;  // --allow, --deny
  std::uint64_t dropped_ = 0;  // there was no room
  int status_ = 0;
  bool is_over_ = false;  // without -k: the first has been served
};

}  // namespace ieum::cli
