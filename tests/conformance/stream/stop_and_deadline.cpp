// Stops and deadlines, before, during and after the completion of every kind of operation. The
// tests turn the runtime themselves, so that "at the same time" means the same turn.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <latch>
#include <memory>
#include <thread>

#include "base/driver.hpp"
#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

// ---- The kinds of operations --------------------------------------------------------------------

/// An operation that waits until it is allowed to complete.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;
  virtual Task<> operation() = 0;
  /// What it waits for happens; the driver hears of it in the next turn.
  virtual void complete() = 0;
  /// Whether it then completes in that turn: it is a single operation of the driver's, and needs no
  /// timer of the system's.
  [[nodiscard]] virtual bool is_prompt() const { return true; }
};

class Read final : public Stage {
 public:
  explicit Read(Runtime& runtime, Transport transport = Transport::ipv4)
      : runtime_(runtime), pair_(run(runtime, connected(transport)).value()) {}
  Task<> operation() override {
    const std::size_t count = co_await pair_.client.read_some(buffer_);
    EXPECT_EQ(count, 5U) << "something was lost";
  }
  void complete() override { send_now(pair_.server.native_handle(), "hello", runtime_); }

 private:
  Runtime& runtime_;
  Pair pair_;
  std::array<std::byte, 64> buffer_{};
};

class ReadUnix final : public Stage {
 public:
  explicit ReadUnix(Runtime& runtime) : read_(runtime, Transport::unix_socket) {}
  Task<> operation() override { return read_.operation(); }
  void complete() override { read_.complete(); }

 private:
  Read read_;
};

class Receive final : public Stage {
 public:
  explicit Receive(Runtime& runtime)
      : runtime_(runtime), pair_(run(runtime, connected()).value()) {}
  Task<> operation() override {
    const Lease data = co_await pair_.client.receive();
    EXPECT_EQ(data.text(), "hello") << "something was lost";
  }
  void complete() override { send_now(pair_.server.native_handle(), "hello", runtime_); }

 private:
  Runtime& runtime_;
  Pair pair_;
};

class WriteUnix : public Stage {
 public:
  explicit WriteUnix(Runtime& runtime, Transport transport = Transport::unix_socket)
      : runtime_(runtime), pair_(run(runtime, connected_with_small_buffers(transport)).value()) {
    fill(pair_.client.native_handle(), &runtime_);
  }
  Task<> operation() override { co_await pair_.client.write_all("x"); }
  void complete() override { drain(pair_.server.native_handle(), &runtime_); }

 private:
  Runtime& runtime_;
  Pair pair_;
};

class Write final : public WriteUnix {
 public:
  explicit Write(Runtime& runtime) : WriteUnix(runtime, Transport::ipv4) {}
  [[nodiscard]] bool is_prompt() const override { return false; }  // the window opens by and by
};

class Accept final : public Stage {
 public:
  explicit Accept(Runtime& runtime) : runtime_(runtime) {
    const auto bind = []() -> Task<Listener> { co_return Listener::bind("127.0.0.1:0"); };
    listener_ = run(runtime, bind()).value();
  }
  Task<> operation() override { StreamSocket socket = co_await listener_.accept(); }
  [[nodiscard]] bool is_prompt() const override { return !is_simulated(runtime_); }
  void complete() override {
    if (is_simulated(runtime_)) {
      tasks_.push_back(std::make_unique<Running<StreamSocket>>(
          runtime_, StreamSocket::connect(listener_.address())));
      return;
    }
    clients_.emplace_back(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(listener_.address().port());
    const auto* any = reinterpret_cast<const sockaddr*>(&name);
    EXPECT_EQ(::connect(clients_.back().get(), any, sizeof name), 0);
  }

 private:
  Runtime& runtime_;
  Listener listener_;
  std::vector<Descriptor> clients_;
  std::vector<std::unique_ptr<Running<StreamSocket>>> tasks_;
};

/// To a listener whose backlog is full.
class ConnectUnix final : public Stage {
 public:
  explicit ConnectUnix(Runtime& runtime) : runtime_(runtime) {
    const auto bind = []() -> Task<Listener> {
      co_return Listener::bind(any_address(Transport::unix_socket), {.backlog = 0});
    };
    listener_ = run(runtime, bind()).value();
    first_ = run(runtime, StreamSocket::connect(listener_.address())).value();
  }
  Task<> operation() override {
    StreamSocket socket = co_await StreamSocket::connect(listener_.address());
  }
  void complete() override {
    if (is_simulated(runtime_)) {
      accept_simulated();
      return;
    }
    const Descriptor accepted(::accept(listener_.native_handle(), nullptr, nullptr));
    EXPECT_GE(accepted.get(), 0);
  }
  [[nodiscard]] bool is_prompt() const override { return false; }

