// What TLS costs on this library, beside OpenSSL alone: both ends in one thread, over a pair of
// Unix sockets. The time is that of both ends.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
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

/// By itself.
X509* certificate_of(EVP_PKEY* key) {
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  must(X509_sign(certificate, key, EVP_sha256()) > 0, "sign");
  return certificate;
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

// ---- An echo beside handshakes with an RSA key
// ---------------------------------------------------

/// A key of RSA with a certificate by itself, in files.
struct RsaFiles {
  std::string certificate = make("/tmp/ieum-bench-XXXXXX");
  std::string key = make("/tmp/ieum-bench-XXXXXX");
  RsaFiles() {
    EVP_PKEY* const made = EVP_RSA_gen(2048);
    X509* const signed_by_itself = certificate_of(made);
    write(certificate, [&](BIO* file) { return PEM_write_bio_X509(file, signed_by_itself); });
    write(key, [&](BIO* file) {
      return PEM_write_bio_PrivateKey(file, made, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(signed_by_itself);
    EVP_PKEY_free(made);
  }
  RsaFiles(const RsaFiles&) = delete;
  RsaFiles& operator=(const RsaFiles&) = delete;
  ~RsaFiles() {
    ::unlink(certificate.c_str());
    ::unlink(key.c_str());
  }

 private:
  static std::string make(std::string name) {
    const int descriptor = ::mkstemp(name.data());
    must(descriptor >= 0, "mkstemp");
    ::close(descriptor);
    return name;
  }
  template <class Write>
  static void write(const std::string& path, Write write_to) {
    BIO* const file = BIO_new_file(path.c_str(), "w");
    must(file != nullptr && write_to(file) == 1, "write a file");
    BIO_free(file);
  }
};

/// Whoever looks on has all steps of the handshake on the loop's own thread.
struct Nobody final : TlsObserver {
  void message(const TlsMessage& /*message*/) override {}
};

struct Flood {
  RsaFiles files;
  TlsServerContext rsa = must(TlsServerContext::load(files.certificate, files.key));
  std::atomic<bool> is_over{false};
  std::atomic<int> handshakes{0};
  std::atomic<std::uint16_t> port{0};
};

Task<> serve_echo(StreamSocket socket, const Flood& flood, bool on_loop) {
  Nobody nobody;
  TlsServerOptions options;
  if (on_loop) options.observer = &nobody;
  TlsStream client = co_await TlsStream::server(std::move(socket), flood.rsa, options);
  while (Lease data = co_await client.receive()) co_await client.write_all(data);
  co_await client.close();
}

Task<> serve_flood(Flood& flood, bool on_loop) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  flood.port = listener.address().port();
  auto handler = [&](StreamSocket socket) { return serve_echo(std::move(socket), flood, on_loop); };
  Server server(std::move(listener), handler);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    while (!flood.is_over) co_await sleep(std::chrono::milliseconds(10));
    static_cast<void>(co_await server.drain(std::chrono::seconds(1)));
  };
  co_await with_group(body);
}

Task<TlsStream> connect_to(const Flood& flood) {
  TlsOptions options;
  options.context = &contexts().client;
  TlsStream stream =
      co_await TlsStream::connect("127.0.0.1:" + std::to_string(flood.port.load()), options);
  co_return stream;
}

Task<> shake_hands(Flood& flood) {
  while (!flood.is_over) {
    TlsStream stream = co_await connect_to(flood);
    co_await stream.close();
    ++flood.handshakes;
  }
}

Task<> flood_with_handshakes(Flood& flood) {
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 3; ++i) group.start(shake_hands(flood));
    co_return;
  };
  co_await with_group(body);
}

Task<> measure_echoes(Flood& flood, std::vector<double>& microseconds) {
  using Clock = std::chrono::steady_clock;
  std::array<std::byte, 64> data{};
  TlsStream stream = co_await connect_to(flood);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(3);
  while (Clock::now() < end) {
    const Clock::time_point began = Clock::now();
    co_await stream.write_all(data);
    co_await read_all(stream, data);
    microseconds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
    co_await sleep(std::chrono::microseconds(200));
  }
  co_await stream.close();
}

/// The latency of an echo while three clients shake hands all the time, with the server's steps
/// that sign on the pool of threads (0), or on its loop (1).
void echo_beside_rsa(benchmark::State& state) {
  const bool on_loop = state.range(0) == 1;
  for (auto _ : state) {
    Flood flood;
    std::vector<double> all;
    std::thread serving([&] { must(run(serve_flood(flood, on_loop)).has_value(), "serve"); });
    while (flood.port == 0) std::this_thread::yield();
    std::thread flooding([&] { must(run(flood_with_handshakes(flood)).has_value(), "flood"); });
    must(run(measure_echoes(flood, all)).has_value(), "echo");
    flood.is_over = true;
    flooding.join();
    serving.join();
    std::ranges::sort(all);
    const auto quantile = [&](double of) {
      return all[static_cast<std::size_t>(of * static_cast<double>(all.size() - 1))];
    };
    state.counters["handshakes"] = flood.handshakes.load();
    state.counters["p50_us"] = quantile(0.5);
    state.counters["p99_us"] = quantile(0.99);
    state.counters["max_us"] = quantile(1);
  }
}
BENCHMARK(echo_beside_rsa)
    ->Arg(0)
    ->Arg(1)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// ---- Memory
// --------------------------------------------------------------------------------------

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
    X509* const certificate = certificate_of(key);
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
