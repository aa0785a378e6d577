// A TCP load balancer: each client gets the upstream with the fewest, and another one if that
// cannot be reached. Upstreams are checked once a second.
//
//   load_balancer ADDRESS UPSTREAM...
//   load_balancer 127.0.0.1:8000 127.0.0.1:8001 127.0.0.1:8002
//
// It shows tasks that run as long as a server does, connections that are made before they are
// wanted, a relay, and a drain: Ctrl-C or SIGTERM ends it, after ten seconds for whoever is still
// connected.
#include <csignal>
#include <cstdio>
#include <span>

#include "balancer.hpp"

using namespace ieum;

namespace {

Task<> program(std::span<char*> arguments) {
  Signals signals = co_await Signals::create(SIGINT, SIGTERM);
  Listener listener = co_await Listener::bind(arguments[1]);
  std::fprintf(stderr, "listening on %s\n", listener.address().to_string().c_str());
  load_balancer::Balancer balancer;
  for (const char* const text : arguments.subspan(2)) {
    const Address upstream = co_await Address::parse(text);
    balancer.add(upstream);
  }
  auto session = [&](StreamSocket client) { return balancer.session(std::move(client)); };
  Server server(std::move(listener), session,
                {.descriptors_each = 2, .idle_limit = std::chrono::minutes(10)});
  co_await with_group([&](Group& group) -> Task<> {
    group.start(balancer.check_health());
    group.start(server.run());
    co_await signals.next();
    const DrainReport report = co_await server.drain(std::chrono::seconds(10));
    std::fprintf(stderr, "%zu finished, %zu idle, %zu cut\n", report.finished, report.idle,
                 report.cut);
    for (const auto& upstream : balancer.upstreams()) {
      std::fprintf(stderr, "%s: %zu\n", upstream.address.to_string().c_str(), upstream.served);
    }
    group.stop();  // the checks
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (argc > 2) return run_main(program(arguments));
  std::fprintf(stderr, "usage: load_balancer ADDRESS UPSTREAM...\n");
  return 2;
}
