// The benchmark's server with ieum. IEUM_DRIVER says on which driver.
#include <ieum/ieum.hpp>

#include "servers/server.hpp"

namespace {

ieum::Task<> echo(ieum::StreamSocket client) {
  while (ieum::Lease data = co_await client.receive()) co_await client.write_all(data);
}

ieum::Task<> sink(ieum::StreamSocket client) {
  while (ieum::Lease data = co_await client.receive()) data.reset();
}

ieum::Task<> program(bench::Options options) {
  ieum::Listener listener =
      co_await ieum::Listener::bind("127.0.0.1:0", {.backlog = bench::backlog});
  bench::configure(listener.native_handle(), options);
  bench::announce(listener.address().port());
  const ieum::ServeOptions limits{.sessions_max = bench::descriptors_max};
  co_await ieum::serve(std::move(listener), options.echo ? echo : sink, limits);
}

}  // namespace

int main(int argc, char** argv) { return ieum::run_main(program(bench::parse(argc, argv))); }
