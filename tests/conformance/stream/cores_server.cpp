// A server on several cores: one port, every core in use, one drain, one sum.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

constexpr CoresServerOptions four{.cores = {.count = 4}};

CoresServer bound(Server::Handler handler, const CoresServerOptions& options = four) {
  Result<CoresServer> server = CoresServer::bind("127.0.0.1:0", std::move(handler), options);
  if (!server) {
    ADD_FAILURE() << server.error().to_string();
    std::abort();
  }
  return *std::move(server);
}

/// Serves on all cores; on the first also does `beside`.
template <class Beside>
Result<> serve_beside(CoresServer& server, Beside& beside) {
  auto body = [&](Core& core) -> Task<> {
    auto both = [&](Group& group) -> Task<> {
      group.start(server.serve(core));
      if (core.index() == 0) co_await with_timeout(patience, beside());
    };
    co_await with_group(both);
  };
  return run_on_cores(body, server.cores());
}

void expect_ended(const Result<>& result) {
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

Task<> expect_served(StreamSocket& client) {
  co_await client.write_all("hello");
  const std::string text = co_await read_text(client, 5);
  EXPECT_EQ(text, "hello");
}

/// How many cores have accepted a client.
std::size_t cores_in_use(const CoresServer& server) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < server.cores().count; ++i) {
    count += server.counters(i).accepted > 0 ? 1 : 0;
  }
  return count;
}

/// Connects clients, each served once, until more than one core is in use.
Task<> connect_until_spread(const CoresServer& server, std::vector<StreamSocket>& clients) {
  while (clients.size() < 5 || cores_in_use(server) < 2) {
    StreamSocket client = co_await StreamSocket::connect(server.address());
    co_await expect_served(client);
    clients.push_back(std::move(client));
  }
}

TEST(CoresServer, takes_clients_of_one_port_on_more_than_one_core) {
  CoresServer server = bound(echo);
  EXPECT_NE(server.address().port(), 0);
  EXPECT_EQ(server.cores().count, 4U);
  std::size_t count = 0;
  auto clients = [&]() -> Task<> {
    std::vector<StreamSocket> connected;
    co_await connect_until_spread(server, connected);
    count = connected.size();
    EXPECT_EQ(server.sessions(), count);
    for (StreamSocket& client : connected) co_await client.close();
    const DrainReport report = co_await server.drain(patience);
    EXPECT_EQ(report.cut, 0U);
  };
  expect_ended(serve_beside(server, clients));
  EXPECT_EQ(server.counters().accepted, count);
  EXPECT_EQ(server.counters().failed, 0U);
  EXPECT_EQ(server.sessions(), 0U);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += server.counters(i).accepted;
  EXPECT_EQ(sum, count);
  const Address address = server.address();
  expect_failure(std::errc::connection_refused, StreamSocket::connect(address));
}

TEST(CoresServer, drains_all_cores_with_one_report) {
  CoresServer server = bound(echo);
  auto clients = [&]() -> Task<> {
    std::vector<StreamSocket> connected;
    co_await connect_until_spread(server, connected);
    const std::size_t all = connected.size();
    auto leave = [&]() -> Task<> {  // two of them; the others are idle
      for (std::size_t i = 0; i < 2; ++i) {
        co_await expect_served(connected[i]);
        co_await connected[i].close();
      }
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(leave());
      const DrainReport report = co_await server.drain(2s);  // time for those who leave
      EXPECT_EQ(report.cut, all - 2);
      EXPECT_LE(report.finished, 2U);  // less if one left before its core had heard of the drain
    };
    co_await with_group(body);
    EXPECT_EQ(server.sessions(), 0U);
    const DrainReport again = co_await server.drain(1h);  // nobody is left
    EXPECT_EQ(again.finished + again.cut, 0U);
  };
  expect_ended(serve_beside(server, clients));
}

/// Until every core has heard that the server drains: none listens any more. How many clients some
/// core has let in meanwhile.
Task<std::size_t> connect_until_refused(const CoresServer& server) {
  for (std::size_t count = 0;; ++count) {
    co_await sleep(50ms);
    Result<StreamSocket> client = co_await attempt(StreamSocket::connect(server.address()));
    if (!client) co_return count;
    co_await client->close();
  }
}

