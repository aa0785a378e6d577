// `ieum connect` with an address of datagrams.
#include <ieum/ieum.hpp>

#include "connect/connect.hpp"
#include "session/datagram_session.hpp"
#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/socket_settings.hpp"

namespace ieum::cli {

namespace {

Task<DatagramSocket> open_connected(const ConnectCommand& command, EventLog& events) {
  const CommonOptions& common = command.common;
  const Address peer = co_await resolve_endpoint(common, "open");
  const DatagramOptions options = datagram_options(common);
  if (!Address::parse(common.endpoint.target)) events.resolved(std::span(&peer, 1));
  Result<DatagramSocket> socket = command.source ? DatagramSocket::bind(*command.source, options)
                                                 : DatagramSocket::open(peer.family(), options);
  if (!socket) {
    const Address from = command.source.value_or(Address{});
    co_await fail_to_bind(socket.error(), from, &find_datagram_port_owner);
  }
  events.datagram_socket(socket->address());
  co_await socket->set_peer(peer);
  co_await apply_settings(*socket, common.endpoint);
  events.peer_is(peer);
  co_return *std::move(socket);
}

}  // namespace

Task<int> connect_datagrams(const ConnectCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  const CommonOptions& common = command.common;
  Result<LocalStreams> streams = open_local_streams(common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_connected(command, events), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!socket) {
    co_return log.failed(explain_datagram_failure(socket.error(), common.endpoint.to_string()));
  }
  DatagramSession session(*socket, *streams, common, DatagramSession::Peer::connected, events,
                          interrupt);
  const int status = co_await session.run();
  co_return status;
}

}  // namespace ieum::cli
