// HTTPS: a server over TLS, with ALPN.
#include <gmock/gmock.h>

#include <ieum/tls_stream.hpp>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;

Task<Response> scheme(Request& request) { co_return Response::text(std::string(request.scheme())); }

/// The handler of a session outlives it.
Task<std::unique_ptr<Stream>> meet(StreamSocket socket, const TlsServerContext& context) {
  TlsStream stream = co_await TlsStream::server(std::move(socket), context);
  std::unique_ptr<Stream> made = std::make_unique<TlsStream>(std::move(stream));
  co_return made;
}

CO_TEST(HttpTls, is_served_over_a_listener) {
  TlsServerContext context = co_await TlsServerContext::self_signed("localhost");
  co_await context.set_alpn("http/1.1");
  http::Routes routes;
  routes.get("/", scheme);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  http::Server server(std::move(listener), std::move(routes));
  server.over([&](StreamSocket socket) { return meet(std::move(socket), context); });
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    TlsClientContext trust = co_await TlsClientContext::create_without_roots();
    trust.verify_nothing();
    co_await trust.set_alpn("http/1.1");
    TlsOptions options;
    options.context = &trust;
    StreamSocket socket = co_await StreamSocket::connect(address);
    TlsStream tls = co_await TlsStream::client(std::move(socket), "localhost", options);
    EXPECT_EQ(tls.alpn(), "http/1.1");
    co_await tls.write_all(get("/") + get("/", "Connection: close\r\n"));
    const std::string got = co_await read_to_end(tls);
    EXPECT_EQ(statuses(got), "200 200");
    EXPECT_TRUE(got.ends_with("https"));
    co_await tls.close();
    // One that is idle, and knows no TLS.
    StreamSocket idle = co_await StreamSocket::connect(address);
    TlsStream waiting = co_await TlsStream::client(std::move(idle), "localhost", options);
    co_await waiting.write_all(get("/"));
    const Lease first = co_await waiting.receive();
    EXPECT_FALSE(first.empty());
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
    const std::string rest = co_await read_to_end(waiting);
    EXPECT_EQ(rest, "");
  };
  co_await with_group(all);
}

}  // namespace
}  // namespace ieum::test
