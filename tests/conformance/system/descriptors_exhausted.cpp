// Descriptors run out: the server keeps serving those it has, does not spin, and goes on accepting
// once some are free.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// A limit of few descriptors. Before anything is accepted: the kernel notes the limit when an
/// accept of io_uring's begins, not when a client comes.
class FewDescriptors {
 public:
  FewDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const Descriptor lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(lowest.get()) + 60;
    setrlimit(RLIMIT_NOFILE, &low);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Takes every descriptor that is left.
class NoDescriptors {
 public:
  NoDescriptors() {
    for (;;) {
      Descriptor taken(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (taken.get() < 0) break;
      taken_.push_back(std::move(taken));
    }
  }

  void free(std::size_t count) { taken_.resize(taken_.size() - count); }
  void free_all() { taken_.clear(); }

 private:
  std::vector<Descriptor> taken_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Task<> expect_served(StreamSocket& client) {
  co_await client.write_all("hello");
  const std::string text = co_await read_text(client, 5);
  EXPECT_EQ(text, "hello");
}

CO_TEST(DescriptorsExhausted, the_server_serves_on_without_spinning_and_accepts_again) {
  const FewDescriptors few;
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    std::vector<StreamSocket> present;
    for (int i = 0; i < 5; ++i) {
      present.push_back(co_await StreamSocket::connect(address));
      co_await expect_served(present.back());
    }

    NoDescriptors none;
    std::vector<StreamSocket> waiting;
    for (int i = 0; i < 3; ++i) {
      none.free(1);
      waiting.push_back(co_await StreamSocket::connect(address));
      co_await waiting.back().write_all("hello");
    }
    const double cpu_before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    while (seconds_since(start) < 2) {
      for (StreamSocket& client : present) co_await expect_served(client);
      co_await sleep(100ms);
    }
    const double used = (cpu_seconds() - cpu_before) / seconds_since(start);
    EXPECT_LT(used, 0.05) << "of a processor";
    EXPECT_EQ(server.sessions(), 5U);
    EXPECT_GT(server.counters().refused_by_system, 0U);
    EXPECT_LT(server.counters().refused_by_system, 50U);

    none.free_all();
    const auto freed = std::chrono::steady_clock::now();
    for (StreamSocket& client : waiting) {
      const std::string text = co_await read_text(client, 5);
      EXPECT_EQ(text, "hello");
    }
    EXPECT_LT(seconds_since(freed), 5);
    EXPECT_EQ(server.sessions(), 8U);
    co_await server.drain(0ms);
  };
  co_await with_group(body);
}

CO_TEST(DescriptorsExhausted, the_end_of_a_session_makes_room_at_once) {
  const FewDescriptors few;
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  // The pause alone would take an hour.
  Server server(std::move(listener), echo, {.retry_pause = 1h});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket present = co_await StreamSocket::connect(address);
    co_await expect_served(present);
    NoDescriptors none;
    none.free(1);
    StreamSocket waiting = co_await StreamSocket::connect(address);
    while (server.counters().refused_by_system == 0) co_await sleep(1ms);
    co_await present.close();
    co_await with_timeout(10s, expect_served(waiting));
    none.free_all();
    co_await server.drain(0ms);
  };
  co_await with_group(body);
}

CO_TEST(DescriptorsExhausted, a_drain_ends_the_pause) {
  const FewDescriptors few;
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.retry_pause = 1h});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    NoDescriptors none;
    none.free(1);
    StreamSocket waiting = co_await StreamSocket::connect(address);
    while (server.counters().refused_by_system == 0) co_await sleep(1ms);
    const DrainReport report = co_await server.drain(1h);
    EXPECT_EQ(report.finished + report.cut, 0U);
  };
  co_await with_timeout(10s, with_group(body));
}

CO_TEST(DescriptorsExhausted, an_accept_of_ones_own_fails_and_can_be_tried_again) {
  const FewDescriptors few;
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string address = listener.address().to_string();
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  NoDescriptors none;
  Result<StreamSocket> server = co_await attempt(listener.accept());
  CO_ASSERT(!server);
  EXPECT_EQ(server.error().to_string(), "accept " + address + ": too many open files");
  none.free_all();
  server = co_await attempt(listener.accept());
  EXPECT_TRUE(server);
}

CO_TEST(DescriptorsExhausted, everything_that_opens_one_says_so) {
  const FewDescriptors few;
  Listener taken = co_await Listener::bind("127.0.0.1:0");
  const Pipe pipe;
  NoDescriptors none;
  const Result<Listener> listener = Listener::bind("127.0.0.1:0");
  CO_ASSERT(!listener);
  EXPECT_EQ(listener.error().to_string(), "listen 127.0.0.1:0: too many open files");
  const Result<Signals> signals = Signals::create(SIGUSR1);
  CO_ASSERT(!signals);
  EXPECT_EQ(signals.error().to_string(), "catch signals: too many open files");
  const auto input = DescriptorStream::Direction::input;
  const Result<DescriptorStream> stream = DescriptorStream::open(pipe.reader.get(), input);
  CO_ASSERT(!stream);
  EXPECT_EQ(stream.error().to_string(), "open input: too many open files");
  const Result<std::unique_ptr<Runtime>> runtime = Runtime::create();
  CO_ASSERT(!runtime);
  EXPECT_EQ(runtime.error().to_string(), "create runtime: too many open files");
  // Without a descriptor to look for the holder, the error is the same but for the holder.
  const Result<Listener> second = [&] {
    none.free(1);
    return Listener::bind(taken.address());
  }();
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
}

}  // namespace
}  // namespace ieum::test