 private:
  void accept_simulated() {
    detail::Driver& driver = runtime_.loop().driver();
    Address client;
    detail::Operation operation(detail::Operation::Kind::accept, listener_.native_handle());
    operation.address = &client;
    EXPECT_TRUE(driver.submit(operation) && operation.result >= 0) << operation.result;
    driver.discard(static_cast<int>(operation.result));
  }

  Runtime& runtime_;
  Listener listener_;
  StreamSocket first_;
};

/// The ends of a pipe; or, where there are no descriptors, of a simulated connection.
class Ends {
 public:
  explicit Ends(Runtime& runtime) : runtime_(runtime) {
    if (is_simulated(runtime)) {
      pair_ = run(runtime, connected_with_small_buffers(Transport::unix_socket)).value();
    } else {
      pipe_.emplace();
    }
  }
  [[nodiscard]] int reader() const {
    return pipe_ ? pipe_->reader.get() : pair_.server.native_handle();
  }
  [[nodiscard]] int writer() const {
    return pipe_ ? pipe_->writer.get() : pair_.client.native_handle();
  }
  void write() {
    if (pipe_) {
      EXPECT_EQ(::write(pipe_->writer.get(), "x", 1), 1);
    } else {
      send_now(writer(), "x", runtime_);
    }
  }
  void fill() { test::fill(writer(), &runtime_); }
  void drain() { test::drain(reader(), &runtime_); }

 private:
  Runtime& runtime_;
  std::optional<Pipe> pipe_;
  Pair pair_;
};

class WaitReadable final : public Stage {
 public:
  explicit WaitReadable(Runtime& runtime) : ends_(runtime) {}
  Task<> operation() override {
    co_await wait_readable(ends_.reader());
    ends_.drain();
  }
  void complete() override { ends_.write(); }

 private:
  Ends ends_;
};

class WaitWritable final : public Stage {
 public:
  explicit WaitWritable(Runtime& runtime) : ends_(runtime) { ends_.fill(); }
  Task<> operation() override {
    co_await wait_writable(ends_.writer());
    ends_.fill();
  }
  void complete() override { ends_.drain(); }

 private:
  Ends ends_;
};

class EventWait final : public Stage {
 public:
  explicit EventWait(Runtime& /*runtime*/) {}
  Task<> operation() override {
    co_await event_.wait();
    event_.reset();
  }
  void complete() override { event_.set(); }

 private:
  Event event_;
};

class NextSignal final : public Stage {
 public:
  explicit NextSignal(Runtime& runtime) {
    const auto create = []() -> Task<Signals> { co_return Signals::create(SIGUSR1); };
    Result<Signals> signals = run(runtime, create());
    signals_.emplace(*std::move(signals));
  }
  Task<> operation() override {
    const int number = co_await signals_->next();
    EXPECT_EQ(number, SIGUSR1);
  }
  void complete() override { ::raise(SIGUSR1); }

 private:
  std::optional<Signals> signals_;
};

class WaitAcknowledged final : public Stage {
 public:
  explicit WaitAcknowledged(Runtime& runtime)
      : runtime_(runtime), pair_(run(runtime, connected_with_small_buffers()).value()) {
    fill(pair_.client.native_handle(), &runtime_);
  }
  Task<> operation() override { co_await pair_.client.wait_acknowledged(); }
  void complete() override { drain(pair_.server.native_handle(), &runtime_); }
  [[nodiscard]] bool is_prompt() const override { return false; }

 private:
  Runtime& runtime_;
  Pair pair_;
};

/// A pipe, read through an opening of its own.
class ReadPipe final : public Stage {
 public:
  explicit ReadPipe(Runtime& runtime) {
    const auto open = [](int descriptor) -> Task<DescriptorStream> {
      co_return DescriptorStream::open(descriptor, DescriptorStream::Direction::input);
    };
    stream_.emplace(run(runtime, open(pipe_.reader.get())).value());
  }
  Task<> operation() override {
    const std::size_t count = co_await stream_->read_some(buffer_);
    EXPECT_EQ(count, 5U) << "something was lost";
  }
  void complete() override { EXPECT_EQ(::write(pipe_.writer.get(), "hello", 5), 5); }

