// Streams over links that lose, duplicate, reorder and corrupt, through partitions, resets and
// crashes: whatever comes is a prefix of what was sent, and an end is an end.
#include <optional>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

// ---- All arrives --------------------------------------------------------------------------------

Task<> talk(std::string to, std::size_t bytes, std::uint64_t seed, bool* begun = nullptr) {
  StreamSocket socket = co_await StreamSocket::connect(to);
  co_await expect_echo(socket, "hello");
  if (begun != nullptr) *begun = true;
  const std::string text = random_text(bytes, seed);
  co_await expect_echo(socket, text);
  co_await socket.shutdown_write();
  const std::string rest = co_await read_to_end(socket);
  EXPECT_EQ(rest, "");
}

FAULT_TEST(Streams, arrive_whole_over_any_link) {
  SimRandom& random = net.random();
  net.set_links(random_link(random));
  SimHost& server = net.add_host("server");
  server.set_faults(random_faults(random));
  server.start_background(serve_echo(7));
  const std::uint64_t clients = 1 + random.below(3);
  for (std::uint64_t i = 0; i < clients; ++i) {
    SimHost& client = net.add_host("client" + std::to_string(i));
    client.set_faults(random_faults(random));
    const std::size_t bytes = random.below(20'000);
    const std::uint64_t seed = random();
    client.start(talk("server:7", bytes, seed));
  }
  expect_success(net, net.run());
}

FAULT_TEST(Streams, survive_a_partition_that_heals) {
  SimRandom& random = net.random();
  net.set_links(random_link(random));
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  server.start_background(serve_echo(7));
  bool begun = false;
  const EndsFirst end(net);
  client.start(talk("server:7", 50'000, random(), &begun));
  // Not in the handshake: a server gives that up after a minute.
  ASSERT_TRUE(net.run_until([&] { return begun; }));
  const Duration begin = net.now() + Duration(random.between(0, 500'000'000));
  const Duration length(random.between(0, 30'000'000'000));
  const std::uint64_t way = random.below(3);
  net.at(begin, [&, way] {
    if (way == 0) net.partition(server, client);
    if (way == 1) net.partition_one_way(server, client);
    if (way == 2) net.partition_one_way(client, server);
  });
  net.at(begin + length, [&] { net.heal(server, client); });
  expect_success(net, net.run());
}

FAULT_TEST(Streams, go_both_ways_at_once_within_a_host_too) {
  SimRandom& random = net.random();
  SimHost& host = net.add_host("host");
  host.set_faults(random_faults(random));
  const std::size_t bytes = random.below(100'000);
  const std::uint64_t seed = random();
  host.start_background(serve_echo(7));
  host.start(talk("localhost:7", bytes, seed));
  auto over_unix = [](std::size_t count, std::uint64_t from) -> Task<> {
    Listener listener = co_await Listener::bind("unix:/run/echo");
    auto body = [&](Group& group) -> Task<> {
      StreamSocket client = co_await StreamSocket::connect(listener.address());
      StreamSocket accepted = co_await listener.accept();
      group.start(echo(std::move(accepted)));
      const std::string text = random_text(count, from);
      co_await expect_echo(client, text);
    };
    co_await with_group(body);
  };
  host.start(over_unix(bytes, seed));
  expect_success(net, net.run());
}

Task<> write_and_end(StreamSocket& to, std::string text) {
  co_await to.write_all(text);
  co_await to.shutdown_write();
}

Task<> receive_into(StreamSocket& from, std::string& got) {
  while (Lease data = co_await from.receive()) got += data.text();
}

/// Its first receive waits for a buffer, while the socket is full and its writer waits for room.
Task<> receive_when_buffers_are_free(StreamSocket& from, Lease first, Lease second,
                                     std::string& got) {
  co_await sleep(1ms);
  co_await with_group([&](Group& group) -> Task<> {
    group.start(receive_into(from, got));
    co_await sleep(1ms);
    first.reset();
    second.reset();
  });
}

TEST(SimStreams, a_receive_that_waited_for_a_buffer_gets_what_a_writer_could_not_write_yet) {
  SimNetwork net(1);
  SimHost& host = net.add_host("host", {.receive_buffers_max = 2});
  auto scenario = []() -> Task<> {
    auto [holder, filler] = co_await StreamSocket::pair();
    auto [reader, writer] = co_await StreamSocket::pair();
    co_await writer.set_option(SocketOption::so_sndbuf, 8192);
    co_await filler.write_all("x");
    Lease first = co_await holder.receive();
    co_await filler.write_all("y");
    Lease second = co_await holder.receive();
    const std::string text = random_text(1'000'000, 1);
    std::string got;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(write_and_end(writer, text));
      co_await receive_when_buffers_are_free(reader, std::move(first), std::move(second), got);
    });
    EXPECT_TRUE(got == text) << got.size();
  };
  host.start(scenario());
  expect_success(net, net.run());
}

// ---- Or a prefix, and a failure -----------------------------------------------------------------

/// What a reader got, and how it ended: 0 is the peer's end.
struct Ending {
  std::string text;
  std::optional<Error> error;
  bool ended = false;
};

Task<> read_until_it_ends(std::string from, Ending& ending) {
  StreamSocket socket = co_await StreamSocket::connect(from);
  co_await socket.set_option(SocketOption::so_keepalive, 1);
  co_await socket.set_option(SocketOption::tcp_keepidle, 5);
  co_await socket.set_option(SocketOption::tcp_keepintvl, 1);
  co_await socket.set_option(SocketOption::tcp_keepcnt, 3);
  for (;;) {
    Result<Lease> data = co_await attempt(socket.receive());
    if (!data) {
      ending.error = data.error();
      break;
    }
    if (data->empty()) break;
    ending.text += data->text();
  }
  ending.ended = true;
}

Task<> serve_text(std::string text) {
  Listener listener = co_await Listener::bind("*:7");
  auto handler = [&text](StreamSocket peer) -> Task<> {
    co_await peer.write_all(text);
    co_await peer.close();
  };
  co_await serve(std::move(listener), handler);
}

FAULT_TEST(Streams, a_crash_is_never_an_orderly_end) {
  SimRandom& random = net.random();
  LinkOptions link = random_link(random);
  link.bandwidth = 100'000;
  net.set_links(link);
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  const std::string text = random_text(200'000, random());
  Ending ending;
  const EndsFirst end(net);
  server.start_background(serve_text(text));
  client.start(read_until_it_ends("server:7", ending));
  const Duration when = 1s + Duration(random.between(0, 2'000'000'000));
  const bool comes_back = random.below(2) == 0;
  const Duration down(random.between(0, 20'000'000'000));
  net.at(when, [&] { server.crash(); });
  if (comes_back) net.at(when + down, [&] { server.restart(); });
  const Result<> result = net.run();
  if (!ending.ended) {  // it had not even connected
    ASSERT_FALSE(result);
    return;
  }
  expect_success(net, result);
  EXPECT_TRUE(text.starts_with(ending.text)) << "what came is not what was sent";
  if (ending.text.size() < text.size()) {
    ASSERT_TRUE(ending.error) << "cut off after " << ending.text.size() << " bytes, as an end";
    EXPECT_TRUE(*ending.error == std::errc::timed_out ||
                *ending.error == std::errc::connection_reset)
        << ending.error->to_string();
  }
}

FAULT_TEST(Streams, a_reset_is_never_an_orderly_end) {
  SimRandom& random = net.random();
  net.set_links(random_link(random));
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  const std::string text = random_text(100'000, random());
  const std::size_t until = random.below(text.size());
  auto serve_and_reset = [](std::string part) -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    auto handler = [&part](StreamSocket peer) -> Task<> {
      co_await peer.write_all(part);
      co_await peer.reset();
    };
    co_await serve(std::move(listener), handler);
  };
  Ending ending;
  const EndsFirst end(net);
  server.start_background(serve_and_reset(text.substr(0, until)));
  client.start(read_until_it_ends("server:7", ending));
  const Result<> result = net.run();
  if (!ending.ended) {  // the handshake's end was lost, and the reset came instead
    ASSERT_FALSE(result);
    return;
  }
  expect_success(net, result);
  EXPECT_TRUE(text.starts_with(ending.text));
  EXPECT_LE(ending.text.size(), until);
  ASSERT_TRUE(ending.error) << "an end after " << ending.text.size() << " bytes";
}

}  // namespace
}  // namespace ieum::test
