// Server: owns its sessions, limits them, drains, lives on when one fails.
#include <array>
#include <stdexcept>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ServeOver);

/// Tells when the sessions of a server that should run do.
Task<> until_sessions(const Server& server, std::size_t count) {
  while (server.sessions() != count) co_await sleep(1ms);
}

/// One question, one answer.
Task<> expect_served(StreamSocket& client) {
  co_await client.write_all("hello");
  const std::string text = co_await read_text(client, 5);
  EXPECT_EQ(text, "hello");
}

Task<> expect_refused(Address address) {
  Result<StreamSocket> late = co_await attempt(StreamSocket::connect(address));
  EXPECT_FALSE(late) << "the listener still takes clients";
}

/// Does not heed its peer at all, only a stop.
Task<> stuck([[maybe_unused]] StreamSocket peer) { co_await sleep(1h); }

CO_TEST_P(ServeOver, clients_one_after_another) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    for (int i = 0; i < 20; ++i) {
      StreamSocket client = co_await StreamSocket::connect(address);
      co_await expect_served(client);
    }
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(body);
  EXPECT_EQ(server.sessions(), 0U);
  EXPECT_EQ(server.counters().accepted, 20U);
  EXPECT_EQ(server.counters().failed, 0U);
  EXPECT_EQ(server.counters().threw, 0U);
  co_await expect_refused(address);
}

CO_TEST_P(ServeOver, drains_without_sessions) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await sleep(1ms);
    EXPECT_FALSE(server.draining());
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.finished, 0U);
    EXPECT_EQ(report.cut, 0U);
    EXPECT_TRUE(server.draining());
    EXPECT_FALSE(server.listener().is_open());
    co_await expect_refused(address);
  };
  co_await with_group(body);
}

CO_TEST_P(ServeOver, drains_before_it_runs) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  StreamSocket waiting = co_await StreamSocket::connect(address);
  const DrainReport report = co_await server.drain(10s);
  EXPECT_EQ(report.finished, 0U);
  co_await server.run();
  EXPECT_EQ(server.counters().accepted, 0U);
  co_await expect_refused(address);
}

CO_TEST_P(ServeOver, drains_idle_busy_and_stuck_sessions) {
  // By its first byte a client says what its session is to be.
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string what = co_await read_text(peer, 1);
    if (what == "s") {
      co_await stuck(std::move(peer));
    } else {
      co_await echo(std::move(peer));
    }
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler);
  std::vector<StreamSocket> clients;
  auto busy_then_done = [&](StreamSocket& client) -> Task<> {
    for (int i = 0; i < 10; ++i) {
      co_await expect_served(client);
      co_await sleep(1ms);
    }
    co_await client.close();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    for (const char* what : {"i", "i", "b", "b", "b", "s", "s"}) {
      StreamSocket client = co_await StreamSocket::connect(address);
      co_await client.write_all(std::string_view(what));
      clients.push_back(std::move(client));
    }
    co_await until_sessions(server, 7);
    for (std::size_t i = 2; i < 5; ++i) group.start(busy_then_done(clients[i]));
    const DrainReport report = co_await server.drain(2s);  // time for those who finish
    EXPECT_EQ(report.finished, 3U);
    EXPECT_EQ(report.cut, 4U);
    EXPECT_EQ(server.sessions(), 0U);
    co_await expect_refused(address);
  };
  co_await with_group(body);
  EXPECT_EQ(server.counters().accepted, 7U);
  EXPECT_EQ(server.counters().failed, 4U);
}

CO_TEST_P(ServeOver, a_drain_ends_as_soon_as_the_last_session_has) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await expect_served(client);
    auto leave = [&]() -> Task<> {
      co_await sleep(5ms);
      co_await client.close();
    };
    Task<> leaving = leave();
    auto both = [&](Group& inner) -> Task<> {
      inner.start(std::move(leaving));
      const DrainReport report = co_await with_timeout(patience, server.drain(1h));
      EXPECT_EQ(report.finished, 1U);
      EXPECT_EQ(report.cut, 0U);
    };
    co_await with_group(both);
  };
  co_await with_group(body);
}

