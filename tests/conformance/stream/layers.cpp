// What holds for a socket holds through layers over it: three toy layers, one on another.
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "conformance/pieces.hpp"
#include "support/xor_stream.hpp"

namespace ieum::test {
namespace {

struct LayeredPair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};
Task<LayeredPair> layered_pair(Transport transport = Transport::ipv4) {
  Pair pair = co_await connected(transport);
  co_return LayeredPair{layered(std::move(pair.client)), layered(std::move(pair.server))};
}

CO_TEST(Layers, a_reset_and_a_close_beneath_are_told_with_the_peers_address) {
  LayeredPair pair = co_await layered_pair();
  const Address peer = pair.server->peer_address();
  EXPECT_EQ(co_await pair.client->local_address(), peer);
  co_await pair.client->reset();
  EXPECT_FALSE(pair.client->is_open());
  const Result<Lease> received = co_await attempt(pair.server->receive());
  CO_ASSERT(!received);
  EXPECT_EQ(received.error(), std::errc::connection_reset);
  EXPECT_EQ(received.error().address(), peer);
  const Result<> closed = co_await attempt(pair.client->write_all("x"));
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
}

CO_TEST(Layers, a_close_ends_what_is_pending) {
  LayeredPair pair = co_await layered_pair();
  Result<Lease> received = fail(std::errc::io_error, "not set");
  auto receiving = [&]() -> Task<> { received = co_await attempt(pair.server->receive()); };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await yield();
    co_await pair.server->close();
  };
  co_await with_group(body);
  CO_ASSERT(!received);
  EXPECT_EQ(received.error(), std::errc::operation_canceled);
}

/// Whose operations are tasks, which throw or fail, at once or later.
class Unruly final : public Stream {
 public:
  enum class Does : std::uint8_t { throws, fails };
  Does does = Does::throws;
  bool later = false;

  [[nodiscard]] Task<> shutdown_write() override { co_return; }
  [[nodiscard]] Task<> close() override { co_return; }
  [[nodiscard]] bool is_open() const noexcept override { return true; }
  void begin_read(detail::StreamIo& io, std::span<std::byte> /*into*/) override {
    io.use(misbehave());
  }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& /*write*/) override {
    io.use(misbehave());
  }

 private:
  Task<std::size_t> misbehave() {
    if (later) co_await sleep(1ms);
    if (does == Does::throws) throw std::runtime_error("unruly");
    co_return fail(std::errc::io_error, "misbehave");
  }
};

CO_TEST(Layers, exceptions_and_failures_of_tasks_beneath_come_through) {
  auto own = std::make_unique<Unruly>();
  Unruly& unruly = *own;
  const std::unique_ptr<Stream> stream = layered(std::unique_ptr<Stream>(std::move(own)));
  std::array<std::byte, 10> buffer{};
  for (int round = 0; round < 4; ++round) {
    unruly.later = round % 2 == 1;
    unruly.does = Unruly::Does::throws;
    std::string what;
    try {
      static_cast<void>(co_await attempt(stream->read_some(buffer)));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "unruly");
    what.clear();
    try {
      static_cast<void>(co_await attempt(stream->receive()));
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "unruly");
    for (int write = 0; write < 2; ++write) {  // the first leaves nothing to the second
      what.clear();
      try {
        static_cast<void>(co_await attempt(stream->write_all("x")));
      } catch (const std::runtime_error& error) {
        what = error.what();
      }
      EXPECT_EQ(what, "unruly");
    }
    unruly.does = Unruly::Does::fails;
    const Result<> written = co_await attempt(stream->write_all("x"));
    CO_ASSERT(!written);
    EXPECT_EQ(written.error(), std::errc::io_error);
    const Result<> readable = co_await attempt(stream->wait_readable());
    CO_ASSERT(!readable);
    EXPECT_EQ(readable.error(), std::errc::operation_not_supported);
  }
}

CO_TEST(Layers, an_operation_has_ended_when_its_result_is_there) {
  LayeredPair pair = co_await layered_pair();
  co_await pair.client->write_all("abcd");
  auto then_read = [](Stream& from, Lease first) -> Task<std::string> {
    co_return std::string(first.text()) + co_await read_text(from, 2);
  };
  Lease first = co_await pair.server->receive();
  EXPECT_EQ(first.text(), "abcd");
  co_await pair.client->write_all("ef");
  auto send_more = [&]() -> Task<> {
    co_await yield();
    co_await pair.client->write_all("gh");
  };
  std::string text;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_more());
    text = co_await then_read(*pair.server, co_await pair.server->receive());
  };
  co_await with_group(body);
  EXPECT_EQ(text, "efgh");
  // The stream may go before the expression that has read from it ends.
  auto then_destroy = [&pair](Lease last) -> Task<std::string> {
    pair.server.reset();
    co_return std::string(last.text());
  };
  co_await pair.client->write_all("ij");
  text = co_await then_destroy(co_await pair.server->receive());
  EXPECT_EQ(text, "ij");
}