 private:
  Pipe pipe_;
  std::optional<DescriptorStream> stream_;
  std::array<std::byte, 64> buffer_{};
};

/// A descriptor that can only be polled.
class ReadPolled final : public Stage {
 public:
  explicit ReadPolled(Runtime& runtime) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    reader_ = Descriptor(ends[0]);
    writer_ = Descriptor(ends[1]);
    const auto open = [](int descriptor) -> Task<DescriptorStream> {
      co_return DescriptorStream::open(descriptor, DescriptorStream::Direction::input);
    };
    stream_.emplace(run(runtime, open(reader_.get())).value());
  }
  Task<> operation() override {
    const std::size_t count = co_await stream_->read_some(buffer_);
    EXPECT_EQ(count, 5U) << "something was lost";
  }
  void complete() override { EXPECT_EQ(::write(writer_.get(), "hello", 5), 5); }
  [[nodiscard]] bool is_prompt() const override { return false; }

 private:
  Descriptor reader_;
  Descriptor writer_;
  std::optional<DescriptorStream> stream_;
  std::array<std::byte, 64> buffer_{};
};

struct Kind {
  const char* name;
  std::unique_ptr<Stage> (*make)(Runtime&);
};
template <class S>
Kind kind(const char* name) {
  return {name,
          [](Runtime& runtime) -> std::unique_ptr<Stage> { return std::make_unique<S>(runtime); }};
}
void PrintTo(const Kind& of, std::ostream* out) { *out << of.name; }

// ---- What must hold for all of them -------------------------------------------------------------

class StopAndDeadline : public testing::TestWithParam<Kind> {
 protected:
  /// Runs the loop until nothing is left to do but to wait.
  void settle() {
    for (int i = 0; i < 8; ++i) runtime_->turn(Duration::zero());
  }
  template <class T>
  void finish(Running<T>& running) {
    while (!running.done()) runtime_->turn();
  }
  /// After it was cancelled: nothing of the cancelled one is left, and nothing was lost.
  void expect_works() {
    EXPECT_EQ(runtime_->pending_operations(), 0U);
    stage_->complete();
    const Result<> result = run(*runtime_, with_timeout(patience, stage_->operation()));
    if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
  }

  std::unique_ptr<Runtime> runtime_ = make_runtime();
  std::unique_ptr<Stage> stage_ = GetParam().make(*runtime_);
};

INSTANTIATE_TEST_SUITE_P(
    , StopAndDeadline,
    testing::Values(kind<Read>("read"), kind<ReadUnix>("read_unix"), kind<Receive>("receive"),
                    kind<Write>("write"), kind<WriteUnix>("write_unix"), kind<Accept>("accept"),
                    kind<ConnectUnix>("connect"), kind<WaitReadable>("wait_readable"),
                    kind<WaitWritable>("wait_writable"), kind<EventWait>("event"),
                    kind<NextSignal>("signal"), kind<WaitAcknowledged>("wait_acknowledged"),
                    kind<ReadPipe>("read_pipe"), kind<ReadPolled>("read_polled")),
    [](const auto& of) { return std::string(of.param.name); });

Task<std::string> in_a_stopped_group(Stage& stage) {
  std::string ended;
  auto body = [&](Group& group) -> Task<> {
    group.stop();
    Result<> result = co_await attempt(stage.operation());
    ended = result ? "succeeded" : result.error().code().message();
  };
  co_await with_group(body);
  co_return ended;
}

TEST_P(StopAndDeadline, stopped_before) {
  const Result<std::string> ended = run(*runtime_, in_a_stopped_group(*stage_));
  EXPECT_EQ(ended.value(), std::make_error_code(std::errc::operation_canceled).message());
  expect_works();
}

TEST_P(StopAndDeadline, stopped_while_it_waits) {
  Running<void> running = runtime_->start(stage_->operation());
  settle();
  ASSERT_FALSE(running.done());
  running.stop();
  finish(running);
  const Result<> result = running.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
  EXPECT_TRUE(result.error().to_string().ends_with(": canceled")) << result.error().to_string();
  expect_works();
}

TEST_P(StopAndDeadline, stopped_twice_while_it_waits) {
  Running<void> running = runtime_->start(stage_->operation());
  settle();
  running.stop();
  running.stop();
  runtime_->stop();
  finish(running);
  EXPECT_EQ(running.take().error(), std::errc::operation_canceled);
}

TEST_P(StopAndDeadline, destroyed_while_it_waits) {
  {
    Running<void> running = runtime_->start(stage_->operation());
    settle();
    ASSERT_FALSE(running.done());
  }
  expect_works();
}

