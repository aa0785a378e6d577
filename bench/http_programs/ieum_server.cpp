// The HTTP benchmark's server with ieum: 13 bytes for `/`, and the files of a directory, which is
// its argument, beneath `/files/`. IEUM_DRIVER says on which driver.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

#include "http_programs/pattern.hpp"

namespace {

using namespace ieum;

Task<http::Response> answer(http::Request& /*request*/) {
  static const std::string body = bench::body_of(bench::short_body_bytes);
  co_return http::Response::text(body);
}

Task<> program(const char* directory) {
  http::Routes routes;
  routes.get("/", answer);
  co_await routes.files("/files", directory);
  Listener listener = co_await Listener::bind("127.0.0.1:0", {.backlog = 4096});
  std::printf("%d\n", listener.address().port());
  std::fflush(stdout);
  const ServeOptions sessions{.sessions_max = 1 << 20};
  http::ServerOptions options;
  options.idle_timeout = std::chrono::hours(1);  // as all of them
  http::Server server(std::move(listener), std::move(routes), options, sessions);
  co_await server.run();
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  return run_main(program(argc > 1 ? argv[1] : "."));
}
