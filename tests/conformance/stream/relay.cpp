// relay: both ways until both ends, half-closes, idle limits, failures, stops.
#include <fcntl.h>

#include <memory>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(RelayOfSlowReader);

/// A client and a server with a relay's two streams between them.
struct Between {
  Pair a;  // a.client - a.server, which the relay has as its a
  Pair b;  // b.client is the relay's b; b.server
};
Task<Between> between(Transport transport = Transport::ipv4) {
  Between both;
  both.a = co_await connected(transport);
  both.b = co_await connected(transport);
  co_return both;
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

CO_TEST(Relay, a_slow_reader_is_not_idle_but_one_that_does_not_read_is) {
  Between both = co_await between(Transport::unix_socket);  // TCP would wait for a larger window
  Outcome outcome;
  const std::vector<std::byte> data = random_bytes(std::size_t{16} << 20U, seed());
  std::size_t read = 0;
  auto sending = [&]() -> Task<> { co_await attempt(both.a.client.write_all(data)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client, {.idle_limit = 400ms}));
    group.start(sending());
    std::vector<std::byte> buffer(100'000);
    for (int i = 0; i < 12 && outcome.error == "not yet"; ++i) {
      co_await sleep(50ms);
      const std::size_t count = co_await both.b.server.read_some(buffer);
      read += count;
    }
    EXPECT_EQ(outcome.error, "not yet");
    while (outcome.error == "not yet") co_await sleep(5ms);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_GT(read, 0U);
  EXPECT_TRUE(outcome.error.ends_with("idle for 400 ms")) << outcome.error;
}

CO_TEST_P(RelayOfSlowReader, a_reader_that_takes_less_than_wakes_the_writer_is_not_idle) {
  Between both = co_await between(transport);
  Outcome outcome;
  const std::vector<std::byte> data = random_bytes(std::size_t{32} << 20U, seed());
  auto sending = [&]() -> Task<> { co_await attempt(both.a.client.write_all(data)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client, {.idle_limit = 500ms}));
    group.start(sending());
    std::vector<std::byte> buffer(40'000);
    const TimePoint begin = now();
    while (now() - begin < 2s && outcome.error == "not yet") {
      co_await sleep(20ms);
      co_await both.b.server.read_some(buffer);
    }
    EXPECT_EQ(outcome.error, "not yet");
    while (outcome.error == "not yet") co_await sleep(5ms);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_TRUE(outcome.error.ends_with("idle for 500 ms")) << outcome.error;
}

CO_TEST(Relay, a_reset_after_one_direction_has_ended_is_a_failure) {
  if (is_simulated()) co_return;  // there a reset is told by the next write
  Between both = co_await between();
  Outcome outcome;
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, both.a.server, both.b.client));
    co_await both.a.client.shutdown_write();
    const std::string end = co_await read_to_end(both.b.server);
    EXPECT_EQ(end, "");
    co_await both.b.server.write_all("answer");
    const std::string answer = co_await read_text(both.a.client, 6);
    EXPECT_EQ(answer, "answer");
    co_await both.a.client.reset();
    co_await both.b.server.shutdown_write();
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_TRUE(outcome.error.ends_with("relaying from b to a")) << outcome.error;
}

CO_TEST(Relay, idle_relays_hold_no_buffers) {
  std::vector<Between> all;
  for (int i = 0; i < 6;
       ++i) {  // with more streams than the smallest pool of the tests has buffers
    Between one = co_await between();
    all.push_back(std::move(one));
  }
  std::vector<Outcome> outcomes(all.size());
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < all.size(); ++i) {
      group.start(relay_into(outcomes[i], all[i].a.server, all[i].b.client));
    }
    for (Between& one : all) {
      co_await one.a.client.write_all("ping");
      const std::string ping = co_await read_text(one.b.server, 4);
      EXPECT_EQ(ping, "ping");
    }
    for (Between& one : all) {
      co_await one.a.client.shutdown_write();
      co_await one.b.server.shutdown_write();
    }
    co_await group.join();
  };
  co_await with_timeout(patience, with_group(body));
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.error, "");
}

/// Two pipes as a stream: what a program has as its standard input and output.
class PipePair final : public Stream {
 public:
  PipePair(DescriptorStream input, DescriptorStream output)
      : input_(std::move(input)), output_(std::move(output)) {}
  [[nodiscard]] Task<> shutdown_write() override { return output_.shutdown_write(); }
  [[nodiscard]] Task<> close() override {
    co_await input_.close();
    co_await output_.close();
  }
  [[nodiscard]] bool is_open() const noexcept override { return output_.is_open(); }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
    input_.begin_read(io, into);
  }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    output_.begin_write(io, request);
  }
  void begin_receive(detail::StreamReceiveIo& io) override { input_.begin_receive(io); }

 private:
  DescriptorStream input_;
  DescriptorStream output_;
};

// A pipe does not say what is on its way, and what was received is written to it page by page.
CO_TEST(Relay, to_a_pipe_whose_reader_is_slow_is_not_idle) {
  Pipe pipe;
  ::fcntl(pipe.writer.get(), F_SETPIPE_SZ, 4096);
  Pair pair = co_await connected(Transport::unix_socket);
  DescriptorStream output =
      co_await DescriptorStream::open(pipe.writer.get(), DescriptorStream::Direction::output);
  DescriptorStream reading =
      co_await DescriptorStream::open(pipe.reader.get(), DescriptorStream::Direction::input);
  Pipe none;
  none.writer.close();
  DescriptorStream input =
      co_await DescriptorStream::open(none.reader.get(), DescriptorStream::Direction::input);
  PipePair pipes(std::move(input), std::move(output));
  Outcome outcome;
  const std::vector<std::byte> data = random_bytes(std::size_t{1} << 20U, seed());
  auto sending = [&]() -> Task<> { co_await attempt(pair.client.write_all(data)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, pair.server, pipes, {.idle_limit = 500ms}));
    group.start(sending());
    std::vector<std::byte> buffer(4096);
    for (int i = 0; i < 25 && outcome.error == "not yet"; ++i) {
      co_await sleep(100ms);
      co_await reading.read_some(buffer);
    }
    EXPECT_EQ(outcome.error, "not yet");
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(Relay, between_pipes_and_a_socket) {
  Pipe in;
  Pipe out;
  Pair pair = co_await connected();
  DescriptorStream input =
      co_await DescriptorStream::open(in.reader.get(), DescriptorStream::Direction::input);
  DescriptorStream output =
      co_await DescriptorStream::open(out.writer.get(), DescriptorStream::Direction::output);
  DescriptorStream feeding =
      co_await DescriptorStream::open(in.writer.get(), DescriptorStream::Direction::output);
  DescriptorStream reading =
      co_await DescriptorStream::open(out.reader.get(), DescriptorStream::Direction::input);
  in.writer.release();   // `feeding` closes it
  out.writer.release();  // and the relay this
  PipePair pipes(std::move(input), std::move(output));
  Outcome outcome;
  std::string back;
  auto body = [&](Group& group) -> Task<> {
    group.start(relay_into(outcome, pipes, pair.client, {.idle_limit = 10s}));
    co_await feeding.write_all("through the pipe");
    co_await feeding.shutdown_write();
    const std::string there = co_await read_to_end(pair.server);
    EXPECT_EQ(there, "through the pipe");
    co_await pair.server.write_all("and back");
    co_await pair.server.shutdown_write();
    back = co_await read_to_end(reading);
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_EQ(back, "and back");
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.counts.a_to_b, 16U);
}

}  // namespace
}  // namespace ieum::test
