// Posting from other threads, waking a waiting loop, several runtimes; ending while tasks run.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

TEST(Post, from_two_threads_runs_in_order_of_each) {
  constexpr int count = 100'000;
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::array<int, 2> next{};
  bool in_order = true;
  Event all;
  const auto poster = [&](std::size_t which) {
    for (int i = 0; i < count; ++i) {
      runtime->post([&, which, i] {
        in_order = in_order && next[which] == i;
        ++next[which];
        if (next[0] == count && next[1] == count) all.set();
      });
    }
  };
  std::jthread first(poster, 0);
  std::jthread second(poster, 1);
  const Result<> result = run(*runtime, with_timeout(patience, all.wait()));
  EXPECT_TRUE(result);
  first.join();
  second.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next[0], count);
  EXPECT_EQ(next[1], count);
}

TEST(Post, wakes_a_loop_that_waits) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  for (int i = 0; i < 100; ++i) {
    Event happened;
    std::jthread poster([&] {
      if (i % 2 == 0) std::this_thread::sleep_for(200us);  // most likely the loop waits by now
      runtime->post([&happened] { happened.set(); });
    });
    const Result<> result = run(*runtime, with_timeout(patience, happened.wait()));
    EXPECT_TRUE(result);
    poster.join();
  }
}

TEST(Post, wakes_a_turn_without_a_task) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  bool ran = false;
  std::jthread poster([&] { runtime->post([&ran] { ran = true; }); });
  while (!ran) runtime->turn(patience);
  poster.join();
}

TEST(Post, before_the_first_turn) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) runtime->post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(order.empty());
  runtime->turn(patience);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(Post, from_a_task_and_from_posted_work_runs_later) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::vector<std::string> order;
  Event happened;
  auto task = [&]() -> Task<> {
    runtime->post([&] {
      order.emplace_back("posted");
      runtime->post([&] {
        order.emplace_back("posted by posted");
        happened.set();
      });
      order.emplace_back("still the first");
    });
    order.emplace_back("task");
    co_await happened.wait();
  };
  const Result<> result = run(*runtime, with_timeout(patience, task()));
  EXPECT_TRUE(result);
  EXPECT_EQ(order,
            (std::vector<std::string>{"task", "posted", "still the first", "posted by posted"}));
}

TEST(Post, takes_work_that_can_only_be_moved) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  int got = 0;
  runtime->post([&got, value = std::make_unique<int>(7)] { got = *value; });
  runtime->turn(patience);
  EXPECT_EQ(got, 7);
}

TEST(Post, that_never_ran_is_destroyed_with_the_runtime) {
  auto alive = std::make_shared<int>(0);
  std::unique_ptr<Runtime> runtime = make_runtime();
  runtime->post([alive] {});
  EXPECT_EQ(alive.use_count(), 2);
  runtime.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Post, does_not_starve_the_rest) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  bool ended = false;
  std::function<void()> again = [&] {
    if (!ended) runtime->post(again);
  };
  runtime->post(again);
  const Result<> result = run(*runtime, sleep(5ms));
  EXPECT_TRUE(result);
  ended = true;
  runtime->turn(Duration::zero());
}

// ---- Several runtimes ---------------------------------------------------------------------------

TEST(Runtimes, a_thread_each_talk_over_a_connection) {
  std::mutex mutex;
  std::condition_variable changed;
  Address address;
  std::jthread server_thread([&] {
    auto serving = [&]() -> Task<> {
      Listener listener = co_await Listener::bind("127.0.0.1:0");
      {
        const std::lock_guard lock(mutex);
        address = listener.address();
      }
      changed.notify_one();
      StreamSocket peer = co_await listener.accept();
      co_await echo(std::move(peer));
    };
    expect_success_in_time(serving());
    EXPECT_EQ(detail::Frame::live, 0);
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return address.family() != Family::none; });
  }
  auto talking = [&]() -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(address);
    for (int i = 0; i < 1000; ++i) {
      const std::string text = std::to_string(1'000'000 + i);
      co_await socket.write_all(text);
      const std::string got = co_await read_text(socket, text.size());
      EXPECT_EQ(got, text);
    }
  };
  expect_success_in_time(talking());
  server_thread.join();
}