TEST_P(StopAndDeadline, timed_out_while_it_waits) {
  const Result<> result = run(*runtime_, with_timeout(5ms, stage_->operation()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::timed_out);
  EXPECT_TRUE(result.error().to_string().ends_with(": timed out after 5 ms"))
      << result.error().to_string();
  expect_works();
}

TEST_P(StopAndDeadline, timed_out_at_once) {
  const Result<> result = run(*runtime_, with_timeout(0ms, stage_->operation()));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::timed_out);
  expect_works();
}

TEST_P(StopAndDeadline, stopped_within_a_deadline_is_no_time_out) {
  Running<void> running = runtime_->start(with_timeout(1h, stage_->operation()));
  settle();
  running.stop();
  finish(running);
  EXPECT_EQ(running.take().error(), std::errc::operation_canceled);
  expect_works();
}

TEST_P(StopAndDeadline, stopped_just_before_the_deadline_is_no_time_out) {
  Running<void> running = runtime_->start(with_timeout(20ms, stage_->operation()));
  settle();
  if (running.done()) return;         // this machine was too slow to come here in time
  std::this_thread::sleep_for(25ms);  // the deadline has passed, and the loop does not know it yet
  running.stop();
  finish(running);
  EXPECT_EQ(running.take().error(), std::errc::operation_canceled);
  expect_works();
}

