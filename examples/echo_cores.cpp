// The echo server on every core: a runtime each, all on one port.
//
//   echo_cores [ADDRESS]       by default 127.0.0.1:7007; it runs until Ctrl-C or SIGTERM
//   ncat 127.0.0.1 7007        try it: type a line
//
// The system spreads the clients over the cores. A signal, caught on the first core, drains all of
// them: nobody new is accepted, and who is still there has three seconds to finish.
#include <csignal>
#include <cstdio>

#include <ieum/ieum.hpp>

using namespace ieum;
using namespace std::chrono_literals;

namespace {

Task<> echo(StreamSocket client) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t count = co_await client.read_some(buffer)) {
    co_await client.write_all(ConstBuffer(buffer).first(count));
  }
}

Task<> drain_on_signal(CoresServer& server) {
  Signals signals = co_await Signals::create(SIGINT, SIGTERM);
  co_await signals.next();
  const DrainReport report = co_await server.drain(3s);
  std::printf("%zu finished, %zu cut\n", report.finished, report.cut);
}

Task<> serve(CoresServer& server, Core& core) {
  co_await with_group([&](Group& group) -> Task<> {
    group.start(server.serve(core));
    if (core.index() == 0) co_await drain_on_signal(server);
  });
}

Result<> run(const char* address) {
  Result<CoresServer> server = CoresServer::bind(address, echo);
  if (!server) return fail(server.error());
  auto on_each = [&](Core& core) { return serve(*server, core); };
  return run_on_cores(on_each, server->cores());
}

}  // namespace

int main(int argc, char** argv) {
  const Result<> result = run(argc > 1 ? argv[1] : "127.0.0.1:7007");
  if (!result) std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  return result ? 0 : 1;
}