TEST(Runtimes, on_one_thread_take_turns) {
  const std::unique_ptr<Runtime> here = make_runtime();
  const std::unique_ptr<Runtime> there = make_runtime();
  auto bind = []() -> Task<Listener> { co_return Listener::bind("127.0.0.1:0"); };
  Listener listener = run(*there, bind()).value();
  auto serving = [&]() -> Task<> {
    StreamSocket peer = co_await listener.accept();
    co_await echo(std::move(peer));
  };
  auto talking = [&]() -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(listener.address());
    for (int i = 0; i < 100; ++i) {
      co_await socket.write_all("hello");
      const std::string got = co_await read_text(socket, 5);
      EXPECT_EQ(got, "hello");
    }
  };
  Running<void> server = there->start(serving());
  Running<void> client = here->start(talking());
  while (!server.done() || !client.done()) {
    there->turn(100us);
    here->turn(100us);
  }
  EXPECT_TRUE(server.take());
  EXPECT_TRUE(client.take());
}

TEST(Runtimes, post_to_each_other) {
  std::unique_ptr<Runtime> other;
  std::atomic<bool> ready = false;
  std::atomic<bool> ended = false;
  std::jthread thread([&] {
    other = make_runtime();
    ready = true;
    while (!ended) other->turn(1ms);
    other.reset();
  });
  while (!ready) std::this_thread::yield();
  const std::unique_ptr<Runtime> own = make_runtime();
  auto ping_pong = [&]() -> Task<> {
    for (int i = 0; i < 1000; ++i) {
      Event answered;
      other->post([&] { own->post([&answered] { answered.set(); }); });
      co_await answered.wait();
    }
  };
  const Result<> result = run(*own, with_timeout(patience, ping_pong()));
  EXPECT_TRUE(result);
  ended = true;
  thread.join();
}

// ---- Ending -------------------------------------------------------------------------------------

TEST(RunningTasks, are_stopped_and_joined_when_they_are_destroyed) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  bool cleaned = false;
  auto task = [&]() -> Task<> {
    Pair pair = co_await connected();
    auto cleanup = [&]() -> Task<> {
      co_await sleep(2ms);  // shielded
      cleaned = true;
    };
    std::array<std::byte, 8> buffer;
    auto waiting = [&]() -> Task<> { co_await pair.client.read_some(buffer); };
    co_await finally(waiting(), cleanup);
  };
  {
    Running<void> first = runtime->start(task());
    Running<void> second = runtime->start(sleep(1h));
    Running<void> never_turned = runtime->start(sleep(1h));
    for (int i = 0; i < 8; ++i) runtime->turn(Duration::zero());
    EXPECT_FALSE(first.done());
    EXPECT_FALSE(runtime->dump_tasks().empty());
  }
  EXPECT_TRUE(cleaned);
  EXPECT_EQ(runtime->pending_operations(), 0U);
  EXPECT_EQ(runtime->dump_tasks(), "");
}

TEST(RunningTasks, are_all_stopped_by_the_runtime) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  Running<void> first = runtime->start(sleep(1h));
  Running<void> second = runtime->start(sleep(1h));
  runtime->turn(Duration::zero());
  runtime->stop();
  while (!first.done() || !second.done()) runtime->turn();
  EXPECT_EQ(first.take().error(), std::errc::operation_canceled);
  EXPECT_EQ(second.take().error(), std::errc::operation_canceled);
}

TEST(RunningTasks, are_told_of_in_a_dump) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::string address;
  auto task = [&]() -> Task<> {
    Pair pair = co_await connected();
    address = pair.client.peer_address().to_string();
    std::array<std::byte, 8> buffer;
    co_await pair.client.read_some(buffer);
  };
  Running<void> running = runtime->start(task());
  for (int i = 0; i < 8; ++i) runtime->turn(Duration::zero());
  const std::string dump = runtime->dump_tasks();
  EXPECT_TRUE(dump.starts_with("read " + address + "\n")) << dump;
  EXPECT_NE(dump.find("post.cpp:"), std::string::npos) << dump;
}

TEST(RunningTasks, rethrow_what_they_threw) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto task = []() -> Task<int> {
    co_await yield();
    throw std::runtime_error("thrown by a task");
  };
  EXPECT_THROW((void)run(*runtime, task()), std::runtime_error);
}

}  // namespace
}  // namespace ieum::test