/// Reads a byte at a time from what is beneath until it has all, or the end.
class ByteByByte final : public Stream {
 public:
  explicit ByteByByte(Stream& beneath) : beneath_(beneath), reading_(*this) {}
  bool lacks_memory = false;  // the next read
  int given_up = 0;
  std::size_t read_so_far = 0;

  [[nodiscard]] Task<> shutdown_write() override { co_return; }
  [[nodiscard]] Task<> close() override { co_return; }
  [[nodiscard]] bool is_open() const noexcept override { return true; }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
    if (!io.use(reading_)) return;
    if (std::exchange(lacks_memory, false)) throw std::bad_alloc();
    reading_.into = into;
  }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    beneath_.begin_write(io, request);
  }

 private:
  class Reading final : public LayerOperation {
   public:
    explicit Reading(ByteByByte& of) noexcept : LayerOperation("read bytes"), of_(of) {}
    std::span<std::byte> into;

   private:
    [[nodiscard]] Address peer_address() const noexcept override { return {}; }
    Step advance() noexcept override {
      if (has_ended_beneath()) {
        const std::size_t gone = take_count();
        of_.read_so_far += gone;
        count += gone;
        if (gone == 0) return fail_with(Errc::end_of_stream);
      }
      if (count == into.size()) return Step::done;
      return read_beneath(of_.beneath_, into.subspan(count, 1));
    }
    Step gave_up(Error& /*error*/) noexcept override {
      ++of_.given_up;
      return Step::failed;
    }
    ByteByByte& of_;
  };
  Stream& beneath_;
  Reading reading_;
};

CO_TEST(Layers, of_many_steps_lets_others_run_and_heeds_a_stop) {
  Pair pair = co_await connected();
  ByteByByte stream(pair.server);
  std::vector<std::byte> buffer(5000);
  co_await pair.client.write_all(random_bytes(buffer.size(), seed()));
  co_await pair.server.wait_readable();
  std::size_t others = 0;
  bool done = false;
  auto counting = [&]() -> Task<> {
    while (!done) {
      ++others;
      co_await yield();
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(counting());
    const std::size_t count = co_await stream.read_some(buffer);
    EXPECT_EQ(count, buffer.size());
    EXPECT_GT(others, 10U);
    done = true;
  };
  co_await with_group(body);
  EXPECT_EQ(stream.given_up, 0);
  // A stop that comes while it lets others run.
  co_await pair.client.write_all(random_bytes(buffer.size(), seed()));
  co_await pair.server.wait_readable();
  Result<std::size_t> read = 0;
  auto stopped = [&](Group& group) -> Task<> {
    auto stopping = [&group]() -> Task<> {
      group.stop();
      co_return;
    };
    group.start(stopping());
    read = co_await attempt(stream.read_some(buffer));
  };
  const std::size_t before = stream.read_so_far;
  static_cast<void>(co_await attempt(with_group(stopped)));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::operation_canceled);
  EXPECT_EQ(stream.given_up, 1);
  const std::size_t left = buffer.size() - (stream.read_so_far - before);
  const std::size_t rest = co_await stream.read_some(std::span(buffer).first(left));
  EXPECT_EQ(rest, left) << "nothing is lost";
}

CO_TEST(Layers, that_fail_after_a_wait_or_for_want_of_memory_can_be_used_again) {
  Pair pair = co_await connected();
  ByteByByte stream(pair.server);
  std::array<std::byte, 3> buffer{};
  stream.lacks_memory = true;
  Result<std::size_t> read = co_await attempt(stream.read_some(buffer));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::not_enough_memory);
  auto sending = [&]() -> Task<> {
    co_await yield();
    co_await pair.client.write_all("abcd");
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    const std::size_t count = co_await stream.read_some(buffer);
    EXPECT_EQ(count, 3U);
    read = co_await attempt(stream.read_some(buffer));
  };
  co_await with_group(body);
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), Errc::end_of_stream);
  EXPECT_EQ(stream.read_so_far, 4U);
}

CO_TEST(Layers, one_that_never_waits_lets_others_run) {
  LayeredPair pair = co_await layered_pair();
  co_await expect_others_to_run_beside(*pair.client, *pair.server);
}

}  // namespace
}  // namespace ieum::test
