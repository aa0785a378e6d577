#include "trace/sockets_seen.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "trace/remote.hpp"

namespace ieum::cli::trace {

namespace {

int int_option(int socket, int option) {
  int value = 0;
  socklen_t bytes = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

std::string protocol_name(int family, int type, int protocol) {
  const bool is_ip = family == AF_INET || family == AF_INET6;
  if (is_ip && type == SOCK_STREAM && protocol == IPPROTO_TCP) return "tcp";
  if (is_ip && type == SOCK_STREAM) return "stream";
  if (is_ip && type == SOCK_DGRAM) return "udp";
  if (family == AF_UNIX) return type == SOCK_DGRAM ? "unix-datagram" : "unix";
  return {};
}

bool is_over(const std::optional<SocketState>& state) {
  return !state || *state == SocketState::closed || *state == SocketState::time_wait;
}

/// It will change by itself soon.
bool is_passing(const std::optional<SocketState>& state) {
  if (!state) return false;
  switch (*state) {
    case SocketState::syn_sent:
    case SocketState::syn_received:
    case SocketState::fin_wait_1:
    case SocketState::closing:
    case SocketState::last_ack: return true;
    default: return false;
  }
}

}  // namespace

SeenSocket* SocketsSeen::find(std::uint64_t socket) {
  const auto found = sockets_.find(socket);
  return found == sockets_.end() ? nullptr : &found->second;
}

SeenSocket& SocketsSeen::look(int pid, int fd, std::uint64_t socket) {
  const auto [at, is_new] = sockets_.try_emplace(socket);
  SeenSocket& seen = at->second;
  if (is_new) {
    order_.push_back(socket);
    // Never the one that is looked at.
    if (order_.size() > sockets_max) {
      sockets_.erase(order_.front());
      order_.pop_front();
    }
  }
  if (!seen.is_ours) return seen;
  if (seen.protocol.empty() || seen.peer.family() == Family::none) {
    identify(seen, pid, fd, socket);
  }
  return seen;
}

void SocketsSeen::identify(SeenSocket& seen, int pid, int fd, std::uint64_t socket) {
  const Descriptor copy = borrow_descriptor(pid, fd);
  if (!copy.is_open()) return;
  if (seen.protocol.empty()) {
    const int family = int_option(copy.number(), SO_DOMAIN);
    const int type = int_option(copy.number(), SO_TYPE);
    seen.protocol = protocol_name(family, type, int_option(copy.number(), SO_PROTOCOL));
    seen.is_stream = type == SOCK_STREAM || type == SOCK_SEQPACKET;
    seen.is_ours = !seen.protocol.empty();
  }
  if (!seen.is_ours) return;
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (::getsockname(copy.number(), reinterpret_cast<sockaddr*>(&storage), &bytes) == 0) {
    seen.local = to_address(storage, bytes);
  }
  storage = {};
  bytes = sizeof storage;
  if (::getpeername(copy.number(), reinterpret_cast<sockaddr*>(&storage), &bytes) == 0) {
    seen.peer = to_address(storage, bytes);
    if (seen.protocol == "unix" && seen.unix_peer == 0) {
      seen.unix_peer = question_.unix_peer(socket);
    }
  }
  if (seen.protocol == "tcp" && seen.peer.family() != Family::none && !seen.pair) join(seen);
}

void SocketsSeen::join(SeenSocket& seen) {
  const std::string own = seen.local.to_string();
  const std::string other = seen.peer.to_string();
  const bool is_first = own <= other;
  std::weak_ptr<Pair>& kept = pairs_[is_first ? own + " " + other : other + " " + own];
  std::shared_ptr<Pair> pair = kept.lock();
  // One that is over had the same addresses before.
  if (pair && is_over(pair->states[0]) && is_over(pair->states[1]) && pair->was_alive) {
    pair.reset();
  }
  if (!pair) {
    pair = std::make_shared<Pair>();
    pair->ends[is_first ? 0 : 1] = seen.local;
    pair->ends[is_first ? 1 : 0] = seen.peer;
    kept = pair;
    live_.emplace_back(pair);
    // What nobody has any more is dropped now and then.
    if (pairs_.size() > 2 * sockets_max) {
      std::erase_if(pairs_, [](const auto& entry) { return entry.second.expired(); });
    }
  }
  // Both ends of a connection with itself have one address; the first to come is the first.
  seen.side = is_first ? 0 : 1;
  seen.pair = std::move(pair);
}

bool SocketsSeen::renew(Pair& pair, Time now) {
  pair.asked = now;
  bool is_known = true;
  for (int side = 0; side < 2; ++side) {
    const auto answer = question_.ask(pair.ends[side], pair.ends[1 - side]);
    is_known = is_known && answer.has_value();
    last_[side] = answer.value_or(StateQuestion::Answer{});
    if (last_[side].state != SocketState::closed) pair.was_alive = true;
  }
  return is_known && pair.was_alive;
}

bool SocketsSeen::update(Pair& pair, int side, Time now) {
  // An end elsewhere was never seen alive.
  const bool is_elsewhere = last_[side].state == SocketState::closed && !pair.states[side];
  if (is_elsewhere || pair.states[side] == last_[side].state) return false;
  pair.states[side] = last_[side].state;
  pair.changed[side] = now;
  return true;
}

PairStates SocketsSeen::ask(SeenSocket& socket, Time now) {
  PairStates states;
  if (!socket.pair || !renew(*socket.pair, now)) return states;
  Pair& pair = *socket.pair;
  states.before = pair.states[socket.side];
  for (int side = 0; side < 2; ++side) update(pair, side, now);
  states.own = pair.states[socket.side];
  states.peer = pair.states[1 - socket.side];
  states.unread = last_[socket.side].unread;
  states.unsent = last_[socket.side].unsent;
  return states;
}

std::optional<PairStates> SocketsSeen::told(const SeenSocket& socket, Time now) const {
  constexpr Time new_enough = std::chrono::milliseconds(10);
  const Pair& pair = *socket.pair;
  if (pair.asked < Time{} || now - pair.asked > new_enough) return {};
  if (pair.states[socket.side] != SocketState::established) return {};
  return PairStates{.own = pair.states[socket.side], .peer = pair.states[1 - socket.side]};
}

std::uint64_t SocketsSeen::unsent(const SeenSocket& socket) {
  const Pair& pair = *socket.pair;
  const auto answer = question_.ask(pair.ends[socket.side], pair.ends[1 - socket.side]);
  return answer ? answer->unsent : 0;
}

void SocketsSeen::note_ending(const SeenSocket& socket, const PairStates& before, Time entered) {
  const bool is_open =
      before.own == SocketState::established || before.own == SocketState::close_wait;
  if (socket.pair && is_open) socket.pair->ending[socket.side] = entered;
}

Time SocketsSeen::place_of_ending(const SeenSocket& socket, const PairStates& states,
                                  Time entered) {
  if (!socket.pair || !states.peer) return entered;
  const bool was_second =
      states.own == SocketState::last_ack ||
      (states.own == SocketState::closed &&
       (states.peer == SocketState::time_wait || states.peer == SocketState::fin_wait_2));
  constexpr Time after{1};
  return was_second ? std::max(entered, socket.pair->ending[1 - socket.side] + after) : entered;
}

std::optional<SocketState> SocketsSeen::ask_connecting(const SeenSocket& socket,
                                                       const Address& peer) {
  const auto answer = question_.ask(socket.local, peer);
  if (!answer || answer->state == SocketState::closed) return {};
  return answer->state;
}

std::optional<bool> SocketsSeen::is_held(const SeenSocket& socket, std::uint64_t inode) {
  if (!socket.pair) return {};
  const Pair& pair = *socket.pair;
  const auto answer = question_.ask(pair.ends[socket.side], pair.ends[1 - socket.side]);
  if (!answer || !pair.was_alive) return {};
  return answer->socket == inode;
}

void SocketsSeen::ask_some(Time now, const std::function<void(const Pair&, int side)>& changed) {
  constexpr std::size_t passing_max = 32;
  constexpr std::size_t others_max = 8;
  std::size_t passing = 0;
  std::size_t others = 0;
  for (std::size_t left = live_.size(); left > 0 && passing < passing_max; --left) {
    const std::shared_ptr<Pair> pair = live_.front().lock();
    live_.pop_front();
    if (!pair) continue;
    if (pair->was_alive && is_over(pair->states[0]) && is_over(pair->states[1])) continue;
    live_.emplace_back(pair);
    const bool is_urgent = is_passing(pair->states[0]) || is_passing(pair->states[1]);
    if (is_urgent ? ++passing > passing_max : ++others > others_max) continue;
    if (!renew(*pair, now)) continue;
    for (int side = 0; side < 2; ++side) {
      if (update(*pair, side, now)) changed(*pair, side);
    }
  }
}

}  // namespace ieum::cli::trace