CO_TEST_P(ServeOver, a_drain_waits_for_a_session_that_shields_itself) {
  bool said_farewell = false;
  auto handler = [&](StreamSocket peer) -> Task<> {
    auto farewell = [&]() -> Task<> {
      co_await sleep(20ms);
      co_await peer.write_all("farewell");
      said_farewell = true;
    };
    auto waiting = [&]() -> Task<> { co_await sleep(1h); };
    co_await finally(waiting(), farewell);
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 1);
    const DrainReport report = co_await server.drain(1ms);
    EXPECT_EQ(report.finished, 0U);
    EXPECT_EQ(report.cut, 1U);
    EXPECT_TRUE(said_farewell);
    const std::string text = co_await read_to_end(client);
    EXPECT_EQ(text, "farewell");
  };
  co_await with_group(body);
}

CO_TEST_P(ServeOver, a_client_accepted_as_the_drain_begins_is_not_served) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), stuck);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket first = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 1);
    StreamSocket second = co_await StreamSocket::connect(address);
    co_await yield();  // in this turn the accept completes, and this task goes on before the server
    const DrainReport report = co_await with_timeout(patience, server.drain(5ms));
    // Over TCP the accept may have been first: then the second client has had a session as well.
    EXPECT_EQ(report.finished, 0U);
    EXPECT_EQ(report.cut, server.counters().accepted);
    if (transport == Transport::unix_socket) {
      EXPECT_EQ(report.cut, 1U);
    }
    std::array<std::byte, 8> buffer;
    Result<std::size_t> end = co_await attempt(second.read_some(buffer));
    EXPECT_TRUE(!end || *end == 0U);
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(server.sessions(), 0U);
}

CO_TEST_P(ServeOver, stopped_instead_of_drained_stops_its_sessions) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  std::vector<std::string> ends;
  Server server(std::move(listener), stuck);
  server.on_session_end([&](const SessionEnd& end) {
    ends.push_back(end.error != nullptr ? end.error->to_string() : "succeeded");
  });
  std::string ended;
  auto running = [&]() -> Task<> {
    Result<> result = co_await attempt(server.run());
    ended = result ? "succeeded" : result.error().to_string();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(running());
    StreamSocket first = co_await StreamSocket::connect(address);
    StreamSocket second = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 2);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(ended, "accept " + address.to_string() + ": canceled");
  EXPECT_EQ(ends, (std::vector<std::string>{"sleep: canceled", "sleep: canceled"}));
  EXPECT_EQ(server.sessions(), 0U);
}

CO_TEST_P(ServeOver, a_session_that_fails_or_throws_is_reported_and_the_server_lives_on) {
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string what = co_await read_text(peer, 1);
    if (what == "t") throw std::runtime_error("thrown by a session");
    if (what == "f") co_await fail(std::errc::protocol_error, "talk", peer.peer_address());
    co_await echo(std::move(peer));
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler);
  std::vector<std::string> ends;
  Address reported_peer;
  server.on_session_end([&](const SessionEnd& end) {
    reported_peer = end.peer;
    if (end.exception != nullptr) {
      EXPECT_EQ(end.error, nullptr);
      try {
        std::rethrow_exception(end.exception);
      } catch (const std::exception& exception) {
        ends.emplace_back(exception.what());
      }
    } else {
      ends.push_back(end.error != nullptr ? end.error->code().message() : "succeeded");
    }
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    for (const std::string_view what : {"t", "f", "x"}) {
      StreamSocket client = co_await StreamSocket::connect(address);
      const Address local = co_await client.local_address();
      co_await client.write_all(what);
      if (what == "x") co_await expect_served(client);
      co_await client.shutdown_write();
      const std::string rest = co_await read_to_end(client);
      EXPECT_EQ(rest, "");
      co_await until_sessions(server, 0);
      EXPECT_EQ(reported_peer, local);
    }
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(ends, (std::vector<std::string>{
                      "thrown by a session",
                      std::make_error_code(std::errc::protocol_error).message(), "succeeded"}));
  EXPECT_EQ(server.counters().accepted, 3U);
  EXPECT_EQ(server.counters().failed, 1U);
  EXPECT_EQ(server.counters().threw, 1U);
}

CO_TEST_P(ServeOver, tells_standard_error_of_an_exception_that_nobody_asked_for) {
  auto handler = [](StreamSocket) -> Task<> {
    throw std::runtime_error("nobody asked for this");
    co_return;
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler);
  std::string client_address;
  testing::internal::CaptureStderr();
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    const Address local = co_await client.local_address();
    client_address = local.to_string();
    const std::string rest = co_await read_to_end(client);
    EXPECT_EQ(rest, "");
    co_await server.drain(10s);
  };
  co_await with_group(body);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(told, "session with " + client_address + " threw: nobody asked for this\n");
}

