// `ieum connect` with an address of datagrams.
#include <ieum/ieum.hpp>

#include "connect/connect.hpp"
#include "ends/datagram_end.hpp"
#include "session/datagram_session.hpp"
#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/socket_settings.hpp"

namespace ieum::cli {

namespace {

Task<DatagramSocket> open_to(const ConnectCommand& command, Address peer, EventLog& events) {
  const DatagramOptions options = datagram_options(command.common);
  Result<DatagramSocket> socket = command.source ? DatagramSocket::bind(*command.source, options)
                                                 : DatagramSocket::open(peer.family(), options);
  if (!socket) {
    const Address from = command.source.value_or(Address{});
    co_await fail_to_bind(socket.error(), from, &find_datagram_port_owner);
  }
  events.datagram_socket(socket->address());
  co_await socket->set_peer(peer);
  co_await apply_settings(*socket, command.common.endpoint);
  events.peer_is(peer);
  co_return *std::move(socket);
}

}  // namespace

Task<DatagramSocket> open_datagrams(const ConnectCommand& command, EventLog& events,
                                    std::vector<Address>& others) {
  others = co_await resolve_addresses(command.common, "open");
  if (!Address::parse(command.common.endpoint.target)) events.resolved(others);
  for (;;) {
    const Address peer = others.front();
    others.erase(others.begin());
    Result<DatagramSocket> socket = co_await attempt(open_to(command, peer, events));
    if (socket) co_return *std::move(socket);
    if (others.empty() || !DatagramSession::is_refusal(socket.error())) {
      co_await fail(socket.error());
    }
    events.attempt_failed(socket.error());
  }
}

Task<int> connect_datagrams(const ConnectCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  const CommonOptions& common = command.common;
  Result<LocalStreams> streams = open_local_streams(common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  std::vector<Address> others;
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_datagrams(command, events, others), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!socket) {
    co_return log.failed(explain_datagram_failure(socket.error(), common.endpoint.to_string()));
  }
  if (!command.exec.empty()) {
    DatagramEnd end(*std::move(socket), common.datagram_bytes);
    const int status = co_await talk_with_command(end, command, events, interrupt);
    co_return status;
  }
  DatagramSession session(*socket, *streams, common, DatagramSession::Peer::connected, events,
                          interrupt);
  session.if_refused(std::move(others),
                     [&](Address peer) { return open_to(command, peer, events); });
  const int status = co_await session.run();
  co_return status;
}

}  // namespace ieum::cli
