#include "session/datagram_endpoint.hpp"

#include <fmt/format.h>

namespace ieum::cli {

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

Failure explain_datagram_failure(const Error& error, std::string_view where) {
  using enum std::errc;
  if (error == connection_refused && !error.address().is_unix()) {
    return {Status::not_connected,
            fmt::format("{}; nobody receives datagrams there: check the address, or start the "
                        "receiver first",
                        error.to_string())};
  }
  if (error == message_size) {
    return {Status::other,
            fmt::format("{}; a datagram there must be smaller: see --size", error.to_string())};
  }
  if (error == wrong_protocol_type) {
    return {Status::not_connected,
            fmt::format("{}; that socket takes connections, not datagrams: write {}",
                        error.to_string(), where)};
  }
  if (error == no_such_device) {
    return {Status::other, error.to_string() + "; see 'ip link' for this machine's interfaces"};
  }
  return explain_failure(Stage::connecting, error, {.where = where});
}

}  // namespace ieum::cli
