#include "trace/model.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "trace/calls.hpp"

namespace ieum::cli::trace {

namespace {

std::string key_of(const std::string& protocol, const std::string& one, const std::string& other) {
  return one <= other ? protocol + " " + one + " " + other : protocol + " " + other + " " + one;
}
std::string key_of(std::uint64_t one, std::uint64_t other) {
  return "inodes " + std::to_string(std::min(one, other)) + " " +
         std::to_string(std::max(one, other));
}

std::string_view port_of(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  return colon == std::string_view::npos ? address : address.substr(colon);
}

std::string_view without_port(std::string_view address) {
  return address.substr(0, address.rfind(':'));
}

bool is_wildcard(std::string_view address) {
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:") ||
         address.starts_with("*:");
}

bool is_over(const Link& link) { return link.ends[0].is_closed && link.ends[1].is_closed; }

}  // namespace

Socket& Model::socket(std::uint64_t inode) {
  const auto [found, is_new] = sockets_.try_emplace(inode);
  if (is_new) socket_order_.push_back(inode);
  return found->second;
}

void Model::forget_oldest() {
  while (socket_order_.size() > sockets_max) {
    sockets_.erase(socket_order_.front());
    socket_order_.pop_front();
  }
}

Model::Touch Model::touch(const Event& call) {
  forget_oldest();  // here alone: below, references to sockets are held
  const int column = programs_.column_of(call.pid);
  const Call* known = find_call(call.call);
  const CallKind kind = known == nullptr ? CallKind::close : known->kind;
  if (kind == CallKind::create || kind == CallKind::create_pair) {
    sockets_.erase(call.socket);
    sockets_.erase(call.other_socket);
  }
  Socket& one = socket(call.socket);
  one.protocol = call.protocol;
  if (!call.local.empty()) one.local = call.local;
  one.seat = programs_.seat_of(column);
  if (call.fd >= 0) one.fd = call.fd;
  if (kind == CallKind::create) one.is_new = true;
  if (kind == CallKind::listen && call.result == 0) one.listens = true;
  if (kind == CallKind::create_pair) {
    one.is_new = true;
    const auto link = make_link(key_of(call.socket, call.other_socket), call.protocol);
    take_end(link, 0, call.socket, {}, column);
    take_end(link, 1, call.other_socket, {}, column);
    socket(call.other_socket).fd = call.other_fd;
  }
  const bool is_connected =
      kind == CallKind::connect && (call.result == 0 || call.result == -EINPROGRESS);
  if (!is_datagram(call) && !one.listens) {
    if (is_connected || (!one.link && !call.peer.empty())) connect(one, call);
  }
  if (kind == CallKind::accept && call.result >= 0) accept(call);
  Touch touch{.socket = &socket(call.socket), .column = column};
  if (kind == CallKind::accept && call.result >= 0) {
    // The new socket is the one with a peer.
    Socket& accepted = socket(call.other_socket);
    touch.link = accepted.link.get();
    touch.side = accepted.side;
  } else {
    touch.link = touch.socket->link.get();
    touch.side = touch.socket->side;
  }
  if (touch.link != nullptr) {
    take_seat(touch.link->ends[touch.side], column);
    Link::End& peer = touch.link->ends[1 - touch.side];
    if (peer.program.empty()) take_seat(peer, column_at(call.protocol, peer.address, true));
    touch.peer_column = column_of(peer);
  } else if (is_datagram(call) && kind != CallKind::bind) {
    const std::string& address = call.address.empty() ? call.peer : call.address;
    const bool transfers =
        kind == CallKind::send || kind == CallKind::receive || kind == CallKind::connect;
    if (transfers && !address.empty()) {
      touch.peer_column = column_at(call.protocol, address, false);
    }
  } else if (kind == CallKind::connect && !call.address.empty() && call.protocol == "tcp") {
    touch.peer_column = column_at(call.protocol, call.address, true);
  }
  return touch;
}

void Model::connect(Socket& socket, const Event& call) {
  const Call* known = find_call(call.call);
  const bool is_new = known != nullptr && known->kind == CallKind::connect;
  std::shared_ptr<Link> link;
  std::size_t side = 0;
  if (call.protocol == "unix") {
    // Its other end has no inode before it is accepted.
    const std::string key =
        call.peer_socket == 0 ? key_of(call.socket, 0) : key_of(call.socket, call.peer_socket);
    const auto found = by_key_.find(key);
    if (found != by_key_.end() && !is_over(*found->second) && !is_new) {
      link = found->second;
      side = link->ends[0].socket == call.socket ? 0 : 1;
    } else {
      link = make_link(key, call.protocol);
    }
  } else {
    if (call.local.empty() || call.peer.empty()) return;
    auto [found, at] = find_link(call.local, call.peer);
    const auto kept = by_key_.find(key_of("tcp", call.local, call.peer));
    if (found != nullptr && !is_over(*found) && kept != by_key_.end()) {
      link = kept->second;
      side = at;
    } else {
      link = make_link(key_of("tcp", call.local, call.peer), call.protocol);
    }
  }
  if (!is_new && !socket.is_new) link->is_whole = false;
  take_end(link, side, call.socket, call.local, programs_.column_of(call.pid));
  if (link->ends[1 - side].address.empty()) link->ends[1 - side].address = call.peer;
}

void Model::accept(const Event& call) {
  const int column = programs_.column_of(call.pid);
  sockets_.erase(call.other_socket);
  Socket& accepted = socket(call.other_socket);
  accepted.protocol = call.protocol;
  accepted.local = call.other_local;
  accepted.fd = call.other_fd;
  accepted.is_new = true;
  std::shared_ptr<Link> link;
  if (call.protocol == "unix") {
    // It may have been accepted before connect() was seen to return, or not.
    const std::string key = key_of(call.other_socket, call.peer_socket);
    auto client = by_key_.find(key);
    if (client == by_key_.end() || is_over(*client->second)) {
      client = by_key_.find(key_of(call.peer_socket, 0));
    }
    if (client != by_key_.end() && !is_over(*client->second)) link = client->second;
    if (link) {
      by_key_.erase(client);
      by_key_[key] = link;
    } else {
      link = make_link(key, call.protocol);
    }
  } else {
    const std::string key = key_of("tcp", call.other_local, call.other_peer);
    const auto found = by_key_.find(key);
    const bool is_free = found != by_key_.end() && found->second->ends[1].socket == 0 &&
                         found->second->ends[1].address == call.other_local;
    link = is_free ? found->second : make_link(key, call.protocol);
  }
  take_end(link, 1, call.other_socket, call.other_local, column);
  if (link->ends[0].address.empty()) link->ends[0].address = call.other_peer;
}

std::shared_ptr<Link> Model::make_link(const std::string& key, const std::string& protocol) {
  auto link = std::make_shared<Link>();
  link->protocol = protocol;
  by_key_[key] = link;
  links_.push_back(link);
  if (links_.size() > sockets_max) {
    links_.pop_front();
    std::erase_if(by_key_, [](const auto& entry) { return is_over(*entry.second); });
  }
  return link;
}

void Model::take_end(const std::shared_ptr<Link>& link, std::size_t side, std::uint64_t inode,
                     const std::string& address, int column) {
  Socket& one = socket(inode);
  one.link = link;
  one.side = side;
  one.seat = programs_.seat_of(column);
  one.protocol = link->protocol;
  Link::End& end = link->ends[side];
  end.socket = inode;
  take_seat(end, column);
  if (!address.empty()) end.address = address;
}

void Model::take_seat(Link::End& end, int column) {
  end.seat = programs_.seat_of(column);
  end.program = programs_.title(column);
}

std::pair<Link*, std::size_t> Model::find_link(const std::string& local, const std::string& peer) {
  const auto found = by_key_.find(key_of("tcp", local, peer));
  if (found == by_key_.end()) return {};
  Link& link = *found->second;
  return {&link, link.ends[0].address == local ? 0 : 1};
}

int Model::column_at(const std::string& protocol, const std::string& address, bool listens) {
  const bool is_ip = protocol == "tcp" || protocol == "udp";
  int other = -1;
  for (const auto& [inode, one] : sockets_) {
    const int column = programs_.column_of(one.seat);
    if (one.protocol != protocol || column < 0 || (listens && !one.listens)) continue;
    if (one.local == address && !address.empty()) return column;
    const bool matches = is_ip && is_wildcard(one.local) && port_of(one.local) == port_of(address);
    // Of several the same one always, whatever the order of the table.
    if (matches) other = std::max(other, column);
  }
  return other >= 0 ? other : programs_.outside();
}

void Model::name(const std::string& address, const std::string& host) {
  constexpr std::size_t hosts_max = 4096;
  const std::string key(without_port(address));
  if (hosts_.size() < hosts_max || hosts_.contains(key)) hosts_[key] = host;
}

std::string Model::host_of(std::string_view address) const {
  const auto found = hosts_.find(without_port(address));
  return found == hosts_.end() ? std::string() : found->second;
}

std::uint64_t Model::datagram_sent(const Event& call, const std::string& to) {
  constexpr std::size_t waiting_max = 4096;
  constexpr std::size_t receivers_max = 4096;
  if (datagrams_.size() >= receivers_max && !datagrams_.contains(to)) return 0;
  // Known by its port: which address a datagram leaves from is chosen for each.
  std::deque<Datagram>& waiting = datagrams_[std::string(port_of(to))];
  waiting.push_back({.from = std::string(port_of(call.local)),
                     .bytes = call.result,
                     .number = ++datagrams_sent_});
  if (waiting.size() > waiting_max) waiting.pop_front();
  return datagrams_sent_;
}

std::optional<Model::Datagram> Model::datagram_received(const Event& call) {
  const auto waiting = datagrams_.find(std::string(port_of(call.local)));
  if (waiting == datagrams_.end()) return {};
  const std::string_view from = port_of(call.address.empty() ? call.peer : call.address);
  const auto found = std::ranges::find_if(waiting->second, [&](const Datagram& datagram) {
    return (from.empty() || datagram.from == from || datagram.from.empty()) &&
           (datagram.bytes == call.result || datagram.bytes > call.result);
  });
  if (found == waiting->second.end()) return {};
  Datagram datagram = *found;
  if (!call.peeks) waiting->second.erase(found);
  return datagram;
}

}  // namespace ieum::cli::trace