TEST_P(StopAndDeadline, of_two_deadlines_the_inner_one_expires) {
  auto inner = with_timeout(5ms, stage_->operation());
  const Result<> result = run(*runtime_, with_timeout(1h, std::move(inner)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::timed_out);
  EXPECT_TRUE(result.error().to_string().ends_with(": timed out after 5 ms"))
      << result.error().to_string();
  expect_works();
}

TEST_P(StopAndDeadline, of_two_deadlines_the_outer_one_expires) {
  auto inner = with_timeout(1h, stage_->operation());
  const Result<> result = run(*runtime_, with_timeout(5ms, std::move(inner)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::timed_out);
  EXPECT_TRUE(result.error().to_string().ends_with(": timed out after 5 ms"))
      << result.error().to_string();
  expect_works();
}

/// The inner deadline expires and the task goes on within the outer one.
Task<> try_twice(Stage& stage) {
  Result<> first = co_await attempt(with_timeout(2ms, stage.operation()));
  EXPECT_FALSE(first);
  stage.complete();
  co_await stage.operation();
}

TEST_P(StopAndDeadline, after_the_inner_deadline_the_outer_one_still_has_time) {
  const Result<> result = run(*runtime_, with_timeout(patience, try_twice(*stage_)));
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST_P(StopAndDeadline, stopped_after_it_has_completed) {
  Running<void> running = runtime_->start(stage_->operation());
  settle();
  stage_->complete();
  finish(running);
  running.stop();
  settle();
  EXPECT_TRUE(running.take());
}

Task<> complete_then_outlive_the_deadline(Stage& stage) {
  stage.complete();
  if (!stage.is_prompt()) {
    co_await with_timeout(10s, stage.operation());
    co_return;
  }
  co_await with_timeout(20ms, stage.operation());
  co_await sleep(30ms);
}

TEST_P(StopAndDeadline, deadline_after_it_has_completed) {
  const Result<> result = run(*runtime_, complete_then_outlive_the_deadline(*stage_));
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST_P(StopAndDeadline, stopped_in_the_turn_in_which_it_completes) {
  if (!stage_->is_prompt()) return;  // there is no such turn
  Running<void> running = runtime_->start(stage_->operation());
  settle();
  stage_->complete();
  runtime_->post([&running] { running.stop(); });  // runs once the driver has been asked
  finish(running);
  const Result<> result = running.take();
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST_P(StopAndDeadline, timed_out_in_the_turn_in_which_it_completes) {
  if (!stage_->is_prompt()) return;  // there is no such turn
  Running<void> running = runtime_->start(with_timeout(20ms, stage_->operation()));
  settle();
  if (running.done()) return;  // this machine was too slow to come here in time
  std::this_thread::sleep_for(25ms);
  stage_->complete();
  finish(running);
  const Result<> result = running.take();
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST_P(StopAndDeadline, again_and_again) {
  for (int i = 0; i < 100; ++i) {
    const Result<> result = run(*runtime_, with_timeout(100us, stage_->operation()));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), std::errc::timed_out);
  }
  expect_works();
}

TEST_P(StopAndDeadline, shielded_from_the_stop_it_completes) {
  Running<void> running = runtime_->start(shield(stage_->operation(), 1h));
  settle();
  running.stop();
  settle();
  EXPECT_FALSE(running.done());
  stage_->complete();
  finish(running);
  EXPECT_TRUE(running.take());
}

TEST_P(StopAndDeadline, shielded_from_the_stop_until_the_grace_has_passed) {
  Running<void> running = runtime_->start(shield(stage_->operation(), 3ms));
  settle();
  running.stop();
  finish(running);
  EXPECT_EQ(running.take().error(), std::errc::operation_canceled);
  expect_works();
}

// ---- Connecting over TCP ------------------------------------------------------------------------

TEST(StopAndDeadlineOfConnect, stopped_in_the_turn_in_which_it_completes) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  const auto bind = []() -> Task<Listener> { co_return Listener::bind("127.0.0.1:0"); };
  const Listener listener = run(*runtime, bind()).value();
  Running<StreamSocket> running = runtime->start(StreamSocket::connect(listener.address()));
  runtime->turn(Duration::zero());  // it begins; its answer is there already
  ASSERT_FALSE(running.done());
  runtime->post([&running] { running.stop(); });
  while (!running.done()) runtime->turn();
  Result<StreamSocket> socket = running.take();
  ASSERT_TRUE(socket) << socket.error().to_string();
  EXPECT_TRUE(socket->is_open());
}

TEST(StopAndDeadlineOfConnect, stopped_before_and_while_it_waits) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  const auto bind = []() -> Task<Listener> {
    co_return Listener::bind("127.0.0.1:0", {.backlog = 0});
  };
  const Listener listener = run(*runtime, bind()).value();
  const std::string address = listener.address().to_string();
  const StreamSocket first = run(*runtime, StreamSocket::connect(listener.address())).value();
  Running<StreamSocket> waiting = runtime->start(StreamSocket::connect(listener.address()));
  Running<StreamSocket> stopped = runtime->start(StreamSocket::connect(listener.address()));
  stopped.stop();
  for (int i = 0; i < 8; ++i) runtime->turn(Duration::zero());
  ASSERT_TRUE(stopped.done());
  EXPECT_EQ(stopped.take().error().to_string(), "connect " + address + ": canceled");
  ASSERT_FALSE(waiting.done());
  waiting.stop();
  while (!waiting.done()) runtime->turn();
  EXPECT_EQ(waiting.take().error().to_string(), "connect " + address + ": canceled");
}

// ---- Sleeping -----------------------------------------------------------------------------------

CO_TEST(StopAndDeadlineOfSleep, within_a_deadline_of_the_same_length_it_completes) {
  for (int i = 0; i < 10; ++i) co_await with_timeout(1ms, sleep(1ms));
}

CO_TEST(StopAndDeadlineOfSleep, of_no_or_negative_length_it_completes) {
  co_await sleep(0ms);
  co_await sleep(-1h);
}

CO_TEST(StopAndDeadlineOfSleep, longer_than_time_itself_it_can_be_stopped) {
  Result<> slept = co_await attempt(with_timeout(2ms, sleep(Duration::max())));
  CO_ASSERT(!slept);
  EXPECT_EQ(slept.error().to_string(), "sleep: timed out after 2 ms");
  slept = co_await attempt(with_timeout(Duration::max(), sleep(1ms)));
  EXPECT_TRUE(slept);
}

CO_TEST(StopAndDeadlineOfSleep, wakes_in_the_order_of_the_deadlines) {
  std::vector<int> order;
  auto sleeper = [&](int number, Duration delay) -> Task<> {
    co_await sleep(delay);
    order.push_back(number);
  };
  // The delays tell the order only where no pause of the machine moved the beginnings apart.
  Duration between_beginnings = Duration::max();
  while (between_beginnings >= 2ms) {
    order.clear();
    const TimePoint begun = now();
    auto all_have_begun = [&]() -> Task<> {
      between_beginnings = now() - begun;
      co_return;
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(sleeper(3, 6ms));
      group.start(sleeper(1, 2ms));
      group.start(sleeper(2, 4ms));
      group.start(sleeper(4, 6ms));
      group.start(all_have_begun());
      co_return;
    };
    co_await with_group(body);
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

// ---- Work on the pool ---------------------------------------------------------------------------

CO_TEST(StopAndDeadlineOfOffload, stopped_before_it_does_not_run) {
  bool ran = false;
  auto body = [&](Group& group) -> Task<> {
    group.stop();
    auto work = [&ran] { ran = true; };
    auto operation = offload(work);
    Result<> result = co_await attempt(std::move(operation));
    CO_ASSERT(!result);
    EXPECT_EQ(result.error().to_string(), "offload: canceled");
  };
  co_await with_group(body);
  EXPECT_FALSE(ran);
}

TEST(StopAndDeadlineOfOffload, that_has_begun_is_waited_for_and_keeps_its_result) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::latch begun(1);
  std::latch allowed(1);
  auto work = [&] {
    begun.count_down();
    allowed.wait();
    return 42;
  };
  Running<int> running = runtime->start(with_timeout(1ms, offload(work)));
  begun.wait();  // before any turn, which might find the deadline passed already
  running.stop();
  std::this_thread::sleep_for(2ms);  // the deadline passes as well
  runtime->turn(Duration::zero());
  EXPECT_FALSE(running.done());
  allowed.count_down();
  while (!running.done()) runtime->turn();
  EXPECT_EQ(running.take().value(), 42);
}

TEST(StopAndDeadlineOfOffload, that_has_not_begun_is_taken_back) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.offload_threads_max = 1});
  std::latch begun(1);
  std::latch allowed(1);
  bool ran = false;
  auto first_work = [&] {
    begun.count_down();
    allowed.wait();
  };
  auto second_work = [&ran] { ran = true; };
  Running<void> first = runtime->start(offload(first_work));
  begun.wait();
  Running<void> second = runtime->start(offload(second_work));
  Running<void> third = runtime->start(offload([] {}));
  second.stop();
  while (!second.done()) runtime->turn();
  EXPECT_EQ(second.take().error().to_string(), "offload: canceled");
  EXPECT_FALSE(first.done());
  EXPECT_FALSE(third.done());
  allowed.count_down();
  while (!first.done() || !third.done()) runtime->turn();
  EXPECT_TRUE(first.take());
  EXPECT_TRUE(third.take());
  EXPECT_FALSE(ran);
}