TEST(CoresServer, reports_what_every_core_has_finished) {
  CoresServer server = bound(echo);
  auto clients = [&]() -> Task<> {
    std::vector<StreamSocket> connected;
    co_await connect_until_spread(server, connected);
    std::size_t late = 0;
    auto leave = [&]() -> Task<> {
      late = co_await connect_until_refused(server);
      for (StreamSocket& client : connected) co_await client.close();
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(leave());
      const DrainReport report = co_await server.drain(patience);
      EXPECT_GE(report.finished, connected.size());
      EXPECT_LE(report.finished, connected.size() + late);
      EXPECT_EQ(report.cut, 0U);
    };
    co_await with_group(body);
  };
  expect_ended(serve_beside(server, clients));
}

TEST(CoresServer, ends_idle_sessions_on_every_core) {
  CoresServer server = bound(echo, {.cores = {.count = 4}, .serve = {.idle_limit = 200ms}});
  auto clients = [&]() -> Task<> {
    std::vector<StreamSocket> connected;
    co_await connect_until_spread(server, connected);
    for (StreamSocket& client : connected) {
      const std::string rest = co_await read_to_end(client);
      EXPECT_EQ(rest, "");
    }
    while (server.sessions() > 0) co_await sleep(1ms);
    EXPECT_EQ(server.counters().idle, connected.size());
    EXPECT_EQ(server.counters().failed, 0U);
    StreamSocket last = co_await StreamSocket::connect(server.address());
    co_await expect_served(last);
    const DrainReport report = co_await server.drain(patience);
    EXPECT_EQ(report.idle, 1U);
    EXPECT_EQ(report.finished + report.cut, 0U);
  };
  expect_ended(serve_beside(server, clients));
}

TEST(CoresServer, drains_before_anybody_has_come) {
  CoresServer server = bound(echo);
  auto drain = [&]() -> Task<> {
    const DrainReport report = co_await server.drain(1h);
    EXPECT_EQ(report.finished, 0U);
    EXPECT_EQ(report.cut, 0U);
  };
  expect_ended(serve_beside(server, drain));
}

TEST(CoresServer, drains_on_a_signal) {
  CoresServer server = bound(echo);
  std::atomic<bool> catching = false;
  DrainReport report;
  auto body = [&](Core& core) -> Task<> {
    auto drain = [&]() -> Task<> {
      Signals signals = co_await Signals::create(SIGTERM);
      catching = true;
      const int number = co_await signals.next();
      EXPECT_EQ(number, SIGTERM);
      report = co_await server.drain(patience);
    };
    auto talk = [&]() -> Task<> {
      StreamSocket client = co_await StreamSocket::connect(server.address());
      co_await expect_served(client);
      while (!catching) co_await sleep(1ms);
      ::kill(::getpid(), SIGTERM);
      while (!Listener::bind(server.address())) co_await sleep(1ms);  // until all cores drain
      co_await expect_served(client);                                 // it may finish
      co_await client.close();
    };
    auto all = [&](Group& group) -> Task<> {
      group.start(server.serve(core));
      if (core.index() == 1) co_await drain();
      if (core.index() == 3) co_await talk();
    };
    co_await with_group(all);
  };
  expect_ended(run_on_cores(body, server.cores()));
  EXPECT_EQ(report.finished, 1U);
  EXPECT_EQ(report.cut, 0U);
}

TEST(CoresServer, a_core_that_fails_ends_all_of_them) {
  CoresServer server = bound(echo);
  auto failing = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(server.address());
    co_await expect_served(client);
    co_await fail(std::errc::no_such_device, "fail on purpose");
  };
  const Result<> result = serve_beside(server, failing);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(), "fail on purpose: no such device");
  const Address address = server.address();
  expect_failure(std::errc::connection_refused, StreamSocket::connect(address));
}

