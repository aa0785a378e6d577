#include "transfer/doorkeeper.hpp"

#include <utility>

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "report/log.hpp"
#include "text/units.hpp"

namespace ieum::cli {

Task<std::unique_ptr<Partner>> Doorkeeper::first_partner() {
  auto body = [this](Group& group) { return receive_all(group); };
  const Result<> received = co_await attempt(with_group(body));
  if (!found_) co_await fail(received ? Error(Errc::closed, "accept") : received.error());
  co_return std::move(found_);
}

Task<> Doorkeeper::receive_all(Group& group) {
  for (;;) {
    Semaphore::Permit permit = co_await strangers_.acquire();
    StreamSocket client = co_await accept_admitted(listener_, access_, events_);
    group.start(receive(group, std::move(client), std::move(permit)));
  }
}

Task<> Doorkeeper::receive(Group& group, StreamSocket client,
                           [[maybe_unused]] Semaphore::Permit permit) {
  const Address peer = client.peer_address();
  auto events = std::make_unique<EventLog>(events_.log(), ++clients_, peer);
  events->accepted(client.local_address().value_or(Address{}), peer);
  std::unique_ptr<Partner> partner;
  std::optional<Failure> failure;
  const Result<> met = co_await attempt(with_timeout(
      hello_max, meet(partner, Connection(std::move(client)), std::move(events), failure)));
  if (met && !failure && !found_) {
    found_ = std::move(partner);
    group.stop();
    co_return;
  }
  if (!met && met.error() == std::errc::operation_canceled) co_await fail(met.error());
  if (partner && partner->was_damaged()) {
    co_await fail(Error(std::errc::protocol_error, "receive").with_detail(failure->sentence));
  }
  std::string why;
  if (failure) {
    why = failure->sentence;
  } else if (!met) {
    why = met.error() == std::errc::timed_out
              ? fmt::format("it said nothing for {}", format_duration(hello_max))
              : met.error().to_string();
  }
  if (partner) partner->events.closed(EndReason::broken);
  if (!found_) tell(peer, why);
}

Task<> Doorkeeper::meet(std::unique_ptr<Partner>& partner, Connection client,
                        std::unique_ptr<EventLog> events, std::optional<Failure>& failure) {
  co_await prepare_client(client, command_, tls_, *events, failure);
  partner = std::make_unique<Partner>(std::move(client), std::move(events));
  failure = co_await partner->greet(other_);
}

void Doorkeeper::tell(const Address& peer, const std::string& why) {
  if (++told_ > told_max) return;
  const std::string_view last = told_ == told_max ? "; no more such clients are told of" : "";
  events_.log().notice(
      {"stranger",
       fmt::format("a client, {}, was sent away: {}; still waiting{}", peer.to_string(), why, last),
       {},
       {{"peer", peer.to_string()}, {"message", why}}});
}

}  // namespace ieum::cli
