// What the tests of TLS share: contexts, and pairs of sessions.
#pragma once

#include <memory>
#include <string>

#include <ieum/tls_stream.hpp>

#include "conformance/conformance.hpp"
#include "tls/authority.hpp"

namespace ieum::test {

/// Aborts with the error's sentence if there is none.
template <class T>
T expect_value(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().to_string();
    std::abort();
  }
  return *std::move(result);
}
inline void expect_good(const Result<>& result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().to_string());
}

/// A client's that trusts the tests' authority only; a server's with a certificate by it.
TlsClientContext client_context();
TlsServerContext server_context();

struct TlsPair {
  TlsStream client;
  TlsStream server;
};
/// Both sides' handshakes over a connected pair, at once.
Task<TlsPair> tls_over(std::unique_ptr<Stream> client, std::unique_ptr<Stream> server,
                       const TlsClientContext& client_context,
                       const TlsServerContext& server_context,
                       std::string_view name = "server.test");
Task<TlsPair> tls_over(Pair pair, const TlsClientContext& client_context,
                       const TlsServerContext& server_context,
                       std::string_view name = "server.test");
/// The same with contexts made for it.
Task<TlsPair> tls_pair(Transport transport = Transport::ipv4,
                       TlsVersion version = TlsVersion::tls13);

/// Lets others run until `condition()`.
template <class Condition>
Task<> until(Condition condition) {
  while (!condition()) co_await sleep(std::chrono::microseconds(100));
}

/// How both sides' handshakes ended.
struct Met {
  Result<TlsStream> client = fail(std::errc::io_error, "not set");
  Result<TlsStream> server = fail(std::errc::io_error, "not set");
  TlsPeer seen_by_client;
  TlsPeer seen_by_server;
};
Task<Met> try_tls(std::unique_ptr<Stream> client, std::unique_ptr<Stream> server,
                  const TlsClientContext& client_context, const TlsServerContext& server_context,
                  std::string_view name = "server.test", Duration limit = patience);
Task<Met> try_tls(const TlsClientContext& client_context, const TlsServerContext& server_context,
                  std::string_view name = "server.test");

}  // namespace ieum::test
