// `ieum cast`.
#include "cast/cast.hpp"

#include <algorithm>
#include <array>

#include <ieum/datagram_socket.hpp>

#include "session/run_session.hpp"

namespace ieum::cli {

Result<std::uint32_t> cast_interface(const Endpoint& endpoint) {
  const std::string_view name = endpoint.text_setting(Key::interface);
  if (name.empty()) return 0;
  return interface_index(name);
}

Address with_port(const Address& address, int port, std::uint32_t interface) {
  Address copy = address;
  if (address.family() == Family::ipv6 && address.scope() == 0 && interface != 0) {
    std::array<std::uint8_t, 16> ip{};
    std::ranges::transform(address.bytes(), ip.begin(),
                           [](char byte) { return static_cast<std::uint8_t>(byte); });
    copy = Address::ipv6(ip, 0, interface);
  }
  copy.set_port(static_cast<std::uint16_t>(port));
  return copy;
}

namespace {

Task<int> cast_in(const CastCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  Result<LocalStreams> streams = open_local_streams(command.common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  if (command.receive) {
    const int status = co_await receive_cast(command, *streams, events, interrupt);
    co_return status;
  }
  const int status = co_await send_cast(command, *streams, events, interrupt);
  co_return status;
}

}  // namespace

Task<int> run_cast(const CastCommand& command, Log& log) {
  auto body = [&](Interrupt& interrupt) { return cast_in(command, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