CO_TEST(StopAndDeadlineOfOffload, gives_its_value_or_its_exception) {
  auto value = [] { return std::make_unique<int>(7); };
  auto giving = offload(value);
  std::unique_ptr<int> seven = co_await std::move(giving);
  EXPECT_EQ(*seven, 7);
  auto thrower = []() -> int { throw std::runtime_error("thrown by the work"); };
  std::string what;
  try {
    auto throwing = offload(thrower);
    const int none = co_await std::move(throwing);
    EXPECT_EQ(none, 0);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "thrown by the work");
}

CO_TEST(StopAndDeadlineOfOffload, runs_more_work_than_it_has_threads) {
  std::atomic<int> done = 0;
  auto one = [&]() -> Task<> {
    auto work = [&done] { ++done; };
    auto operation = offload(work);
    co_await std::move(operation);
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 200; ++i) group.start(one());
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(done, 200);
}

// ---- Closing ------------------------------------------------------------------------------------

CO_TEST(StopAndDeadlineOfClose, neither_keeps_it_from_closing) {
  Pair pair = co_await connected();
  co_await with_timeout(0ms, pair.client.close());
  EXPECT_FALSE(pair.client.is_open());
  auto body = [&](Group& group) -> Task<> {
    group.stop();
    co_await pair.server.close();
  };
  co_await with_group(body);
  EXPECT_FALSE(pair.server.is_open());
}

// ---- A stop from outside ------------------------------------------------------------------------

TEST(StopFromOutside, reaches_run_from_another_thread) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::stop_source source;
  std::jthread stopper([&source] {
    std::this_thread::sleep_for(2ms);
    source.request_stop();
  });
  const Result<> result = run(*runtime, sleep(1h), source.get_token());
  stopper.join();
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(StopFromOutside, asked_for_before_ends_run_at_once) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::stop_source source;
  source.request_stop();
  const Result<> result = run(*runtime, sleep(1h), source.get_token());
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(StopFromOutside, that_comes_as_run_ends_does_no_harm) {
  for (int i = 0; i < 50; ++i) {
    const std::unique_ptr<Runtime> runtime = make_runtime();
    std::stop_source source;
    std::jthread stopper([&source] { source.request_stop(); });
    const Result<> result = run(*runtime, yield(), source.get_token());
    if (!result) {
      EXPECT_EQ(result.error(), std::errc::operation_canceled);
    }
    runtime->turn(Duration::zero());
    stopper.join();
  }
}

}  // namespace
}  // namespace ieum::test
