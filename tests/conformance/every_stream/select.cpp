// select and wait_readable of streams: nothing is lost.
#include <ieum/select.hpp>

#include <array>
#include <string>

#include "conformance/every_stream/streams.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(SelectOver);
EVERY_STREAM(WaitReadableOver);

/// Writes `count` single bytes, each with a pause, and finishes.
Task<> drip(auto& to, int count) {
  for (int i = 0; i < count; ++i) {
    co_await sleep(50us);
    co_await to.write_all("x");
  }
  co_await to.shutdown_write();
}
Task<> set_often(Event& event, bool& over) {
  while (!over) {
    co_await sleep(50us);
    event.set();
  }
}

CO_TEST_STREAM(SelectOver, a_read_and_an_event_loses_no_byte) {
  constexpr int count = 2000;
  Ends pair = co_await connected<Ends>(kind);
  Event tick;
  bool over = false;
  std::size_t got = 0;
  int ticks = 0;
  auto body = [&](Group& group) -> Task<> {
    group.start(drip(pair.client, count));
    group.start(set_often(tick, over));
    std::array<std::byte, 64> room;
    while (!over) {
      auto both = co_await select(pair.server.read_some(room), tick.wait());
      auto& [bytes, ticked] = both;
      EXPECT_TRUE(bytes || ticked);
      if (ticked) {
        ++ticks;
        tick.reset();
      }
      if (!bytes) continue;
      const std::size_t some = co_await std::move(*bytes);
      got += some;
      over = some == 0;
    }
  };
  co_await with_group(body);
  EXPECT_EQ(got, static_cast<std::size_t>(count));
  EXPECT_GT(ticks, 0);
}

CO_TEST_STREAM(SelectOver, two_receives_lose_no_byte) {
  constexpr int count = 2000;
  Ends first = co_await connected<Ends>(kind);
  Ends second = co_await connected<Ends>(kind);
  std::array<std::size_t, 2> got{};
  auto body = [&](Group& group) -> Task<> {
    group.start(drip(first.client, count));
    group.start(drip(second.client, count));
    std::array<bool, 2> ended{};
    while (!ended[0] && !ended[1]) {
      auto both = co_await select(first.server.receive(), second.server.receive());
      if (auto& data = std::get<0>(both)) {
        Lease lease = co_await std::move(*data);
        got[0] += lease.size();
        ended[0] = lease.empty();
      }
      if (auto& data = std::get<1>(both)) {
        Lease lease = co_await std::move(*data);
        got[1] += lease.size();
        ended[1] = lease.empty();
      }
    }
    auto& open = ended[0] ? second.server : first.server;
    std::size_t& of_open = ended[0] ? got[1] : got[0];
    if (ended[0] && ended[1]) co_return;
    while (Lease lease = co_await open.receive()) of_open += lease.size();
  };
  co_await with_group(body);
  EXPECT_EQ(got[0], static_cast<std::size_t>(count));
  EXPECT_EQ(got[1], static_cast<std::size_t>(count));
}

CO_TEST_STREAM(SelectOver, an_idle_limit_leaves_the_connection_as_it_was) {
  Ends pair = co_await connected<Ends>(kind);
  for (int i = 0; i < 3; ++i) {
    auto either = co_await select(pair.server.receive(), sleep(1ms));
    EXPECT_FALSE(std::get<0>(either));
    EXPECT_TRUE(std::get<1>(either));
  }
  co_await pair.client.write_all("later");
  auto either = co_await select(pair.server.receive(), sleep(patience));
  CO_ASSERT(std::get<0>(either));
  EXPECT_FALSE(std::get<1>(either));
  Lease data = co_await *std::move(std::get<0>(either));
  EXPECT_EQ(data.text(), "later");
}

CO_TEST_STREAM(SelectOver, a_broken_connection_is_told_at_once) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("unread");
  co_await pair.server.write_all("unread");
  co_await pair.client.reset();
  std::array<std::byte, 64> room;
  bool failed = false;
  for (int i = 0; i < 3 && !failed; ++i) {  // what came before the reset may be told first
    auto either = co_await select(pair.server.read_some(room), sleep(patience));
    EXPECT_FALSE(std::get<1>(either)) << "it waited for the other";
    CO_ASSERT(std::get<0>(either));
    failed = !std::get<0>(either)->has_value() || **std::get<0>(either) == 0;
  }
  EXPECT_TRUE(failed);
}

CO_TEST_STREAM(SelectOver, a_deadline_round_it_leaves_all_legs) {
  Ends pair = co_await connected<Ends>(kind);
  Event never;
  auto limited = with_timeout(1ms, select(pair.server.receive(), never.wait()));
  auto result = co_await attempt(std::move(limited));
  CO_ASSERT(!result);
  EXPECT_EQ(result.error(), std::errc::timed_out) << result.error().to_string();
  co_await pair.client.write_all("still there");
  const std::string text = co_await read_text(pair.server, 11);
  EXPECT_EQ(text, "still there");
}

CO_TEST_STREAM(WaitReadableOver, takes_nothing) {
  Ends pair = co_await connected<Ends>(kind);
  Stream& stream = pair.server;
  auto either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either)) << "nothing has come";
  co_await pair.client.write_all("hello");
  co_await stream.wait_readable();
  co_await pair.server.wait_readable();
  std::string text(2, ' ');
  co_await stream.read_exact(bytes_of(text));
  EXPECT_EQ(text, "he");
  co_await stream.wait_readable();
  const std::string rest = co_await read_text(pair.server, 3);
  EXPECT_EQ(rest, "llo");
  either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either)) << "all has been read";
}

CO_TEST_STREAM(WaitReadableOver, wakes_for_what_comes_later_and_for_the_end) {
  Ends pair = co_await connected<Ends>(kind);
  auto later = [](auto& socket) -> Task<> {
    co_await sleep(1ms);
    co_await socket.write_all("x");
    co_await sleep(1ms);
    co_await socket.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(later(pair.client));
    co_await pair.server.wait_readable();
    std::array<std::byte, 16> room;
    std::size_t count = co_await pair.server.read_some(room);
    EXPECT_EQ(count, 1U);
    co_await pair.server.wait_readable();
    count = co_await pair.server.read_some(room);
    EXPECT_EQ(count, 0U);
    co_await pair.server.wait_readable();  // the end stays
  };
  co_await with_group(body);
}

CO_TEST_STREAM(WaitReadableOver, ends_with_a_close) {
  Ends pair = co_await connected<Ends>(kind);
  auto close = [](auto& socket) -> Task<> {
    co_await sleep(1ms);
    co_await socket.close();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(close(pair.server));
    const Result<> result = co_await attempt(pair.server.wait_readable());
    EXPECT_FALSE(result);
    if (!result) {
      EXPECT_EQ(result.error(), std::errc::operation_canceled);
    }
  };
  co_await with_group(body);
  const Result<> closed = co_await attempt(pair.server.wait_readable());
  EXPECT_FALSE(closed);
}

}  // namespace
}  // namespace ieum::test
