#include "datagram_settings.hpp"

namespace ieum::cli {

namespace {

Result<> apply(DatagramSocket& socket, const Setting& setting, bool to_group) {
  switch (setting.key) {
    case Key::tos: return socket.set_traffic_class(setting.value);
    case Key::ttl:
      return to_group ? socket.set_multicast_hop_limit(setting.value)
                      : socket.set_hop_limit(setting.value);
    case Key::loop: return socket.set_multicast_loopback(setting.value != 0);
    default: return {};
  }
}

}  // namespace

DatagramOptions datagram_options(const Endpoint& endpoint) {
  DatagramOptions options;
  options.reuse_port = endpoint.setting(Key::reuseport).value_or(0) != 0;
  options.ipv6_only = endpoint.setting(Key::ipv6only).value_or(0) != 0;
  options.replace_stale = endpoint.setting(Key::replace).value_or(0) != 0;
  options.unlink_on_close = endpoint.setting(Key::unlink).value_or(1) != 0;
  options.receive_buffer_bytes = endpoint.setting(Key::rcvbuf).value_or(0);
  options.send_buffer_bytes = endpoint.setting(Key::sndbuf).value_or(0);
  return options;
}

Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint) {
  for (const Setting& setting : endpoint.settings) {
    const Result<> applied = apply(socket, setting, endpoint.scheme == Scheme::multicast);
    if (!applied) return applied;
  }
  return {};
}

}  // namespace ieum::cli
