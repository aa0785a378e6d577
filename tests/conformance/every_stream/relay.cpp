// relay: both ways until both ends, half-closes, idle limits, failures, stops.
#include "conformance/every_stream/streams.hpp"
#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(RelayOver);

/// A client and a server with a relay's two streams between them.
template <class Ends>
struct Between {
  Ends a;  // a.client - a.server, which the relay has as its a
  Ends b;  // b.client is the relay's b; b.server
};
template <class Ends>
Task<Between<Ends>> between(StreamKind kind) {
  Ends a = co_await connected<Ends>(kind);
  Ends b = co_await connected<Ends>(kind);
  co_return Between<Ends>(std::move(a), std::move(b));
}

/// Runs a relay, and keeps what became of it.
struct Outcome {
  RelayCounts counts;
  std::string error = "not yet";
};
Task<> relay_into(Outcome& outcome, Stream& a, Stream& b, RelayOptions options = {}) {
  const Result<RelayCounts> done = co_await attempt(relay(a, b, options));
  if (done) outcome.counts = *done;
  outcome.error = done ? "" : done.error().to_string();
}

CO_TEST_STREAM(RelayOver, copies_both_ways_until_both_have_finished) {
  Between<Ends> both = co_await between<Ends>(kind);
  const std::vector<std::byte> there = random_bytes(std::size_t{3} << 20U, seed());
  const std::vector<std::byte> back = random_bytes(std::size_t{2} << 20U, seed() + 1);
  Outcome outcome;
  std::string at_server;
  std::string at_client;
  auto serving = [&]() -> Task<> { at_server = co_await read_to_end(both.b.server); };
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client));
    group.start(send_and_finish(both.a.client, there));
    group.start(send_and_finish(both.b.server, back));
    group.start(serving());
    at_client = co_await read_to_end(both.a.client);
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.counts.a_to_b, there.size());
  EXPECT_EQ(outcome.counts.b_to_a, back.size());
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(at_server)), there));
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(at_client)), back));
  EXPECT_TRUE(both.a.server.is_open() && both.b.client.is_open()) << "it closes neither";
}

CO_TEST_STREAM(RelayOver, passes_a_half_close_on_and_goes_on_the_other_way) {
  Between<Ends> both = co_await between<Ends>(kind);
  Outcome outcome;
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client));
    co_await send_and_finish(both.a.client, bytes_of(std::string_view("question")));
    const std::string question = co_await read_to_end(both.b.server);
    EXPECT_EQ(question, "question");
    co_await sleep(5ms);
    EXPECT_EQ(outcome.error, "not yet");
    co_await both.b.server.write_all("a late answer");
    const std::string answer = co_await read_text(both.a.client, 13);
    EXPECT_EQ(answer, "a late answer");
    co_await both.b.server.shutdown_write();
    const std::string end = co_await read_to_end(both.a.client);
    EXPECT_EQ(end, "");
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.counts.a_to_b, 8U);
  EXPECT_EQ(outcome.counts.b_to_a, 13U);
}

CO_TEST_STREAM(RelayOver, of_nothing) {
  Between<Ends> both = co_await between<Ends>(kind);
  co_await both.a.client.shutdown_write();
  co_await both.b.server.shutdown_write();
  const RelayCounts counts = co_await relay(both.a.server, both.b.client, {.idle_limit = 1h});
  EXPECT_EQ(counts.a_to_b + counts.b_to_a, 0U);
}

CO_TEST_STREAM(RelayOver, ends_when_it_is_idle_and_says_how_far_it_came) {
  Between<Ends> both = co_await between<Ends>(kind);
  RelayCounts progress{.a_to_b = 77, .b_to_a = 77};
  Outcome outcome;
  const TimePoint begin = now();
  TimePoint last_sent;
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client,
                           {.idle_limit = 120ms, .progress = &progress}));
    for (int i = 1; i <= 4; ++i) {  // longer than the limit in all
      co_await sleep(40ms);
      auto& from = i % 2 == 0 ? both.b.server : both.a.client;
      last_sent = now();
      co_await from.write_all("12345");
    }
    co_await sleep(20ms);
    EXPECT_EQ(progress.a_to_b, 10U);
    EXPECT_EQ(progress.b_to_a, 10U);
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_GE(now() - begin, 280ms - 1ms);
  EXPECT_GE(now() - last_sent, 120ms - 1ms);
  EXPECT_EQ(progress.a_to_b, 10U);
  EXPECT_TRUE(outcome.error.starts_with("relay")) << outcome.error;
  EXPECT_TRUE(outcome.error.ends_with(": timed out: idle for 120 ms")) << outcome.error;
}

CO_TEST_STREAM(RelayOver, a_failure_stops_the_other_direction_and_names_its_own) {
  if (!kind.has_resets()) co_return;
  for (const bool is_a : {true, false}) {
    Between<Ends> both = co_await between<Ends>(kind);
    Outcome outcome;
    auto body = [&](Group& group) -> Task<> {
      group.start(relay_into(outcome, both.a.server, both.b.client));
      co_await both.a.client.write_all("there");
      const std::string there = co_await read_text(both.b.server, 5);
      EXPECT_EQ(there, "there");
      auto& breaking = is_a ? both.a.client : both.b.server;
      co_await breaking.reset();
      co_await group.join();
    };
    co_await with_group(body);
    const Address peer = is_a ? both.a.server.peer_address() : both.b.client.peer_address();
    EXPECT_EQ(outcome.error, "receive " + peer.to_string() +
                                 ": connection reset by peer: relaying from " +
                                 (is_a ? "a to b" : "b to a"));
    // Nothing is pending on either.
    co_await both.a.server.close();
    co_await both.b.client.close();
  }
}

CO_TEST_STREAM(RelayOver, can_be_stopped_and_the_streams_go_on) {
  Between<Ends> both = co_await between<Ends>(kind);
  const Result<RelayCounts> stopped =
      co_await attempt(with_timeout(10ms, relay(both.a.server, both.b.client, {.idle_limit = 1h})));
  CO_ASSERT(!stopped);
  EXPECT_EQ(stopped.error(), std::errc::timed_out);
  co_await both.a.client.write_all("still there");
  const std::string text = co_await read_text(both.a.server, 11);
  EXPECT_EQ(text, "still there");
}

}  // namespace
}  // namespace ieum::test
