// What outlives what: sockets that nobody took, operations kept for later, work of closed streams.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <semaphore>

#include "base/driver.hpp"
#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

Task<Listener> listen_somewhere() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  co_return listener;
}

TEST(Lifetimes, an_accepted_socket_that_nobody_takes_is_closed) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  Result<Listener> listener = run(*runtime, listen_somewhere());
  ASSERT_TRUE(listener);
  Result<StreamSocket> client = run(*runtime, StreamSocket::connect(listener->address()));
  ASSERT_TRUE(client);
  {
    Running<StreamSocket> accepting = runtime->start(listener->accept());
    while (!accepting.done()) runtime->turn();
  }  // and nobody asked for it
  std::array<std::byte, 1> buffer{};
  const Result<std::size_t> end = run(*runtime, with_timeout(5s, client->read_some(buffer)));
  ASSERT_TRUE(end) << end.error().to_string();
  EXPECT_EQ(*end, 0U);
}

Task<> keep_a_read_for_later() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  StreamSocket first = co_await StreamSocket::connect(listener.address());
  StreamSocket first_peer = co_await listener.accept();
  std::array<std::byte, 16> buffer{};
  auto kept = first.read_some(buffer);
  const int number = first.native_handle();
  co_await first.close();
  StreamSocket second = co_await StreamSocket::connect(listener.address());
  EXPECT_EQ(second.native_handle(), number);  // the very number
  StreamSocket second_peer = co_await listener.accept();
  co_await second_peer.write_all("for the second only");
  Result<std::size_t> read = co_await attempt(std::move(kept));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::bad_file_descriptor);
}

TEST(Lifetimes, an_operation_kept_over_a_close_never_reads_from_the_next_connection) {
  expect_success(keep_a_read_for_later());
}

Task<> read_past_an_urgent_byte() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  StreamSocket server = co_await listener.accept();
  // Waits first, so that all three come with one event.
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    auto send = [&]() -> Task<> {
      co_await yield();
      ::send(client.native_handle(), "abc", 3, 0);
      ::send(client.native_handle(), "x", 1, MSG_OOB);
      ::send(client.native_handle(), "def", 3, 0);
    };
    group.start(send());
    while (got.size() < 6) {
      std::array<char, 64> buffer{};
      auto reading = server.read_some(std::as_writable_bytes(std::span(buffer)));
      const std::size_t count = co_await with_timeout(5s, std::move(reading));
      got.append(buffer.data(), count);
    }
    // The lambda is this frame's: its task ends before it.
    while (group.running() > 0) co_await yield();
  };
  co_await with_group(body);
  EXPECT_EQ(got, "abcdef");
}

TEST(Lifetimes, a_read_goes_on_past_an_urgent_byte) { expect_success(read_past_an_urgent_byte()); }

CO_TEST(Lifetimes, a_descriptor_that_blocks_is_not_the_drivers) {
  Pipe pipe;
  EXPECT_EQ(::fcntl(pipe.reader.get(), F_SETFL, 0), 0);
  EXPECT_LT(detail::Loop::current()->driver().adopt(pipe.reader.get()), 0);
  co_return;
}

struct TemporaryFile {
  TemporaryFile() : descriptor(::mkstemp(path)) {}
  ~TemporaryFile() { ::unlink(path); }
  std::string content() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  char path[32] = "/tmp/ieum-lifetimes-XXXXXX";
  int descriptor;
};

Task<> hold(std::binary_semaphore& until) {
  auto wait = [&until] { until.acquire(); };
  auto work = offload(wait);
  co_await std::move(work);
}

Task<> write_late(DescriptorStream& output) { co_await output.write_all("of the first"); }

Task<> close_with_work_queued(TemporaryFile& first, TemporaryFile& second) {
  std::binary_semaphore gate(0);
  DescriptorStream output =
      co_await DescriptorStream::open(first.descriptor, DescriptorStream::Direction::output);
  auto body = [&](Group& group) -> Task<> {
    group.start(hold(gate));  // the pool's only thread
    co_await yield();
    group.start(write_late(output));
    co_await yield();
    co_await yield();
    co_await output.close();
    // Its number is taken again at once.
    CO_ASSERT(::dup2(second.descriptor, first.descriptor) >= 0);
    gate.release();
  };
  co_await with_group(body);
  ::close(first.descriptor);
}

TEST(Lifetimes, work_of_a_closed_stream_stays_with_its_own_file) {
  TemporaryFile first;
  TemporaryFile second;
  const std::unique_ptr<Runtime> runtime = make_runtime({.offload_threads_max = 1});
  const Result<> result = run(*runtime, close_with_work_queued(first, second));
  ASSERT_TRUE(result) << result.error().to_string_with_trace();
  ::close(second.descriptor);
  EXPECT_EQ(first.content(), "of the first");
  EXPECT_EQ(second.content(), "");
}

TEST(Lifetimes, a_foreign_number_that_is_not_open_is_an_error_whatever_its_size) {
  expect_failure(std::errc::bad_file_descriptor, wait_readable(2'000'000'000));
  expect_failure(std::errc::bad_file_descriptor, wait_writable(-1));
}

TEST(Lifetimes, times_in_the_far_past_and_future_are_in_order) {
  expect_success(sleep(Duration::min()));
  expect_failure(std::errc::timed_out, with_timeout(Duration::min(), sleep(Duration::max())));
}

}  // namespace
}  // namespace ieum::test
