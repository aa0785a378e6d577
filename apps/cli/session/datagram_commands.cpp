#include "session/datagram_commands.hpp"

#include <ieum/ieum.hpp>

#include "listen/datagram_service.hpp"
#include "session/conversation.hpp"
#include "session/datagram_endpoint.hpp"
#include "session/datagram_talk.hpp"
#include "session/finding.hpp"

namespace ieum::cli {

namespace {

Task<DatagramSocket> open_connected(const ConnectCommand& command, EventLog& events) {
  const CommonOptions& common = command.common;
  const Address peer = co_await find_address(common, "open");
  const DatagramOptions options = datagram_options(common);
  if (!Address::parse(common.endpoint.place)) events.resolved(std::span(&peer, 1));
  Result<DatagramSocket> socket = command.source ? DatagramSocket::bind(*command.source, options)
                                                 : DatagramSocket::open(peer.family(), options);
  if (!socket) co_await fail(socket.error());
  events.datagram_socket(socket->address());
  co_await socket->set_peer(peer);
  co_await apply_settings(*socket, common.endpoint);
  events.peer_is(peer);
  co_return *std::move(socket);
}

Task<DatagramSocket> open_bound(const ListenCommand& command, EventLog& events) {
  const CommonOptions& common = command.common;
  const Address address = co_await find_address(common, "open");
  DatagramSocket socket = co_await DatagramSocket::bind(address, datagram_options(common));
  events.datagram_socket(socket.address());
  co_await apply_settings(socket, common.endpoint);
  if (address.is_ip() && address.port() == 0 && !events.log().reports_events()) {
    const std::string chosen = socket.address().to_string();
    events.log().notice({"bound", "receiving on " + chosen, {}, {{"local", chosen}}});
  }
  co_return socket;
}

}  // namespace

Task<int> connect_datagrams(const ConnectCommand& command, Log& log, Interruption& interruption) {
  EventLog events(log);
  const CommonOptions& common = command.common;
  Result<LocalEnds> ends = open_local_ends(common, log);
  if (!ends) co_return static_cast<int>(Status::other);
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_connected(command, events), interruption));
  if (interruption.has_come()) co_return interrupted(events, interruption);
  if (!socket) {
    co_return log.failed(explain_datagram_failure(socket.error(), common.endpoint.to_string()));
  }
  DatagramTalk talk(*socket, *ends, common, DatagramTalk::With::peer, events, interruption);
  const int status = co_await talk.run();
  co_return status;
}

Task<int> listen_datagrams(const ListenCommand& command, Log& log, Interruption& interruption) {
  EventLog events(log);
  const CommonOptions& common = command.common;
  Result<LocalEnds> ends = open_local_ends(common, log);
  if (!ends) co_return static_cast<int>(Status::other);
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(open_bound(command, events), interruption));
  if (interruption.has_come()) co_return interrupted(events, interruption);
  if (!socket) {
    const std::string where = common.endpoint.to_string();
    co_return log.failed(explain_failure(Stage::listening, socket.error(), {.where = where}));
  }
  if (command.service != ListenCommand::Service::talk) {
    DatagramService service(*socket, command, events, interruption);
    const int status = co_await service.run();
    co_return status;
  }
  const auto with = command.keep ? DatagramTalk::With::everybody : DatagramTalk::With::first_sender;
  DatagramTalk talk(*socket, *ends, common, with, events, interruption);
  const int status = co_await talk.run();
  co_return status;
}

}  // namespace ieum::cli
