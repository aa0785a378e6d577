// Balancer: the checks keep a fresh connection to each upstream ready, so that a client waits for
// no handshake, and a broken upstream is known before a client comes.
#include "balancer.hpp"

#include <algorithm>
#include <cstdio>
#include <tuple>
#include <utility>

using namespace ieum;

namespace load_balancer {
namespace {

/// Counts a client as long as it lives.
struct Counted {
  explicit Counted(std::size_t& clients) : count(++clients) {}
  Counted(const Counted&) = delete;
  ~Counted() { --count; }
  std::size_t& count;
};

/// Neither closed nor reset by the upstream meanwhile.
bool is_fresh(const StreamSocket& socket) {
  const Result<SocketInfo> info = socket.info();
  return info && info->state == SocketState::established;
}

}  // namespace

void Balancer::note(Upstream& upstream, bool reached) const {
  upstream.against = reached == upstream.is_up ? 0 : upstream.against + 1;
  if (upstream.against < (reached ? options_.rise : options_.fall)) return;
  upstream.is_up = reached;
  upstream.against = 0;
  std::fprintf(stderr, "%s is %s\n", upstream.address.to_string().c_str(), reached ? "up" : "down");
}

Task<> Balancer::check_health() {
  co_await with_group([&](Group& group) -> Task<> {
    for (Upstream& upstream : upstreams_) group.start(check(upstream));
    co_return;
  });
}

Task<> Balancer::check(Upstream& upstream) {
  for (;;) {
    Result<StreamSocket> reached = co_await attempt(
        StreamSocket::connect(upstream.address, {.timeout = options_.connect_max}));
    note(upstream, reached.has_value());
    upstream.spare = reached ? *std::move(reached) : StreamSocket();  // the older one is closed
    co_await sleep(options_.check_interval);
  }
}

Task<StreamSocket> Balancer::connect(Upstream& upstream) {
  StreamSocket spare = std::exchange(upstream.spare, StreamSocket());
  if (spare.is_open() && is_fresh(spare)) co_return spare;
  StreamSocket made =
      co_await StreamSocket::connect(upstream.address, {.timeout = options_.connect_max});
  co_return made;
}

/// Those that are up, the least busy first, taking turns; then, for want of better, the others.
std::vector<Balancer::Upstream*> Balancer::by_preference() {
  std::vector<Upstream*> order;
  for (Upstream& upstream : upstreams_) order.push_back(&upstream);
  auto rank = [](const Upstream* of) { return std::tuple(!of->is_up, of->clients, of->served); };
  std::ranges::sort(order, {}, rank);
  return order;
}

Task<> Balancer::session(StreamSocket client) {
  for (Upstream* const upstream : by_preference()) {
    const Counted counted(upstream->clients);
    Result<StreamSocket> server = co_await attempt(connect(*upstream));
    const bool stopped = co_await stop_requested();
    if (stopped) co_await fail(std::errc::operation_canceled, "balance");
    note(*upstream, server.has_value());
    if (!server) continue;

    ++upstream->served;
    const Result<RelayCounts> relayed = co_await attempt(relay(client, *server));
    if (relayed) co_return;
    co_await attempt(client.reset());  // closing would look like a good end
    co_await attempt(server->reset());
    co_await fail(relayed.error());
  }
  co_await attempt(client.reset());
  const Error nobody(std::errc::host_unreachable, "balance", client.peer_address());
  co_await fail(nobody.with_detail("no upstream could be reached"));
}

}  // namespace load_balancer
