// SocketsSeen: what the recorder knows of the sockets of the traced programs, by inode: addresses,
// and of TCP connections the states of both ends, asked of the kernel when a call touches one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <ieum/address.hpp>

#include "trace/event.hpp"
#include "trace/state_question.hpp"

namespace ieum::cli::trace {

/// A TCP connection; both ends share it if both are traced.
struct Pair {
  Address ends[2];
  std::optional<SocketState> states[2]{};  ///< as last told
  Time changed[2]{};                       ///< when that was
  Time ending[2]{Time{-1}, Time{-1}};      ///< when the call that finishes it was entered
  Time asked{-1};
  bool was_alive = false;  ///< the kernel knows it: else it is in another network namespace
};

struct SeenSocket {
  std::string protocol;  ///< empty: not known yet
  bool is_ours = true;   ///< of a family that is shown
  bool is_stream = false;
  Address local;
  Address peer;
  std::shared_ptr<Pair> pair;  ///< of a TCP connection
  int side = 0;                ///< which of its ends
  std::uint64_t unix_peer = 0;
  bool sent_last = false;  ///< it has sent, and received nothing since
  bool aborts = false;     ///< SO_LINGER with a time of 0 was set: its close sends RST
};

class SocketsSeen {
 public:
  /// Beyond this the oldest are forgotten, and asked for again if they are met.
  static constexpr std::size_t sockets_max = 65'536;

  /// The socket with this inode, its addresses read anew unless they cannot change any more.
  SeenSocket& look(int pid, int fd, std::uint64_t socket);
  /// A new socket has this inode, whatever had it before.
  void forget(std::uint64_t socket) { sockets_.erase(socket); }
  /// None if it was never looked at.
  [[nodiscard]] SeenSocket* find(std::uint64_t socket);

  /// Asks for both ends. Changes count as told.
  [[nodiscard]] PairStates ask(SeenSocket& socket, Time now);
  /// What was told last, if that is new enough for a call that only moved bytes: an end of the
  /// connection is asked for where it happens.
  [[nodiscard]] std::optional<PairStates> told(const SeenSocket& socket, Time now) const;
  /// Bytes that this end's system holds back.
  [[nodiscard]] std::uint64_t unsent(const SeenSocket& socket);
  /// A call that may finish the socket's end has been entered; `before` was asked then.
  static void note_ending(const SeenSocket& socket, const PairStates& before, Time entered);
  /// The place of such a call among others: where it was entered, or after the peer's if that has
  /// finished first, which the states prove.
  [[nodiscard]] static Time place_of_ending(const SeenSocket& socket, const PairStates& states,
                                            Time entered);
  /// Of a connect() that has not returned.
  [[nodiscard]] std::optional<SocketState> ask_connecting(const SeenSocket& socket,
                                                          const Address& peer);
  /// Whether somebody has this end of a connection open; none: not known.
  [[nodiscard]] std::optional<bool> is_held(const SeenSocket& socket, std::uint64_t inode);
  /// Asks for a few connections, those first that are about to change, and gives what has changed.
  void ask_some(Time now, const std::function<void(const Pair&, int side)>& changed);

 private:
  void identify(SeenSocket& seen, int pid, int fd, std::uint64_t socket);
  void join(SeenSocket& seen);
  bool renew(Pair& pair, Time now);
  /// Takes over what was asked last. False: nothing has changed.
  bool update(Pair& pair, int side, Time now);

  std::unordered_map<std::uint64_t, SeenSocket> sockets_;
  std::deque<std::uint64_t> order_;
  std::map<std::string, std::weak_ptr<Pair>> pairs_;
  std::deque<std::weak_ptr<Pair>> live_;
  StateQuestion question_;
  StateQuestion::Answer last_[2];  // of the pair asked last
};

}  // namespace ieum::cli::trace
