// Signals as awaitable events: before and during a wait, from other threads, to several objects.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <thread>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

struct sigaction action_of(int number) {
  struct sigaction action{};
  ::sigaction(number, nullptr, &action);
  return action;
}

volatile std::sig_atomic_t former_handler_ran = 0;
void former_handler(int /*number*/) { former_handler_ran = 1; }

CO_TEST(Signals, before_a_wait) {
  Signals signals = co_await Signals::create(SIGUSR1);
  ::raise(SIGUSR1);
  const int number = co_await signals.next();
  EXPECT_EQ(number, SIGUSR1);
}

CO_TEST(Signals, a_wait_beside_a_wait_is_an_error_and_the_first_goes_on) {
  Signals signals = co_await Signals::create(SIGUSR1);
  int number = 0;
  auto waiting = [&]() -> Task<> { number = co_await signals.next(); };
  auto body = [&](Group& group) -> Task<> {
    group.start(waiting());
    co_await until_it_waits();
    const Result<int> second = co_await attempt(signals.next());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(second.error().detail(), "a read was begun while a read is pending on it");
    ::raise(SIGUSR1);
  };
  co_await with_group(body);
  EXPECT_EQ(number, SIGUSR1);
}

CO_TEST(Signals, during_a_wait_and_again) {
  Signals signals = co_await Signals::create(SIGUSR1, SIGUSR2);
  int number = 0;
  auto waiting = [&]() -> Task<> { number = co_await signals.next(); };
  for (const int expected : {SIGUSR1, SIGUSR2, SIGUSR1}) {
    auto body = [&](Group& group) -> Task<> {
      group.start(waiting());
      co_await sleep(1ms);
      ::kill(::getpid(), expected);
    };
    co_await with_group(body);
    EXPECT_EQ(number, expected);
  }
}

CO_TEST(Signals, of_two_kinds_at_once_the_lower_number_first) {
  Signals signals = co_await Signals::create(SIGUSR1, SIGUSR2);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  const int first = co_await signals.next();
  const int second = co_await signals.next();
  EXPECT_EQ(first, std::min(SIGUSR1, SIGUSR2));
  EXPECT_EQ(second, std::max(SIGUSR1, SIGUSR2));
}

CO_TEST(Signals, of_one_kind_before_a_wait_count_once) {
  Signals signals = co_await Signals::create(SIGUSR1);
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  const int number = co_await signals.next();
  EXPECT_EQ(number, SIGUSR1);
  Result<int> second = co_await attempt(with_timeout(2ms, signals.next()));
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::timed_out);
  EXPECT_EQ(second.error().to_string(), "wait for signal: timed out after 2 ms");
}

CO_TEST(Signals, to_each_of_two_objects) {
  Signals first = co_await Signals::create(SIGUSR1);
  Signals second = co_await Signals::create(SIGUSR1, SIGUSR2);
  ::raise(SIGUSR1);
  const int at_first = co_await first.next();
  const int at_second = co_await second.next();
  EXPECT_EQ(at_first, SIGUSR1);
  EXPECT_EQ(at_second, SIGUSR1);
  ::raise(SIGUSR2);
  const int only_second = co_await second.next();
  EXPECT_EQ(only_second, SIGUSR2);
  Result<int> none = co_await attempt(with_timeout(1ms, first.next()));
  EXPECT_FALSE(none);
}

CO_TEST(Signals, from_another_thread_to_this_process) {
  Signals signals = co_await Signals::create(SIGUSR1);
  for (int i = 0; i < 20; ++i) {
    std::jthread sender([] { ::kill(::getpid(), SIGUSR1); });
    const int number = co_await signals.next();
    EXPECT_EQ(number, SIGUSR1);
    sender.join();
  }
}

CO_TEST(Signals, that_another_thread_handles) {
  Signals signals = co_await Signals::create(SIGUSR1);
  for (int i = 0; i < 20; ++i) {
    std::jthread receiver([] { ::pthread_kill(::pthread_self(), SIGUSR1); });
    const int number = co_await signals.next();
    EXPECT_EQ(number, SIGUSR1);
    receiver.join();
  }
}

CO_TEST(Signals, a_storm_of_them_is_survived) {
  std::optional<Signals> signals(co_await Signals::create(SIGUSR1));
  std::atomic<bool> ended = false;
  std::jthread sender([&ended] {
    while (!ended) {
      ::kill(::getpid(), SIGUSR1);
      std::this_thread::sleep_for(50us);
    }
  });
  for (int i = 0; i < 100; ++i) {
    const int number = co_await signals->next();
    EXPECT_EQ(number, SIGUSR1);
  }
  ended = true;
  sender.join();
}

CO_TEST(Signals, afterwards_do_what_they_did_before) {
  struct sigaction before{};
  struct sigaction own{};
  own.sa_handler = former_handler;
  ::sigaction(SIGUSR1, &own, &before);
  former_handler_ran = 0;
  {
    Signals first = co_await Signals::create(SIGUSR1);
    std::optional<Signals> second(co_await Signals::create(SIGUSR1));
    EXPECT_NE(action_of(SIGUSR1).sa_handler, former_handler);
    ::raise(SIGUSR1);
    EXPECT_EQ(former_handler_ran, 0);
    second.reset();
    EXPECT_NE(action_of(SIGUSR1).sa_handler, former_handler);
  }
  EXPECT_EQ(action_of(SIGUSR1).sa_handler, former_handler);
  ::raise(SIGUSR1);
  EXPECT_EQ(former_handler_ran, 1);
  ::sigaction(SIGUSR1, &before, nullptr);
}

