// A test of one's own server on a simulated network: three clients count with it through a
// partition, and not a count is lost or made twice, with any of 10,000 seeds.
//
//   partition_test           runs the seeds from 1 to 10,000
//   IEUM_SEED=7 partition_test    replays one
//
// docs/simulation.md goes through it.
#include <cstdio>
#include <set>
#include <string>

#include <ieum/ieum.hpp>
#include <ieum/sim_network.hpp>

using namespace ieum;
using namespace std::chrono_literals;

namespace {

// ---- The program: a server that counts, and a client that does not give up ----------------------

using Counted = std::set<std::string>;  // outlives a crash, as a disk does

Task<> count_lines(StreamSocket peer, Counted& counted) {
  std::string buffer;
  while (const std::size_t end = co_await peer.read_until(buffer, "\n", 1000)) {
    counted.insert(buffer.substr(0, end));
    buffer.erase(0, end);
    co_await peer.write_all("ok\n");
  }
}

Task<> serve_counts(Counted& counted) {
  Listener listener = co_await Listener::bind("*:7000");
  auto handler = [&](StreamSocket peer) { return count_lines(std::move(peer), counted); };
  co_await serve(std::move(listener), handler);
}

Task<> send_once(std::string line) {
  StreamSocket socket = co_await StreamSocket::connect("server:7000");
  co_await socket.write_all(line);
  std::string answer(3, '\0');
  co_await socket.read_exact(std::as_writable_bytes(std::span(answer)));
}

Task<> send_until_counted(std::string name) {
  for (int i = 0; i < 5; ++i) {
    const std::string line = name + " " + std::to_string(i) + "\n";
    for (;;) {
      const Result<> sent = co_await attempt(with_timeout(1s, send_once(line)));
      if (sent) break;
      co_await sleep(100ms);
    }
  }
}

// ---- The test -----------------------------------------------------------------------------------

bool all_is_counted(std::uint64_t seed) {
  Counted counted;
  SimNetwork net{seed};
  LinkOptions link;
  link.latency = 5ms;
  link.loss = 0.05;
  net.set_links(link);
  SimHost& server = net.add_host("server");
  server.start_background(serve_counts(counted));
  for (const std::string name : {"anna", "bela", "cleo"}) {
    SimHost& client = net.add_host(name);
    client.start(send_until_counted(name));
    net.at(Duration(net.random().between(0, 100'000'000)), [&] { net.partition(client, server); });
    net.at(2s, [&] { net.heal(client, server); });
  }
  net.at(Duration(net.random().between(0, 100'000'000)), [&] {
    server.restart();
    server.start_background(serve_counts(counted));
  });
  const Result<> result = net.run();
  if (result && counted.size() == 15) return true;
  std::printf("seed %llu: %zu of 15 counted; %s\n", static_cast<unsigned long long>(seed),
              counted.size(), result ? "all were content" : result.error().to_string().c_str());
  return false;
}

}  // namespace

int main() {
  std::uint64_t lost = 0;
  const std::vector<std::uint64_t> seeds = sim_seeds(10'000);
  for (const std::uint64_t seed : seeds) lost += all_is_counted(seed) ? 0 : 1;
  std::printf("%zu seeds, %llu with a loss\n", seeds.size(), static_cast<unsigned long long>(lost));
  return lost == 0 ? 0 : 1;
}
