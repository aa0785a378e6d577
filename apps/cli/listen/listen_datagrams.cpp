// `ieum listen` with an address of datagrams.
#include <ieum/ieum.hpp>

#include "listen/datagram_peers.hpp"
#include "listen/datagram_service.hpp"
#include "listen/listen.hpp"
#include "session/datagram_session.hpp"
#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/socket_file.hpp"
#include "session/socket_settings.hpp"

namespace ieum::cli {

namespace {

Result<DatagramSocket> bind(const CommonOptions& common, const Address& address) {
  const SocketFileMode mode(common.endpoint);
  return DatagramSocket::bind(address, datagram_options(common));
}

Task<DatagramSocket> open_bound(const ListenCommand& command, EventLog& events,
                                std::optional<Failure>& failure) {
  const CommonOptions& common = command.common;
  const Address address = co_await resolve_endpoint(common, "open");
  Result<DatagramSocket> bound = bind(common, address);
  if (!bound) co_await fail_to_bind(bound.error(), address, &find_datagram_port_owner);
  DatagramSocket socket = *std::move(bound);
  failure = give_to_owner(common.endpoint);
  if (failure) co_await fail(std::errc::operation_not_permitted, "open");
  events.datagram_socket(socket.address());
  co_await apply_settings(socket, common.endpoint);
  if (address.is_ip() && address.port() == 0 && !events.log().reports_events()) {
    const std::string chosen = socket.address().to_string();
    events.log().notice({"bound", "receiving on " + chosen, {}, {{"local", chosen}}});
  }
  co_return socket;
}

}  // namespace

Task<int> listen_datagrams(const ListenCommand& command, const Access& access, Log& log,
                           Interrupt& interrupt) {
  EventLog events(log);
  const CommonOptions& common = command.common;
  Result<LocalStreams> streams = open_local_streams(common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  std::optional<Failure> failure;
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_bound(command, events, failure), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (failure) co_return log.failed(*failure);
  if (!socket) {
    const std::string where = common.endpoint.to_string();
    co_return log.failed(explain_failure(Stage::listening, socket.error(), {.where = where}));
  }
  using Service = ListenCommand::Service;
  if (command.service == Service::exec || command.service == Service::relay) {
    DatagramPeers peers(*socket, command, access, events, interrupt);
    const int status = co_await peers.run();
    co_return status;
  }
  if (command.service != Service::stdio) {
    DatagramService service(*socket, command, access, events, interrupt);
    const int status = co_await service.run();
    co_return status;
  }
  const auto mode =
      command.keep ? DatagramSession::Peer::any_sender : DatagramSession::Peer::first_sender;
  DatagramSession session(*socket, *streams, common, mode, events, interrupt);
  session.only([&access](const Address& peer) { return access.admits(peer); });
  const int status = co_await session.run();
  co_return status;
}

}  // namespace ieum::cli