Task<> has_two_sessions_at_most(Transport transport, ServeOptions options) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo, options);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket first = co_await StreamSocket::connect(address);
    StreamSocket second = co_await StreamSocket::connect(address);
    co_await expect_served(first);
    co_await expect_served(second);
    StreamSocket third = co_await StreamSocket::connect(address);
    Result<> early = co_await attempt(with_timeout(20ms, expect_served(third)));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error(), std::errc::timed_out);
    EXPECT_EQ(server.sessions(), 2U);
    co_await expect_served(second);
    co_await first.close();
    const std::string text = co_await read_text(third, 5);  // what it had sent before
    EXPECT_EQ(text, "hello");
    co_await third.close();
    co_await second.close();
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(server.counters().accepted, 3U);
}

CO_TEST_P(ServeOver, at_most_as_many_sessions_as_it_may) {
  co_await has_two_sessions_at_most(transport, {.sessions_max = 2});
}

CO_TEST_P(ServeOver, at_most_as_many_sessions_as_there_are_descriptors_for) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  co_await has_two_sessions_at_most(transport, {.descriptors_each = (limit.rlim_cur - 64) / 2});
}

CO_TEST_P(ServeOver, drains_while_it_has_as_many_sessions_as_it_may) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.sessions_max = 1});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket first = co_await StreamSocket::connect(address);
    co_await expect_served(first);
    StreamSocket second = co_await StreamSocket::connect(address);
    const DrainReport report = co_await server.drain(5ms);
    EXPECT_EQ(report.cut, 1U);
    std::array<std::byte, 8> buffer;
    Result<std::size_t> count = co_await attempt(second.read_some(buffer));
    CO_ASSERT(!count);
    EXPECT_EQ(count.error(), std::errc::connection_reset);
  };
  co_await with_group(body);
  EXPECT_EQ(server.counters().accepted, 1U);
}

CO_TEST_P(ServeOver, a_drain_that_is_stopped_leaves_the_sessions_to_the_server) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await expect_served(client);
    Result<DrainReport> report = co_await attempt(with_timeout(2ms, server.drain(1h)));
    CO_ASSERT(!report);
    EXPECT_EQ(report.error(), std::errc::timed_out);
    co_await expect_served(client);
    co_await expect_refused(address);
    const DrainReport second = co_await server.drain(2ms);
    EXPECT_EQ(second.cut, 1U);
  };
  co_await with_group(body);
}

CO_TEST_P(ServeOver, two_drains_at_once) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), stuck);
  auto draining = [&](Duration limit) -> Task<> { co_await server.drain(limit); };
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 1);
    auto both = [&](Group& inner) -> Task<> {
      inner.start(draining(1h));
      inner.start(draining(3ms));
      co_return;
    };
    co_await with_group(both);
  };
  co_await with_timeout(patience, with_group(body));
}

// ---- Idle limits ------------------------------------------------------------------------------

CO_TEST_P(ServeOver, ends_who_is_idle_and_says_so) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.idle_limit = 150ms});
  std::vector<std::string> ends;
  TimePoint ended;
  server.on_session_end([&](const SessionEnd& end) {
    ends.push_back(end.error != nullptr ? end.error->to_string() : "succeeded");
    ended = now();
    EXPECT_TRUE(end.idle);
    EXPECT_TRUE(end.error != nullptr && *end.error == std::errc::timed_out);
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    for (int i = 0; i < 6; ++i) {  // longer than the limit in all
      co_await sleep(50ms);
      co_await expect_served(client);
    }
    const TimePoint last = now();
    const std::string rest = co_await read_to_end(client);
    EXPECT_EQ(rest, "");
    co_await until_sessions(server, 0);
    EXPECT_GE(ended - last, 150ms - 10ms);
    if (is_simulated()) {
      EXPECT_LE(ended - last, 151ms);
    }
    co_await server.drain(0s);
  };
  co_await with_group(body);
  CO_ASSERT(ends.size() == 1);
  EXPECT_TRUE(ends[0].starts_with("read")) << ends[0];
  EXPECT_TRUE(ends[0].ends_with(": timed out: idle for 150 ms")) << ends[0];
  EXPECT_EQ(server.counters().idle, 1U);
  EXPECT_EQ(server.counters().failed, 0U);
}

