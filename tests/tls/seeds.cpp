// TLS over simulated networks that lose, delay and cut: what arrives is right, and an end is an
// end.
#include <random>

#include <ieum/sim_network.hpp>

#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

struct Upload {
  std::string sent;
  std::string got;
  bool client_was_told_good = false;
  bool server_saw_the_end = false;
  int errors = 0;
};

Task<> receive_upload(StreamSocket socket, const TlsServerContext& context, Upload& upload) {
  TlsServerOptions options;
  options.handshake_timeout = 60s;
  TlsStream stream = co_await TlsStream::server(std::move(socket), context, options);
  while (Lease data = co_await with_timeout(60s, stream.receive())) upload.got += data.text();
  upload.server_saw_the_end = true;
  co_await stream.write_all("thanks");
  co_await stream.shutdown_write();
  co_await stream.close();
}

Task<> serve_one(const TlsServerContext& context, Upload& upload) {
  Listener listener = co_await Listener::bind("0.0.0.0:443");
  StreamSocket socket = co_await with_timeout(100s, listener.accept());
  co_await receive_upload(std::move(socket), context, upload);
}

Task<> send_upload(const TlsClientContext& context, Upload& upload) {
  TlsOptions options;
  options.context = &context;
  options.handshake_timeout = 60s;
  StreamSocket socket = co_await with_timeout(60s, StreamSocket::connect("server", 443));
  TlsStream stream = co_await TlsStream::client(std::move(socket), "server.test", options);
  ConstBuffer left = bytes_of(upload.sent);
  while (!left.empty()) {
    const ConstBuffer piece = left.first(std::min<std::size_t>(left.size(), 10'000));
    co_await with_timeout(60s, stream.write_all(piece));
    left = left.subspan(piece.size());
  }
  co_await with_timeout(60s, stream.shutdown_write());
  const std::string thanks = co_await with_timeout(60s, read_to_end(stream));
  upload.client_was_told_good = thanks == "thanks";
  co_await stream.close();
}

Task<> count_error(Task<> task, Upload& upload) {
  const Result<> done = co_await attempt(std::move(task));
  if (!done) ++upload.errors;
}

/// What must hold of every network.
void run_seed(std::uint64_t seed, const TlsClientContext& client, const TlsServerContext& server) {
  std::mt19937_64 random(seed);
  SimNetwork net{seed};
  SimHost& server_host = net.add_host("server");
  SimHost& client_host = net.add_host("client");
  LinkOptions link;
  link.latency = std::chrono::milliseconds(1 + random() % 50);
  link.jitter = std::chrono::milliseconds(random() % 20);
  link.loss = static_cast<double>(random() % 100) / 1000;
  net.set_link(server_host, client_host, link);
  Upload upload;
  upload.sent = std::string(1 + random() % 200'000, 'a');
  for (char& letter : upload.sent) letter = static_cast<char>('a' + random() % 26);
  const bool is_cut = random() % 2 == 0;
  if (is_cut) {
    SimHost& victim = random() % 2 == 0 ? server_host : client_host;
    net.at(std::chrono::milliseconds(random() % 2000), [&victim] { victim.crash(); });
  }
  server_host.start(count_error(serve_one(server, upload), upload));
  client_host.start(count_error(send_upload(client, upload), upload));
  static_cast<void>(net.run());
  EXPECT_TRUE(upload.sent.starts_with(upload.got)) << "seed " << seed;
  if (upload.server_saw_the_end || upload.client_was_told_good) {
    EXPECT_EQ(upload.got, upload.sent) << "seed " << seed;
  }
  if (!is_cut) {
    EXPECT_TRUE(upload.client_was_told_good) << "seed " << seed;
    EXPECT_EQ(upload.errors, 0) << "seed " << seed;
  }
}

TEST(TlsSeeds, whatever_the_network_does_what_arrives_is_right) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  const int count = long_form() ? 1000 : sanitized ? 15 : 60;
  for (int i = 0; i < count; ++i) run_seed(seed() + static_cast<std::uint64_t>(i), client, server);
}

}  // namespace
}  // namespace ieum::test
