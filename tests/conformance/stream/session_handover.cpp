// ServerSession::continue_with: a session goes on as another task, and nothing of the first is
// left.
#include <array>
#include <memory>
#include <stdexcept>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// Tells whether it is still there.
using Trace = std::shared_ptr<int>;

struct Handover {
  std::weak_ptr<int> first;
  bool was_gone = false;
  std::int64_t frames_of_first = 0;
  std::int64_t frames_of_later = 0;
};

Task<> later_protocol(StreamSocket peer, Handover& handover) {
  handover.was_gone = handover.first.expired();
  handover.frames_of_later = detail::Frame::live;
  co_await peer.write_all("switched\n");
  while (const Lease data = co_await peer.receive()) co_await peer.write_all(data);
}

// An argument and a local of the first protocol, the latter large.
Task<> first_protocol(StreamSocket peer, ServerSession& session, Handover& handover, Trace trace) {
  std::array<std::byte, 30'000> local{};
  const std::size_t count = co_await peer.read_some(local);
  EXPECT_GT(count, 0U);
  handover.first = trace;
  handover.frames_of_first = detail::Frame::live;
  session.continue_with(later_protocol(std::move(peer), handover));
}

struct Report {
  std::size_t sessions = 0;
  bool failed = false;
  bool threw = false;
  bool idle = false;
};

std::function<void(const SessionEnd&)> into(Report& report) {
  return [&report](const SessionEnd& end) {
    ++report.sessions;
    report.failed = end.error != nullptr;
    report.threw = end.exception != nullptr;
    report.idle = end.idle;
  };
}

CO_TEST(SessionHandover, leaves_nothing_of_the_first_and_is_one_session) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Handover handover;
  auto handler = [&](StreamSocket peer, ServerSession& session) {
    return first_protocol(std::move(peer), session, handover, std::make_shared<int>());
  };
  Server server(std::move(listener), handler);
  Report report;
  server.on_session_end(into(report));
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    co_await client.write_all("upgrade");
    const std::string switched = co_await read_text(client, 9);
    EXPECT_EQ(switched, "switched\n");
    EXPECT_TRUE(handover.was_gone);
    EXPECT_EQ(handover.frames_of_later, handover.frames_of_first);
    EXPECT_EQ(server.sessions(), 1U);
    EXPECT_EQ(report.sessions, 0U);
    co_await client.write_all("echo");
    const std::string echo = co_await read_text(client, 4);
    EXPECT_EQ(echo, "echo");
    co_await client.close();
    const DrainReport drained = co_await server.drain(10s);
    EXPECT_EQ(drained.finished, 1U);
  };
  co_await with_group(body);
  EXPECT_EQ(report.sessions, 1U);
  EXPECT_FALSE(report.failed || report.threw);
  EXPECT_EQ(server.counters().accepted, 1U);
}

/// Runs one session of `handler` to its end.
Task<Report> run_one(Server::Handler handler, ServeOptions options = {}) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), std::move(handler), options);
  Report report;
  server.on_session_end(into(report));
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    while (report.sessions == 0) co_await sleep(1ms);
    co_await server.drain(10s);
  };
  co_await with_group(body);
  co_return report;
}

Task<> note_that_it_ran(bool* ran) {
  *ran = true;
  co_return;
}

CO_TEST(SessionHandover, does_not_happen_if_the_first_fails_or_throws) {
  bool ran = false;
  auto failing = [&](StreamSocket /*peer*/, ServerSession& session) -> Task<> {
    session.continue_with(note_that_it_ran(&ran));
    co_await fail(std::errc::protocol_error, "talk");
  };
  Report report = co_await run_one(failing);
  EXPECT_TRUE(report.failed);
  auto throwing = [&](StreamSocket /*peer*/, ServerSession& session) -> Task<> {
    session.continue_with(note_that_it_ran(&ran));
    throw std::runtime_error("no");
    co_return;
  };
  report = co_await run_one(throwing);
  EXPECT_TRUE(report.threw);
  EXPECT_FALSE(ran);
}

CO_TEST(SessionHandover, is_told_how_the_last_one_ended) {
  auto fails = []() -> Task<> { co_await fail(std::errc::protocol_error, "talk"); };
  auto handler = [&](StreamSocket /*peer*/, ServerSession& session) -> Task<> {
    session.continue_with(fails());
    co_return;
  };
  const Report report = co_await run_one(handler);
  EXPECT_EQ(report.sessions, 1U);
  EXPECT_TRUE(report.failed);
}

struct Chain {
  ServerSession* session = nullptr;
  int left = 0;
};
Task<> link(StreamSocket peer, Chain& chain) {
  if (--chain.left > 0) chain.session->continue_with(link(std::move(peer), chain));
  co_return;
}

CO_TEST(SessionHandover, may_go_on_and_on) {
  Chain chain{.left = 100'000};
  auto handler = [&](StreamSocket peer, ServerSession& session) {
    chain.session = &session;
    return link(std::move(peer), chain);
  };
  const Report report = co_await run_one(handler);
  EXPECT_EQ(report.sessions, 1U);
  EXPECT_EQ(chain.left, 0);
}

CO_TEST(SessionHandover, stays_under_the_idle_limit) {
  auto waits = [](StreamSocket peer) -> Task<> { const Lease data = co_await peer.receive(); };
  auto handler = [&](StreamSocket peer, ServerSession& session) -> Task<> {
    session.continue_with(waits(std::move(peer)));
    co_return;
  };
  const Report report = co_await run_one(handler, {.idle_limit = 100ms});
  EXPECT_TRUE(report.idle);
}

CO_TEST(SessionHandover, is_cut_by_a_drain) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  int running = 0;
  auto waits = [&](StreamSocket peer) -> Task<> {
    ++running;
    const Lease data = co_await peer.receive();
  };
  auto handler = [&](StreamSocket peer, ServerSession& session) -> Task<> {
    session.continue_with(waits(std::move(peer)));
    co_return;
  };
  Server server(std::move(listener), handler);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket client = co_await StreamSocket::connect(address);
    while (running == 0) co_await sleep(1ms);
    const DrainReport drained = co_await server.drain(1ms);
    EXPECT_EQ(drained.cut, 1U);
  };
  co_await with_group(body);
}

}  // namespace
}  // namespace ieum::test