CO_TEST(Signals, moved_go_on) {
  Signals signals = co_await Signals::create(SIGUSR1);
  Signals moved = std::move(signals);
  ::raise(SIGUSR1);
  const int number = co_await moved.next();
  EXPECT_EQ(number, SIGUSR1);
}

CO_TEST(Signals, that_cannot_be_caught) {
  for (const int number : {SIGKILL, SIGSTOP, 0, -1, 64, 1000}) {
    const Result<Signals> signals = Signals::create(SIGUSR1, number);
    CO_ASSERT(!signals);
    EXPECT_EQ(signals.error().to_string(), "catch signals: invalid argument") << number;
  }
  const Result<Signals> none = Signals::create();
  CO_ASSERT(!none);
  EXPECT_EQ(none.error(), std::errc::invalid_argument);
  EXPECT_EQ(action_of(SIGUSR1).sa_handler, SIG_DFL);  // what had been installed is undone
}

CO_TEST(Signals, of_as_many_objects_as_there_may_be) {
  std::vector<Signals> all;
  for (std::size_t i = 0; i < Signals::objects_max; ++i) {
    all.push_back(co_await Signals::create(SIGUSR1));
  }
  const Result<Signals> beyond = Signals::create(SIGUSR1);
  CO_ASSERT(!beyond);
  EXPECT_EQ(beyond.error(), std::errc::resource_unavailable_try_again);
  ::raise(SIGUSR1);
  for (Signals& signals : all) {
    const int number = co_await signals.next();
    EXPECT_EQ(number, SIGUSR1);
  }
  all.pop_back();
  Signals again = co_await Signals::create(SIGUSR2);
  ::raise(SIGUSR2);
  const int number = co_await again.next();
  EXPECT_EQ(number, SIGUSR2);
}

CO_TEST(Signals, that_interrupt_do_not_disturb_other_operations) {
  Signals signals = co_await Signals::create(SIGUSR1);
  Pair pair = co_await connected();
  const std::vector<std::byte> source = random_bytes(std::size_t{4} << 20U, seed());
  std::vector<std::byte> got(source.size());
  std::atomic<bool> ended = false;
  const pthread_t self = ::pthread_self();
  std::jthread sender([&ended, self] {
    while (!ended) {
      ::pthread_kill(self, SIGUSR1);
      std::this_thread::sleep_for(20us);
    }
  });
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.server.read_exact(got));
    for (ConstBuffer rest = source; !rest.empty();) {
      const ConstBuffer part = rest.first(std::min<std::size_t>(rest.size(), 10'000));
      co_await pair.client.write_all(part);
      rest = rest.subspan(part.size());
    }
  };
  co_await with_group(body);
  ended = true;
  sender.join();
  EXPECT_EQ(got, source);
}

CO_TEST(Signals, reach_no_thread_that_does_blocking_work) {
  auto is_blocked = [] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, SIGUSR1) == 1 && ::sigismember(&mask, SIGTERM) == 1;
  };
  auto asking = offload(is_blocked);
  const bool blocked = co_await std::move(asking);
  EXPECT_TRUE(blocked);
}

/// The eventfd that a new object writes to from its handler, full: it takes nothing more until
/// somebody has read it.
struct FullEvent {
  FullEvent() : number(::dup(0)) { ::close(number); }  // the number that it will get
  void fill() const {
    const std::uint64_t most = UINT64_MAX - 1;
    EXPECT_EQ(::write(number, &most, sizeof most), static_cast<ssize_t>(sizeof most));
  }
  int number;
};

CO_TEST(Signals, leave_errno_to_the_call_that_they_interrupt) {
  const FullEvent event;
  const Signals signals = co_await Signals::create(SIGUSR1);
  event.fill();
  errno = EDOM;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, EDOM);
}

/// Whether a thread of this process sleeps in the kernel.
bool sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.substr(text.rfind(')') + 1).starts_with(" S");
}

// In another thread, in its handler: it still writes to what the object has open.
CO_TEST(Signals, that_are_still_handled_are_waited_for) {
  const FullEvent event;
  std::optional<Signals> signals(co_await Signals::create(SIGUSR1));
  event.fill();
  const Descriptor elsewhere(::fcntl(event.number, F_DUPFD_CLOEXEC, 0));
  ::fcntl(event.number, F_SETFL, 0);  // the handler's write waits until somebody reads
  std::atomic<pid_t> thread = 0;
  std::jthread handling([&thread] {
    thread = ::gettid();
    ::pthread_kill(::pthread_self(), SIGUSR1);
  });
  while (thread == 0 || !sleeps(thread)) ::sched_yield();

  std::atomic<bool> gone = false;
  bool was_waited_for = false;
  std::jthread releasing([&] {
    while (action_of(SIGUSR1).sa_handler != SIG_DFL) ::sched_yield();  // its end has begun
    for (int i = 0; i < 1000 && !gone; ++i) ::sched_yield();
    was_waited_for = !gone;
    std::uint64_t count = 0;
    EXPECT_EQ(::read(elsewhere.get(), &count, sizeof count), static_cast<ssize_t>(sizeof count));
  });
  signals.reset();
  gone = true;
  releasing.join();
  handling.join();
  EXPECT_TRUE(was_waited_for);
}

}  // namespace
}  // namespace ieum::test
