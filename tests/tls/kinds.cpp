// TLS as a kind of stream: the tests in conformance/every_stream/ are run of it.
#include "conformance/every_stream/streams.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

template <TlsVersion version>
Task<StreamPair> tls(Pair sockets) {
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  expect_good(server.set_versions(version, version));
  TlsPair pair = co_await tls_over(std::move(sockets), client, server);
  co_return StreamPair(std::make_unique<TlsStream>(std::move(pair.client)),
                       std::make_unique<TlsStream>(std::move(pair.server)));
}

}  // namespace

std::vector<StreamKind> stream_kinds() {
  return {{"tls13", Transport::ipv4, tls<TlsVersion::tls13>, true},
          {"tls12", Transport::ipv4, tls<TlsVersion::tls12>, true},
          {"tls13_unix_socket", Transport::unix_socket, tls<TlsVersion::tls13>, true}};
}

}  // namespace ieum::test