CO_TEST_P(ServeOver, who_sends_or_takes_is_not_idle) {
  // 'r': we only send to the server; 'w': it only sends to us; each for longer than the limit.
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string what = co_await read_text(peer, 1);
    for (int i = 0; i < 12; ++i) {
      if (what == "w") co_await sleep(25ms);
      if (what == "w") co_await peer.write_all("x");
      if (what == "r") co_await read_text(peer, 1);
    }
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler, {.idle_limit = 200ms});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket taking = co_await StreamSocket::connect(address);
    co_await taking.write_all("w");
    StreamSocket sending = co_await StreamSocket::connect(address);
    co_await sending.write_all("r");
    for (int i = 0; i < 12; ++i) {
      co_await sleep(25ms);
      co_await sending.write_all("x");
    }
    const std::string taken = co_await read_to_end(taking);
    EXPECT_EQ(taken, std::string(12, 'x'));
    co_await until_sessions(server, 0);
    co_await server.drain(0s);
  };
  co_await with_group(body);
  EXPECT_EQ(server.counters().idle, 0U);
  EXPECT_EQ(server.counters().failed, 0U);
}

CO_TEST(Serve, one_long_write_is_not_idle_while_its_peer_takes_it) {
  bool whole = false;
  auto handler = [&](StreamSocket peer) -> Task<> {
    const std::string data(std::size_t{2} << 20U, 'x');
    co_await peer.write_all(data);
    whole = true;
    co_await peer.write_all(data);  // the second nobody takes
  };
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket));
  const Address address = listener.address();
  Server server(std::move(listener), handler, {.idle_limit = 400ms});
  std::string end;
  server.on_session_end([&](const SessionEnd& session) {
    end = session.error != nullptr ? session.error->to_string() : "succeeded";
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    std::vector<std::byte> buffer(100'000);
    const TimePoint begin = now();
    while (!whole && end.empty()) {
      co_await sleep(40ms);
      co_await client.read_some(buffer);
    }
    EXPECT_GT(now() - begin, 600ms);
    EXPECT_EQ(end, "");
    const TimePoint stopped_taking = now();
    while (end.empty()) co_await sleep(5ms);
    EXPECT_LE(now() - stopped_taking, sanitized ? 5s : 1s);
    co_await server.drain(0s);
  };
  co_await with_group(body);
  EXPECT_TRUE(end.ends_with("idle for 400 ms")) << end;
  EXPECT_EQ(server.counters().idle, 1U);
}

// The system wakes a writer only once a third of its buffer is free, which takes a slow peer long.
CO_TEST_P(ServeOver, a_peer_that_takes_less_than_wakes_the_writer_is_not_idle) {
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string data(std::size_t{64} << 20U, 'x');
    co_await peer.write_all(data);
  };
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), handler, {.idle_limit = 500ms});
  std::string end;
  server.on_session_end([&](const SessionEnd& session) {
    end = session.error != nullptr ? session.error->to_string() : "succeeded";
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    std::vector<std::byte> buffer(40'000);
    const TimePoint begin = now();
    while (now() - begin < 2s && end.empty()) {
      co_await sleep(20ms);
      co_await client.read_some(buffer);
    }
    EXPECT_EQ(end, "");
    while (end.empty()) co_await sleep(5ms);  // it takes nothing any more
    co_await server.drain(0s);
  };
  co_await with_group(body);
  EXPECT_TRUE(end.ends_with("idle for 500 ms")) << end;
}

CO_TEST_P(ServeOver, a_drain_tells_idle_sessions_from_those_it_cut) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.idle_limit = 300ms});
  auto chatting = [](StreamSocket client) -> Task<> {
    for (;;) {
      co_await attempt(expect_served(client));
      co_await sleep(20ms);
    }
  };
  auto leaving = [](StreamSocket client) -> Task<> {
    co_await expect_served(client);
    co_await sleep(50ms);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket idle = co_await StreamSocket::connect(address);
    StreamSocket busy = co_await StreamSocket::connect(address);
    StreamSocket done = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 3);
    group.start(chatting(std::move(busy)));
    group.start(leaving(std::move(done)));
    const DrainReport report = co_await server.drain(900ms);
    EXPECT_EQ(report.finished, 1U);
    EXPECT_EQ(report.idle, 1U);
    EXPECT_EQ(report.cut, 1U);
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(Serve, an_idle_session_may_say_goodbye) {
  auto handler = [](StreamSocket peer) -> Task<> {
    auto farewell = [&]() -> Task<> { co_await peer.write_all("bye"); };
    auto waiting = [&]() -> Task<> { co_await read_text(peer, 1); };
    co_await finally(waiting(), farewell);
  };
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), handler, {.idle_limit = 20ms});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    const std::string text = co_await read_to_end(client);
    EXPECT_EQ(text, "bye");
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(server.counters().idle, 1U);
}

