#include "session/socket_settings.hpp"

#include <algorithm>
#include <chrono>

#include <ieum/stream_socket.hpp>

#include "report/event_log.hpp"

namespace ieum::cli {

namespace {

/// A peer that has gone is told of after about twice as many seconds as it may be silent. Not
/// TCP_USER_TIMEOUT: that ends a connection whose peer is there, and does not read for a while.
Result<> set_keepalive(StreamSocket& socket, int seconds) {
  constexpr int questions = 4;
  const int interval = (seconds + questions - 1) / questions;
  return socket.set_keepalive({.idle = std::chrono::seconds(seconds),
                               .interval = std::chrono::seconds(interval),
                               .count = (seconds + interval / 2) / interval});
}

Result<> apply(StreamSocket& socket, const Setting& setting) {
  const bool ipv6 = socket.peer_address().family() == Family::ipv6;
  const auto set = [&](SocketOption option, int value) { return socket.set_option(option, value); };
  switch (setting.key) {
    case Key::nodelay: return set(SocketOption::tcp_nodelay, setting.value);
    case Key::sndbuf: return set(SocketOption::so_sndbuf, setting.value);
    case Key::rcvbuf: return set(SocketOption::so_rcvbuf, setting.value);
    case Key::tos:
      return set(ipv6 ? SocketOption::ipv6_tclass : SocketOption::ip_tos, setting.value);
    case Key::ttl:
      return set(ipv6 ? SocketOption::ipv6_unicast_hops : SocketOption::ip_ttl, setting.value);
    case Key::keepalive: return set_keepalive(socket, setting.value);
    default: return {};
  }
}

bool is_of_listener(Key key) {
  return key == Key::reuseport || key == Key::ipv6only || key == Key::replace ||
         key == Key::unlink || key == Key::mode || key == Key::owner;
}

}  // namespace

Result<> apply_settings(StreamSocket& socket, const Endpoint& endpoint, EventLog& events) {
  for (const Setting& setting : endpoint.settings) {
    if (is_of_listener(setting.key)) continue;
    const Result<> applied = apply(socket, setting);
    if (!applied) return applied;
    const auto info = std::ranges::find(keys(), setting.key, &KeyInfo::key);
    events.option_set(info->name, setting.text);
  }
  return {};
}

DatagramOptions datagram_options(const CommonOptions& common) {
  const Endpoint& endpoint = common.endpoint;
  DatagramOptions options;
  options.reuse_port = endpoint.setting(Key::reuseport).value_or(0) != 0;
  options.ipv6_only =
      endpoint.setting(Key::ipv6only).value_or(0) != 0 || common.family == Family::ipv6;
  options.replace_stale = endpoint.setting(Key::replace).value_or(0) != 0;
  options.unlink_on_close = endpoint.setting(Key::unlink).value_or(1) != 0;
  options.receive_buffer_bytes = endpoint.setting(Key::rcvbuf).value_or(0);
  options.send_buffer_bytes = endpoint.setting(Key::sndbuf).value_or(0);
  return options;
}

Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint) {
  if (const std::optional<int> tos = endpoint.setting(Key::tos)) {
    const Result<> set = socket.set_traffic_class(*tos);
    if (!set) return set;
  }
  const std::optional<int> ttl = endpoint.setting(Key::ttl);
  if (!ttl) return {};
  return endpoint.scheme == Scheme::multicast ? socket.set_multicast_hop_limit(*ttl)
                                              : socket.set_hop_limit(*ttl);
}

}  // namespace ieum::cli
