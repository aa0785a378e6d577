// Each operation fails once: the first, then the second, until all goes well. Whatever fails, its
// error is told, nothing hangs, and nothing is left.
#include "fault/fault.hpp"

namespace ieum::test {
namespace {

/// What an injected failure is told as, or leads to.
bool is_told(const Error& error) {
  for (const std::errc code :
       {std::errc::too_many_files_open, std::errc::connection_refused, std::errc::no_buffer_space,
        std::errc::connection_reset, std::errc::broken_pipe, std::errc::not_connected}) {
    if (error == code) return true;
  }
  return error == Errc::end_of_stream || error == std::errc::timed_out;
}

Task<> talk_twice() {
  StreamSocket socket = co_await StreamSocket::connect("10.0.0.1:7");
  co_await expect_echo(socket, "hello");
  co_await expect_echo(socket, "and goodbye");
  co_await socket.shutdown_write();
  const std::string rest = co_await read_to_end(socket);
  EXPECT_EQ(rest, "");
}

struct Told {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
};

void expect_told(Told& told, const Result<>& server, const Result<>& client) {
  ++told.runs;
  if (!server || !client) ++told.failures;
  for (const Result<>* result : {&server, &client}) {
    if (!*result) {
      EXPECT_TRUE(is_told(result->error())) << result->error().to_string();
    }
  }
}

Task<> record(Task<> task, Result<>& result, bool& done) {
  result = co_await attempt(std::move(task));
  done = true;
}

Task<> serve_one_echo() {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
  co_await echo(std::move(peer));
}

/// A client that fails to connect leaves the server waiting: it is given a minute.
void echo_once(SimNetwork& net, Told& told) {
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  Result<> of_server;
  Result<> of_client;
  bool server_done = false;
  bool client_done = false;
  const EndsFirst end(net);
  auto limited = [](Task<> task) -> Task<> { co_await with_timeout(1min, std::move(task)); };
  server.start(record(limited(serve_one_echo()), of_server, server_done));
  client.start(record(limited(talk_twice()), of_client, client_done));
  expect_success(net, net.run());
  EXPECT_TRUE(server_done && client_done);
  expect_told(told, of_server, of_client);
}

TEST(EachPoint, of_the_echo_server) {
  Told told;
  const std::uint64_t points =
      fail_at_each_point(1, [&](SimNetwork& net) { echo_once(net, told); });
  EXPECT_GT(points, 10U);
  EXPECT_EQ(told.runs, points);
  // Every failed operation is somebody's error, but for the last run, which goes well.
  EXPECT_EQ(told.failures, points - 1);
}

TEST(EachPoint, of_connecting_by_a_name) {
  std::uint64_t connected = 0;
  auto connect = [](std::uint64_t& count) -> Task<> {
    const Result<StreamSocket> socket =
        co_await attempt(with_timeout(10s, StreamSocket::connect("server:7")));
    if (socket) {
      ++count;
    } else {
      EXPECT_TRUE(is_told(socket.error())) << socket.error().to_string();
      EXPECT_NE(socket.error(), std::errc::timed_out);
    }
  };
  std::uint64_t served = 0;
  const std::uint64_t points = fail_at_each_point(1, [&](SimNetwork& net) {
    Result<> of_server;
    bool done = false;
    const EndsFirst end(net);
    SimHost& server = net.add_host("server");
    SimHost& client = net.add_host("client");
    server.start_background(record(serve_echo(7), of_server, done));
    net.run_for(1ms);
    if (done) return;  // it could not listen
    ++served;
    client.start(connect(connected));
    expect_success(net, net.run());
  });
  EXPECT_GT(points, 3U);
  // The client's own failures are made good by the address of the other family.
  EXPECT_EQ(connected, served);
}

struct DrainOfPoints {
  DrainReport report;
  std::uint64_t accepted = 0;
  std::size_t ended = 0;
};

Task<> serve_and_drain(DrainOfPoints& drain) {
  Listener listener = co_await Listener::bind("*:7");
  Server server(std::move(listener), echo);
  server.on_session_end([&drain](const SessionEnd& end) {
    ++drain.ended;
    if (end.error != nullptr) {
      EXPECT_TRUE(is_told(*end.error)) << end.error->to_string();
    }
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await sleep(1s);
    drain.report = co_await server.drain(1s);
  };
  co_await with_group(body);
  drain.accepted = server.counters().accepted;
}

TEST(EachPoint, of_a_server_that_drains) {
  const std::uint64_t points = fail_at_each_point(1, [](SimNetwork& net) {
    SimHost& server = net.add_host("server");
    DrainOfPoints drain;
    Result<> of_server;
    std::array<Result<>, 3> of_clients;
    std::array<bool, 4> done{};
    const EndsFirst end(net);
    server.start(record(serve_and_drain(drain), of_server, done[3]));
    for (std::size_t i = 0; i < of_clients.size(); ++i) {
      SimHost& client = net.add_host("client" + std::to_string(i));
      auto limited = [](Task<> task) -> Task<> { co_await with_timeout(1min, std::move(task)); };
      client.start(record(limited(talk_twice()), of_clients[i], done[i]));
    }
    expect_success(net, net.run());
    for (const bool one : done) EXPECT_TRUE(one);
    EXPECT_EQ(drain.ended, drain.accepted);
    std::size_t failed = of_server ? 0 : 1;
    for (const Result<>& result : of_clients) failed += result ? 0 : 1;
    // Only who was hit fails, or whom a server without a listener could not serve.
    EXPECT_LE(failed, of_server ? 1U : 4U);
  });
  EXPECT_GT(points, 30U);
}

// ---- Short reads and writes ---------------------------------------------------------------------

TEST(EachLength, of_reads_and_writes_gives_the_same) {
  const std::string text = random_text(500, 1);
  auto talk = [](std::string_view all) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    std::size_t written = 0;
    std::string got;
    std::array<std::byte, 1000> buffer;
    while (written < all.size()) {
      const std::size_t count = co_await socket.write_some(bytes_of(all.substr(written)));
      EXPECT_GT(count, 0U);
      written += count;
    }
    while (got.size() < all.size()) {
      const std::size_t count = co_await socket.read_some(buffer);
      CO_ASSERT(count > 0);
      got.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    EXPECT_EQ(got, all);
  };
  for (std::size_t length = 1; length <= text.size(); length += length < 20 ? 1 : 37) {
    for (const bool reads : {true, false}) {
      SimNetwork net{length};
      SimFaults faults;
      (reads ? faults.read_bytes_max : faults.write_bytes_max) = length;
      SimHost& server = net.add_host("server");
      SimHost& client = net.add_host("client");
      server.set_faults(faults);
      client.set_faults(faults);
      server.start_background(serve_echo(7));
      client.start(talk(text));
      expect_success(net, net.run());
    }
  }
}

}  // namespace
}  // namespace ieum::test
