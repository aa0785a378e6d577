// A SOCKS5 proxy: connects its clients to wherever they ask for.
//
//   socks5 [ADDRESS [IDLE_SECONDS]]      by default 127.0.0.1:1080, and 300 seconds
//   curl --socks5-hostname 127.0.0.1:1080 http://example.com/
//
// It shows a buffered reader, names that a stranger has chosen, a relay, and a server that ends who
// is idle. Who may use it may reach all that this machine can: it belongs on a loopback address.
// Ctrl-C or SIGTERM ends it, after five seconds for whoever is still connected.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "session.hpp"

using namespace ieum;
using namespace std::chrono_literals;

namespace {

void tell(const SessionEnd& end) {
  if (end.error == nullptr) return;
  std::fprintf(stderr, "%s: %s\n", end.peer.to_string().c_str(), end.error->to_string().c_str());
}

Task<> program(const char* address, Duration idle_limit) {
  Signals signals = co_await Signals::create(SIGINT, SIGTERM);
  Listener listener = co_await Listener::bind(address);
  std::fprintf(stderr, "listening on %s\n", listener.address().to_string().c_str());
  // A client, a question for each family of addresses, and the attempts to connect.
  constexpr std::size_t descriptors = 3 + ConnectOptions::attempts_at_once_max;
  Server server(std::move(listener), socks5::session,
                {.descriptors_each = descriptors, .idle_limit = idle_limit});
  server.on_session_end(tell);
  co_await with_group([&](Group& group) -> Task<> {
    group.start(server.run());
    co_await signals.next();
    const DrainReport report = co_await server.drain(5s);
    std::fprintf(stderr, "%zu finished, %zu idle, %zu cut\n", report.finished, report.idle,
                 report.cut);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const char* const address = argc > 1 ? argv[1] : "127.0.0.1:1080";
  const double idle_seconds = argc > 2 ? std::atof(argv[2]) : 300;
  return run_main(program(address, AnyDuration(std::chrono::duration<double>(idle_seconds))));
}
