// What TLS costs on this library, beside OpenSSL alone: both ends in one thread, over a pair of
// Unix sockets. The time is that of both ends.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include <ieum/ieum.hpp>
#include <ieum/tls_stream.hpp>

namespace {

using namespace ieum;

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << result.error().to_string() << "\n";
    std::abort();
  }
  return *std::move(result);
}
void must(bool good, const char* what) {
  if (good) return;
  std::cerr << what << "\n";
  std::abort();
}

// ---- On this library ---------------------------------------------------------------------------

struct Contexts {
  TlsClientContext client = must(TlsClientContext::create_without_roots());
  TlsServerContext server = must(TlsServerContext::self_signed("server.test"));
  Contexts() {
    client.verify_nothing();
    client.resume_nothing();
  }
};
Contexts& contexts() {
  static auto& made = *new Contexts;  // OpenSSL may go before it would
  return made;
}

struct Ends {
  TlsStream client;
  TlsStream server;
};

Task<> accept_one(StreamSocket socket, TlsStream& into) {
  into = co_await TlsStream::server(std::move(socket), contexts().server);
}

Task<Ends> meet() {
  auto sockets = co_await StreamSocket::pair();
  Ends ends;
  TlsOptions options;
  options.context = &contexts().client;
  auto body = [&](Group& group) -> Task<> {
    group.start(accept_one(std::move(sockets.second), ends.server));
    ends.client = co_await TlsStream::client(std::move(sockets.first), "server.test", options);
  };
  co_await with_group(body);
  co_return ends;
}

Task<> read_all(TlsStream& from, std::span<std::byte> into) {
  while (!into.empty()) {
    const std::size_t count = co_await from.read_some(into);
    into = into.subspan(count);
  }
}

Task<> echo_rounds(Ends& ends, std::span<std::byte> data, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    co_await ends.client.write_all(data);
    co_await read_all(ends.server, data);
    co_await ends.server.write_all(data);
    co_await read_all(ends.client, data);
  }
}

/// Waits for what does not come.
Task<> wait_in_vain(TlsStream& from) {
  const Result<Lease> nothing =
      co_await attempt(with_timeout(std::chrono::microseconds(1), from.receive()));
  must(!nothing, "something came");
}

constexpr int rounds = 100;

void echo(benchmark::State& state) {
  std::vector<std::byte> data(static_cast<std::size_t>(state.range(0)));
  Ends ends = must(run(meet()));
  for (auto _ : state) {
    if (!run(echo_rounds(ends, data, rounds))) state.SkipWithError("it failed");
  }
  state.SetBytesProcessed(state.iterations() * rounds * 2 * state.range(0));
}
BENCHMARK(echo)->Arg(64)->Arg(16'384)->Unit(benchmark::kMicrosecond);

void handshake(benchmark::State& state) {
  for (auto _ : state) {
    if (!run(meet())) state.SkipWithError("it failed");
  }
}
BENCHMARK(handshake)->Unit(benchmark::kMicrosecond);

/// Of a session, both ends, that has talked and is silent.
void idle_memory(benchmark::State& state) {
  constexpr int count = 200;
  std::vector<std::byte> data(16'384);
  for (auto _ : state) {
    std::vector<Ends> all;
    all.reserve(count);
    Ends warm = must(run(meet()));
    static_cast<void>(run(echo_rounds(warm, data, 1)));
    const std::size_t before = ::mallinfo2().uordblks;
    for (int i = 0; i < count; ++i) {
      all.push_back(must(run(meet())));
      static_cast<void>(run(echo_rounds(all.back(), data, 1)));
      static_cast<void>(run(wait_in_vain(all.back().client)));
      static_cast<void>(run(wait_in_vain(all.back().server)));
    }
    const std::size_t after = ::mallinfo2().uordblks;
    state.counters["bytes_per_end"] = static_cast<double>(after - before) / (2.0 * count);
  }
}
BENCHMARK(idle_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

// ---- OpenSSL alone -----------------------------------------------------------------------------

struct RawContexts {
  SSL_CTX* client = SSL_CTX_new(TLS_client_method());
  SSL_CTX* server = SSL_CTX_new(TLS_server_method());
  RawContexts() {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
    X509_set_pubkey(certificate, key);
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "sign");
    must(SSL_CTX_use_certificate(server, certificate) == 1, "certificate");
    must(SSL_CTX_use_PrivateKey(server, key) == 1, "key");
    for (SSL_CTX* context : {client, server}) {
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
      SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
    SSL_CTX_set_num_tickets(server, 0);
  }
};
RawContexts& raw_contexts() {
  static auto& made = *new RawContexts;
  return made;
}

struct RawEnds {
  std::array<int, 2> sockets{};
  SSL* client = SSL_new(raw_contexts().client);
  SSL* server = SSL_new(raw_contexts().server);
  RawEnds() {
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()) == 0,
         "socketpair");
    SSL_set_fd(client, sockets[0]);
    SSL_set_fd(server, sockets[1]);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int left = 2; left > 0;) {
      left = 0;
      if (SSL_do_handshake(client) != 1) ++left;
      if (SSL_do_handshake(server) != 1) ++left;
    }
  }
  RawEnds(const RawEnds&) = delete;
  RawEnds& operator=(const RawEnds&) = delete;
  ~RawEnds() {
    SSL_free(client);
    SSL_free(server);
    for (const int socket : sockets) ::close(socket);
  }
};

void raw_write(SSL* to, std::span<const std::byte> data) {
  std::size_t count = 0;
  must(SSL_write_ex(to, data.data(), data.size(), &count) == 1, "write");
}
void raw_read(SSL* from, std::span<std::byte> into) {
  while (!into.empty()) {
    std::size_t count = 0;
    if (SSL_read_ex(from, into.data(), into.size(), &count) != 1) continue;
    into = into.subspan(count);
  }
}

void raw_echo(benchmark::State& state) {
  std::vector<std::byte> data(static_cast<std::size_t>(state.range(0)));
  const RawEnds ends;
  for (auto _ : state) {
    for (int i = 0; i < rounds; ++i) {
      raw_write(ends.client, data);
      raw_read(ends.server, data);
      raw_write(ends.server, data);
      raw_read(ends.client, data);
    }
  }
  state.SetBytesProcessed(state.iterations() * rounds * 2 * state.range(0));
}
BENCHMARK(raw_echo)->Arg(64)->Arg(16'384)->Unit(benchmark::kMicrosecond);

void raw_handshake(benchmark::State& state) {
  for (auto _ : state) {
    const RawEnds ends;
    benchmark::DoNotOptimize(&ends);
  }
}
BENCHMARK(raw_handshake)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
