// Several cores: a runtime in each thread, stopped together, joined; what belongs to which thread.
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// What each core has noted.
template <class T>
class Notes {
 public:
  void add(T note) {
    const std::lock_guard lock(mutex_);
    notes_.insert(std::move(note));
  }
  std::set<T> all() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  std::mutex mutex_;
  std::set<T> notes_;
};

void expect_ended(const Result<>& result) {
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

TEST(Cores, run_the_body_once_each_in_threads_of_their_own) {
  Notes<std::size_t> indices;
  Notes<std::thread::id> threads;
  Notes<Runtime*> runtimes;
  auto body = [&](Core& core) -> Task<> {
    EXPECT_EQ(core.count(), 4U);
    indices.add(core.index());
    threads.add(std::this_thread::get_id());
    runtimes.add(&core.runtime());
    while (runtimes.all().size() < 4) co_await sleep(1ms);  // an address may be used again
  };
  expect_ended(run_on_cores(body, {.count = 4}));
  EXPECT_EQ(indices.all(), (std::set<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(threads.all().size(), 4U);
  EXPECT_FALSE(threads.all().contains(std::this_thread::get_id()));
}

TEST(Cores, are_as_many_as_this_process_may_use) {
  std::atomic<std::size_t> cores = 0;
  auto body = [&](Core& /*core*/) -> Task<> {
    ++cores;
    co_return;
  };
  expect_ended(run_on_cores(body));
  EXPECT_EQ(cores, available_cpus());
  EXPECT_GE(available_cpus(), 1U);
}

TEST(Cores, stay_on_their_cpus_if_they_are_pinned) {
  const std::size_t before = available_cpus();
  Notes<std::string> cpus;
  auto body = [&](Core& /*core*/) -> Task<> {
    EXPECT_EQ(available_cpus(), 1U);
    cpus.add(std::to_string(::sched_getcpu()));
    co_return;
  };
  expect_ended(run_on_cores(body, {.count = before + 1, .pin_to_cpus = true}));
  EXPECT_EQ(cpus.all().size(), before);
  EXPECT_EQ(available_cpus(), before);
}

TEST(Cores, one_that_succeeds_leaves_the_others_alone) {
  std::atomic<int> ended = 0;
  auto body = [&](Core& core) -> Task<> {
    if (core.index() > 0) co_await sleep(5ms);
    ++ended;
  };
  expect_ended(run_on_cores(body, {.count = 3}));
  EXPECT_EQ(ended, 3);
}

TEST(Cores, one_that_fails_stops_the_others) {
  std::atomic<int> stopped = 0;
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == 1) {
      co_await sleep(2ms);
      co_await fail(Error(std::errc::no_such_device, "look for", Address::ipv4_loopback(7)));
    }
    const Result<> slept = co_await attempt(sleep(1h));
    EXPECT_EQ(slept.error(), std::errc::operation_canceled);
    ++stopped;
    co_await slept;
  };
  const Result<> result = run_on_cores(body, {.count = 3});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(), "look for 127.0.0.1:7: no such device");
  EXPECT_EQ(stopped, 2);
}

TEST(Cores, rethrow_after_the_join) {
  std::atomic<int> ended = 0;
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == 0) throw std::runtime_error("thrown on a core");
    co_await attempt(sleep(1h));
    ++ended;
  };
  EXPECT_THROW(static_cast<void>(run_on_cores(body, {.count = 3})), std::runtime_error);
  EXPECT_EQ(ended, 2);
}

TEST(Cores, one_of_them_may_stop_all) {
  auto body = [](Core& core) -> Task<> {
    if (core.index() == 2) {
      co_await sleep(2ms);
      core.stop_all();
    }
    co_await sleep(1h);
  };
  expect_ended(run_on_cores(body, {.count = 3}));
}

TEST(Cores, a_stop_from_outside_reaches_all) {
  std::stop_source stop;
  std::atomic<int> running = 0;
  std::jthread stopper([&] {
    while (running < 3) std::this_thread::yield();
    stop.request_stop();
  });
  auto body = [&](Core& /*core*/) -> Task<> {
    ++running;
    co_await sleep(1h);
  };
  const Result<> result = run_on_cores(body, {.count = 3}, stop.get_token());
  stopper.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
  // One that came before reaches them as well.
  const Result<> again = run_on_cores(body, {.count = 2}, stop.get_token());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), std::errc::operation_canceled);
}

