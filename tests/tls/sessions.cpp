// What the tests of TLS share.
#include "tls/sessions.hpp"

#include <utility>

namespace ieum::test {

TlsClientContext client_context() {
  TlsClientContext context = expect_value(TlsClientContext::create_without_roots());
  expect_good(context.add_roots_of(authority().pem()));
  return context;
}

TlsServerContext server_context() {
  const CertificateFiles& files = server_files();
  return expect_value(TlsServerContext::load(files.certificate.path(), files.key.path()));
}

namespace {

std::unique_ptr<Stream> on_heap(StreamSocket socket) {
  return std::make_unique<StreamSocket>(std::move(socket));
}

Task<> meet_server(std::unique_ptr<Stream> beneath, const TlsClientContext& context,
                   std::string_view name, Duration limit, Met& met) {
  TlsOptions options;
  options.context = &context;
  options.handshake_timeout = limit;
  options.peer = &met.seen_by_client;
  met.client = co_await attempt(TlsStream::client(std::move(beneath), name, options));
}

Task<> meet_client(std::unique_ptr<Stream> beneath, const TlsServerContext& context, Duration limit,
                   Met& met) {
  TlsServerOptions options;
  options.handshake_timeout = limit;
  options.peer = &met.seen_by_server;
  met.server = co_await attempt(TlsStream::server(std::move(beneath), context, options));
}

}  // namespace

Task<Met> try_tls(std::unique_ptr<Stream> client, std::unique_ptr<Stream> server,
                  const TlsClientContext& client_context, const TlsServerContext& server_context,
                  std::string_view name, Duration limit) {
  Met met;
  auto body = [&](Group& group) -> Task<> {
    group.start(meet_server(std::move(client), client_context, name, limit, met));
    group.start(meet_client(std::move(server), server_context, limit, met));
    co_return;
  };
  co_await with_group(body);
  co_return met;
}

Task<Met> try_tls(const TlsClientContext& client_context, const TlsServerContext& server_context,
                  std::string_view name) {
  Pair pair = co_await connected();
  Met met = co_await try_tls(on_heap(std::move(pair.client)), on_heap(std::move(pair.server)),
                             client_context, server_context, name);
  co_return met;
}

Task<TlsPair> tls_over(std::unique_ptr<Stream> client, std::unique_ptr<Stream> server,
                       const TlsClientContext& client_context,
                       const TlsServerContext& server_context, std::string_view name) {
  Met met =
      co_await try_tls(std::move(client), std::move(server), client_context, server_context, name);
  if (!met.client) co_return fail(met.client.error());
  if (!met.server) co_return fail(met.server.error());
  TlsPair pair{*std::move(met.client), *std::move(met.server)};
  co_return pair;
}

Task<TlsPair> tls_over(Pair pair, const TlsClientContext& client_context,
                       const TlsServerContext& server_context, std::string_view name) {
  TlsPair made = co_await tls_over(on_heap(std::move(pair.client)), on_heap(std::move(pair.server)),
                                   client_context, server_context, name);
  co_return made;
}

Task<TlsPair> tls_pair(Transport transport, TlsVersion version) {
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  expect_good(server.set_versions(version, version));
  Pair pair = co_await connected(transport);
  TlsPair made = co_await tls_over(std::move(pair), client, server);
  co_return made;
}

}  // namespace ieum::test
