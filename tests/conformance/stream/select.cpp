// select: what several operations at once give, and that none of it is lost.
#include <ieum/select.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// Writes `count` single bytes, each with a pause, and finishes.
Task<> drip(StreamSocket& to, int count) {
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

EVERY_TRANSPORT(SelectOver);

CO_TEST_P(SelectOver, a_read_and_an_event_loses_no_byte) {
  constexpr int count = 2000;
  Pair pair = co_await connected(transport);
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

CO_TEST_P(SelectOver, two_receives_lose_no_byte) {
  constexpr int count = 2000;
  Pair first = co_await connected(transport);
  Pair second = co_await connected(transport);
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
    StreamSocket& open = ended[0] ? second.server : first.server;
    std::size_t& of_open = ended[0] ? got[1] : got[0];
    if (ended[0] && ended[1]) co_return;
    while (Lease lease = co_await open.receive()) of_open += lease.size();
  };
  co_await with_group(body);
  EXPECT_EQ(got[0], static_cast<std::size_t>(count));
  EXPECT_EQ(got[1], static_cast<std::size_t>(count));
}

CO_TEST_P(SelectOver, an_idle_limit_leaves_the_connection_as_it_was) {
  Pair pair = co_await connected(transport);
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

CO_TEST_P(SelectOver, a_broken_connection_is_told_at_once) {
  Pair pair = co_await connected(transport);
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

CO_TEST_P(SelectOver, accepts_lose_no_client) {
  constexpr int count = 50;
  const Transport of = transport;
  Listener first = co_await Listener::bind(any_address(of));
  Listener second = co_await Listener::bind(any_address(of));
  int accepted = 0;
  auto connect_all = [](Address to) -> Task<> {
    for (int i = 0; i < count; ++i) {
      StreamSocket client = co_await StreamSocket::connect(to);
      std::array<std::byte, 1> room;
      const std::size_t bytes = co_await client.read_some(room);  // the other end is closed
      EXPECT_EQ(bytes, 0U);
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(connect_all(first.address()));
    group.start(connect_all(second.address()));
    while (accepted < 2 * count) {
      auto both = co_await select(first.accept(), second.accept());
      if (auto& one = std::get<0>(both)) {
        StreamSocket socket = co_await std::move(*one);
        ++accepted;
        co_await socket.close();
      }
      if (auto& one = std::get<1>(both)) {
        StreamSocket socket = co_await std::move(*one);
        ++accepted;
        co_await socket.close();
      }
    }
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(accepted, 2 * count);
}

CO_TEST_P(SelectOver, a_deadline_round_it_leaves_all_legs) {
  Pair pair = co_await connected(transport);
  Event never;
  auto limited = with_timeout(1ms, select(pair.server.receive(), never.wait()));
  auto result = co_await attempt(std::move(limited));
  CO_ASSERT(!result);
  EXPECT_EQ(result.error(), std::errc::timed_out) << result.error().to_string();
  co_await pair.client.write_all("still there");
  const std::string text = co_await read_text(pair.server, 11);
  EXPECT_EQ(text, "still there");
}

// ---- Streams: waiting until there is something to read ------------------------------------------

EVERY_TRANSPORT(WaitReadableOver);

CO_TEST_P(WaitReadableOver, takes_nothing) {
  Pair pair = co_await connected(transport);
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

CO_TEST_P(WaitReadableOver, wakes_for_what_comes_later_and_for_the_end) {
  Pair pair = co_await connected(transport);
  auto later = [](StreamSocket& socket) -> Task<> {
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

CO_TEST_P(WaitReadableOver, ends_with_a_close) {
  Pair pair = co_await connected(transport);
  auto close = [](StreamSocket& socket) -> Task<> {
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

CO_TEST(WaitReadable, of_a_stream_that_cannot) {
  class Silent final : public Stream {
   public:
    Task<> shutdown_write() override { co_return; }
    Task<> close() override { co_return; }
    [[nodiscard]] bool is_open() const noexcept override { return true; }
    void begin_read(detail::StreamIo& /*io*/, std::span<std::byte> /*into*/) override {}
    void begin_write(detail::StreamIo& /*io*/, const detail::WriteRequest& /*write*/) override {}
  };
  Silent stream;
  const Result<> result = co_await attempt(stream.wait_readable());
  CO_ASSERT(!result);
  EXPECT_EQ(result.error(), std::errc::operation_not_supported);
}

CO_TEST(DescriptorStreamOnPipe, waits_until_readable) {
  Pipe pipe;
  DescriptorStream stream =
      co_await DescriptorStream::open(pipe.reader.get(), DescriptorStream::Direction::input);
  auto either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  EXPECT_EQ(::write(pipe.writer.get(), "ab", 2), 2);
  co_await stream.wait_readable();
  const std::string text = co_await read_text(stream, 2);
  EXPECT_EQ(text, "ab");
  pipe.writer.close();
  co_await stream.wait_readable();
  const std::string rest = co_await read_to_end(stream);
  EXPECT_EQ(rest, "");
}

CO_TEST(DescriptorStreamOnSocket, waits_until_readable) {
  auto ends = co_await StreamSocket::pair();
  auto& [near, far] = ends;
  DescriptorStream stream =
      co_await DescriptorStream::open(near.native_handle(), DescriptorStream::Direction::input);
  auto either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await far.write_all("ab");
  co_await stream.wait_readable();
  const std::string text = co_await read_text(stream, 2);
  EXPECT_EQ(text, "ab");
}

CO_TEST(DescriptorStreamOnFile, is_always_readable) {
  TemporaryFile file("text");
  auto path = file.path();
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  DescriptorStream stream =
      co_await DescriptorStream::open(descriptor.get(), DescriptorStream::Direction::input);
  co_await stream.wait_readable();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "text");
}

CO_TEST(Select, datagrams_are_left_or_given) {
  DatagramSocket receiver = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket sender = co_await DatagramSocket::bind("127.0.0.1:0");
  std::array<std::byte, 64> room;
  auto either = co_await select(receiver.receive(room), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await sender.send("first", receiver.address());
  co_await sender.send("second", receiver.address());
  std::string got;
  while (got.size() < 11) {
    either = co_await select(receiver.receive(room), sleep(1ms));
    if (!std::get<0>(either)) continue;
    const Datagram datagram = co_await *std::move(std::get<0>(either));
    got.append(reinterpret_cast<const char*>(datagram.data.data()), datagram.data.size());
  }
  EXPECT_EQ(got, "firstsecond");
}

CO_TEST(Process, its_output_is_waited_for) {
  const std::vector<std::string> command{"sh", "-c", "read line; echo $line"};
  Process process = co_await Process::start(command, {.input = ProcessOptions::Standard::stream,
                                                      .output = ProcessOptions::Standard::stream});
  auto either = co_await select(process.output().wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await process.input().write_all("hello\n");
  co_await process.output().wait_readable();
  const std::string text = co_await read_text(process.output(), 6);
  EXPECT_EQ(text, "hello\n");
  co_await process.wait();
}

}  // namespace
}  // namespace ieum::test