TEST(CoresServer, counts_sessions_that_fail_or_throw) {
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string what = co_await read_text(peer, 1);
    if (what == "t") throw std::runtime_error("thrown by a session");
    co_await fail(std::errc::protocol_error, "session");
  };
  CoresServer server = bound(handler);
  std::atomic<int> reported = 0;
  server.on_session_end([&reported](const SessionEnd& /*end*/) { ++reported; });
  auto clients = [&]() -> Task<> {
    for (const char* what : {"t", "f", "f", "t", "f"}) {
      StreamSocket client = co_await StreamSocket::connect(server.address());
      co_await client.write_all(std::string_view(what));
      const std::string nothing = co_await read_to_end(client);
      EXPECT_EQ(nothing, "");
    }
    co_await server.drain(patience);
  };
  expect_ended(serve_beside(server, clients));
  EXPECT_EQ(server.counters().accepted, 5U);
  EXPECT_EQ(server.counters().failed, 3U);
  EXPECT_EQ(server.counters().threw, 2U);
  EXPECT_EQ(reported, 5);
}

TEST(CoresServer, refuses_a_port_that_is_taken) {
  for (const bool shares : {false, true}) {
    auto body = [shares]() -> Task<> {
      Listener holder = co_await Listener::bind("127.0.0.1:0", {.reuse_port = shares});
      const Result<CoresServer> server = CoresServer::bind(holder.address(), echo, four);
      CO_ASSERT(!server);
      EXPECT_EQ(server.error(), std::errc::address_in_use);
      EXPECT_TRUE(server.error().to_string().starts_with("listen " + holder.address().to_string()));
      const std::optional<PortOwner> owner = co_await find_port_owner(holder.address());
      CO_ASSERT(owner);
      EXPECT_EQ(owner->to_string(), held_by(::getpid()));
      // Those who say so may share it.
      const Result<CoresServer> sharing = CoresServer::bind(
          holder.address(), echo, {.cores = {.count = 2}, .listen = {.reuse_port = true}});
      EXPECT_EQ(sharing.has_value(), shares);
    };
    expect_success_in_time(body());
  }
}

TEST(CoresServer, takes_a_unix_socket_on_one_core_only) {
  const std::string name = any_address(Transport::unix_socket);
  const Result<CoresServer> shared = CoresServer::bind(name, echo, four);
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error(), std::errc::not_supported);
  Result<CoresServer> server = CoresServer::bind(name, echo, {.cores = {.count = 1}});
  ASSERT_TRUE(server);
  auto clients = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(name);
    co_await expect_served(client);
    co_await client.close();
    co_await server->drain(patience);
  };
  expect_ended(serve_beside(*server, clients));
}

TEST(CoresServer, that_nobody_serves_gives_the_port_back) {
  Address address;
  {
    const CoresServer server = bound(echo);
    address = server.address();
  }
  expect_failure(std::errc::connection_refused, StreamSocket::connect(address));
}

TEST(ServeOnCores, until_stopped) {
  std::stop_source stop;
  auto stopping = [&stop](StreamSocket /*peer*/) -> Task<> {
    stop.request_stop();
    co_return;
  };
  // A port that nobody has now; another try if somebody was faster.
  Result<> result;
  for (;;) {
    Address address;
    {
      const CoresServer probe = bound(echo, {.cores = {.count = 1}});
      address = probe.address();
    }
    std::jthread client([address] {
      auto connecting = [](Address to) -> Task<> {
        for (;;) {
          const Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to));
          if (socket) co_return;
          co_await sleep(1ms);
        }
      };
      // No server at all if the port was lost: then it gives up.
      static_cast<void>(run_alone(with_timeout(10s, connecting(address))));
    });
    result =
        serve_on_cores(address.to_string(), stopping, {.cores = {.count = 2}}, stop.get_token());
    client.join();
    if (!result && result.error() == std::errc::address_in_use) continue;
    break;
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(ServeOnCores, says_what_is_no_address) {
  const Result<> result = serve_on_cores("nowhere", echo);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::invalid_argument);
}

TEST(CoresServerDeath, on_another_number_of_cores) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  CoresServer server = bound(echo);
  auto body = [&](Core& core) { return server.serve(core); };
  EXPECT_DEATH(static_cast<void>(run_on_cores(body, {.count = 2})),
               "a server is bound for another number of cores");
  GTEST_FLAG_SET(death_test_style, "fast");
}

}  // namespace
}  // namespace ieum::test