CO_TEST(Serve, a_session_that_closed_its_socket_or_ends_otherwise_is_told_apart) {
  // 'c': closes, and goes on for ever; 'f': fails by itself; 'n': ends well although it was idle.
  auto handler = [](StreamSocket peer) -> Task<> {
    const std::string what = co_await read_text(peer, 1);
    if (what == "f") co_await fail(std::errc::protocol_error, "talk");
    co_await peer.close();
    if (what == "n") co_await attempt(sleep(1h));
    if (what == "c") co_await sleep(1h);
  };
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), handler, {.idle_limit = 30ms});
  std::vector<std::string> ends;
  server.on_session_end([&](const SessionEnd& end) {
    ends.push_back((end.idle ? "idle, " : "") +
                   (end.error != nullptr ? end.error->to_string() : std::string("succeeded")));
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    for (const std::string_view what : {"f", "n", "c"}) {
      StreamSocket client = co_await StreamSocket::connect(address);
      co_await client.write_all(what);
      co_await read_to_end(client);
      co_await until_sessions(server, 0);
    }
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(ends, (std::vector<std::string>{"talk: protocol error", "idle, succeeded",
                                            "idle, sleep: timed out: idle for 30 ms"}));
  EXPECT_EQ(server.counters().idle, 2U);
  EXPECT_EQ(server.counters().failed, 1U);
}

CO_TEST(Serve, a_limit_of_for_ever_is_none) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.idle_limit = std::chrono::hours::max()});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await expect_served(client);
    co_await sleep(20ms);
    co_await expect_served(client);
    const DrainReport report = co_await server.drain(0s);
    EXPECT_EQ(report.cut, 1U);
    EXPECT_EQ(report.idle, 0U);
  };
  co_await with_group(body);
}

CO_TEST(Serve, a_server_may_be_moved_before_it_runs) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  std::vector<Server> servers;
  servers.emplace_back(std::move(listener), echo, ServeOptions{.sessions_max = 1});
  Listener second = co_await Listener::bind("127.0.0.1:0");
  servers.emplace_back(std::move(second), echo);  // the first moves
  Server server = std::move(servers[0]);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await client.write_all("hello");
    const std::string text = co_await read_text(client, 5);
    EXPECT_EQ(text, "hello");
    EXPECT_EQ(server.counters().accepted, 1U);
    const DrainReport report = co_await server.drain(0s);
    EXPECT_EQ(report.cut, 1U);
  };
  co_await with_group(body);
}

CO_TEST(Serve, a_session_asks_whether_the_server_drains) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server* asked = nullptr;
  auto handler = [&](StreamSocket) -> Task<> {
    while (!asked->draining()) co_await sleep(1ms);
  };
  Server server(std::move(listener), handler);
  asked = &server;
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await until_sessions(server, 1);
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.finished, 1U);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(body);
}

CO_TEST(Serve, a_session_drains_its_own_server) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server* own = nullptr;
  DrainReport report;
  auto handler = [&](StreamSocket) -> Task<> { report = co_await own->drain(5ms); };
  Server server(std::move(listener), handler);
  own = &server;
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_return;
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(server.sessions(), 0U);
}

CO_TEST(Serve, fails_if_accepting_fails_for_good) {
  Listener listener;
  Server server(std::move(listener), echo);
  Result<> ended = co_await attempt(server.run());
  CO_ASSERT(!ended);
  EXPECT_EQ(ended.error().to_string(), "accept: bad file descriptor");
}

CO_TEST(Serve, the_function_serves_until_it_is_stopped) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  auto body = [&](Group& group) -> Task<> {
    group.start(serve(std::move(listener), echo));
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await expect_served(client);
    group.stop();
  };
  co_await with_group(body);
  co_await expect_refused(address);
}

}  // namespace
}  // namespace ieum::test
