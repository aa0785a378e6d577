// The HTTP benchmark's client with ieum: a task each.
#include <ieum/http/client.hpp>
#include <ieum/ieum.hpp>

#include "http_programs/client.hpp"

namespace {

using namespace ieum;

Task<> ask(http::Client& client, bench::ClientRun& run) {
  for (bool more = true; more;) {
    http::Reply reply = co_await client.get(run.url);
    const std::string body = co_await reply.body().text(std::size_t{1} << 20U);
    more = run.done(body);
  }
}

Task<> program(bench::ClientRun& run) {
  http::Client client({.connections_per_origin_max = static_cast<std::size_t>(run.connections),
                       .idle_connections_max = static_cast<std::size_t>(run.connections)});
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < run.connections; ++i) group.start(ask(client, run));
    co_return;
  };
  co_await with_group(body);
}

}  // namespace

int main(int argc, char** argv) {
  bench::ClientRun run(argc, argv);
  return run_main(program(run));
}