TEST(Cores, that_cannot_be_had_are_an_error) {
  auto body = [](Core& /*core*/) -> Task<> { co_await sleep(1h); };
  const Result<> too_many = run_on_cores(body, {.count = Core::count_max + 1});
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().to_string(),
            "run on cores: invalid argument: count is beyond Core::count_max, 1024");
  const Result<> wrong = run_on_cores(body, {.count = 2, .runtime = {.offload_threads_max = 0}});
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().to_string().starts_with("create runtime: "))
      << wrong.error().to_string();
}

TEST(Cores, catch_signals_on_any_of_them) {
  // Whichever thread the system gives the signal to.
  for (std::size_t catcher = 0; catcher < 3; ++catcher) {
    std::atomic<bool> ready = false;
    auto body = [&](Core& core) -> Task<> {
      if (core.index() == catcher) {
        Signals signals = co_await Signals::create(SIGUSR1);
        for (int i = 0; i < 20; ++i) {
          ready = true;
          const int number = co_await signals.next();
          EXPECT_EQ(number, SIGUSR1);
        }
        core.stop_all();
      }
      for (;;) {
        if (ready.exchange(false)) ::raise(SIGUSR1);  // to this very thread
        co_await sleep(100us);
      }
    };
    expect_ended(run_on_cores(body, {.count = 3}));
  }
}

TEST(Cores, offload_each_to_its_own_threads) {
  auto body = [](Core& core) -> Task<> {
    for (std::size_t i = 0; i < 100; ++i) {
      auto work = [i, index = core.index()] { return i * index; };
      const std::size_t product = co_await offload(work);
      EXPECT_EQ(product, i * core.index());
    }
  };
  expect_ended(run_on_cores(body, {.count = 3}));
}

// ---- Whose thread -------------------------------------------------------------------------------

TEST(RuntimeThread, is_the_first_that_turns_it_and_the_end_may_be_elsewhere) {
  std::unique_ptr<Runtime> runtime = make_runtime();
  std::jthread([&runtime] {
    const Result<> slept = run(*runtime, sleep(1ms));
    EXPECT_TRUE(slept);
  }).join();
  runtime.reset();
}

void on_another_thread(const std::function<void()>& work) { std::jthread(work).join(); }

class RuntimeThreadDeath : public testing::Test {
 protected:
  RuntimeThreadDeath() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~RuntimeThreadDeath() override { GTEST_FLAG_SET(death_test_style, "fast"); }

  static constexpr const char* what =
      "a runtime is used on a thread that is not its own: use post\\(\\) to reach it";
  std::unique_ptr<Runtime> runtime_ = make_runtime();
};

TEST_F(RuntimeThreadDeath, turn) {
  runtime_->turn(Duration::zero());
  EXPECT_DEATH(on_another_thread([&] { runtime_->turn(Duration::zero()); }), what);
}

TEST_F(RuntimeThreadDeath, start) {
  Running<void> here = runtime_->start(sleep(1ms));
  EXPECT_DEATH(on_another_thread([&] { Running<void> there = runtime_->start(sleep(1ms)); }), what);
}

TEST_F(RuntimeThreadDeath, stop) {
  Running<void> here = runtime_->start(sleep(1ms));
  EXPECT_DEATH(on_another_thread([&] { runtime_->stop(); }), what);
  EXPECT_DEATH(on_another_thread([&] { here.stop(); }), what);
}

TEST(CoresDeath, within_a_task) {
  auto task = []() -> Task<> {
    auto body = [](Core& /*core*/) -> Task<> { co_return; };
    static_cast<void>(run_on_cores(body));
    co_return;
  };
  EXPECT_DEATH(static_cast<void>(run_alone(task())), "run_on_cores\\(\\) within a task");
}

}  // namespace
}  // namespace ieum::test
