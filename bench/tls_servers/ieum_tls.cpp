// The TLS benchmark's server with ieum. IEUM_DRIVER says on which driver.
#include <ieum/ieum.hpp>
#include <ieum/tls_stream.hpp>

#include "tls_servers/tls_server.hpp"

namespace {

using namespace ieum;

Task<> echo(TlsStream& client) {
  while (Lease data = co_await client.receive()) co_await client.write_all(data);
}

Task<> sink(TlsStream& client) {
  while (Lease data = co_await client.receive()) data.reset();
}

struct Service {
  bool echoes;
  TlsServerContext context;
};

Task<> serve_one(StreamSocket socket, const Service& service) {
  TlsStream client = co_await TlsStream::server(std::move(socket), service.context);
  if (service.echoes) {
    co_await echo(client);
  } else {
    co_await sink(client);
  }
  co_await client.close();
}

Task<> program(bench::Options options) {
  const Service service{
      options.echo, co_await TlsServerContext::load(bench::from_environment("BENCH_CERTIFICATE"),
                                                    bench::from_environment("BENCH_KEY"))};
  Listener listener = co_await Listener::bind("127.0.0.1:0", {.backlog = bench::backlog});
  bench::configure(listener.native_handle(), options);
  bench::announce(listener.address().port());
  auto handler = [&service](StreamSocket socket) { return serve_one(std::move(socket), service); };
  const ServeOptions limits{.sessions_max = bench::descriptors_max};
  co_await serve(std::move(listener), handler, limits);
}

}  // namespace

int main(int argc, char** argv) { return run_main(program(bench::parse(argc, argv))); }
