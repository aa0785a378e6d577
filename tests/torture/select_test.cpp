// select: which legs are told, which are left, and what comes of stops, deadlines and exceptions.
#include <ieum/select.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

Task<int> work(Duration duration, int value) {
  co_await sleep(duration);
  co_return value;
}
Task<int> refuse(Duration duration) {
  co_await sleep(duration);
  co_return fail(std::errc::io_error, "refuse");
}
Task<int> explode(Duration duration) {
  co_await sleep(duration);
  throw std::runtime_error("explode");
}
/// Asked to stop, it ends after `duration` all the same, with a value.
Task<int> stubborn(Duration duration) {
  const int value = co_await shield(work(duration, 7), 24h);
  co_return value;
}

/// "1" for a value, "-" for nothing, "io error" and the like: of each leg.
template <class T>
std::string told(const std::optional<Result<T>>& leg) {
  if (!leg) return "-";
  if (!*leg) return leg->error().to_string();
  if constexpr (std::is_void_v<T>) {
    return "done";
  } else {
    return std::to_string(**leg);
  }
}
template <class... T>
std::string told(const Result<std::tuple<std::optional<Result<T>>...>>& result) {
  if (!result) return "fails: " + result.error().to_string();
  return std::apply(
      [](const auto&... leg) {
        std::string all;
        ((all += (all.empty() ? "" : ", ") + told(leg)), ...);
        return all;
      },
      *result);
}

TEST(Select, GivesWhatCompletesFirstAndLeavesTheOthers) {
  Event never;
  EXPECT_EQ(told(run_virtually(select(sleep(20ms), sleep(10ms), never.wait()))), "-, done, -");
  EXPECT_EQ(told(run_virtually(select(sleep(5ms)))), "done");
  never.set();
  EXPECT_EQ(told(run_virtually(select(sleep(20ms), sleep(10ms), never.wait()))), "-, -, done");
}

TEST(Select, GivesAllThatCompleteTogether) {
  Event set;
  set.set();
  EXPECT_EQ(told(run_virtually(select(set.wait(), set.wait(), sleep(1ms)))), "done, done, -");
  EXPECT_EQ(told(run_virtually(select(sleep(5ms), sleep(5ms)))), "done, done") << "the same turn";
}

TEST(Select, AFailureIsAResultAndIsNotHidden) {
  EXPECT_EQ(told(run_virtually(select(refuse(5ms), sleep(10ms)))), "refuse: input/output error, -");
  EXPECT_EQ(told(run_virtually(select(sleep(10ms), with_timeout(5ms, sleep(1h))))),
            "-, sleep: timed out after 5 ms");
}

TEST(Select, KeepsWhatTasksGiveAlthoughTheyWereStopped) {
  EXPECT_EQ(told(run_virtually(select(sleep(5ms), stubborn(20ms)))), "done, 7");
  EXPECT_EQ(told(run_virtually(select(work(5ms, 1), work(10ms, 2)))), "1, -");
  EXPECT_EQ(told(run_virtually(select(work(10ms, 1), work(5ms, 2), work(7ms, 3)))), "-, 2, -");
}

TEST(Select, RethrowsOnceAllHaveEnded) {
  Journal journal;
  auto program = []() -> Task<> {
    Tracked outside("outside");
    auto inside = []() -> Task<int> {
      Tracked in("inside");
      const int value = co_await work(1h, 1);
      co_return value;
    };
    co_await select(explode(5ms), inside());
  };
  EXPECT_THROW(static_cast<void>(run_virtually(program())), std::runtime_error);
  EXPECT_EQ(journal.text(), "+outside +inside -inside -outside");
}

TEST(Select, AStopFromOutsideLeavesAllOrGivesWhatCompleted) {
  Event never;
  EXPECT_EQ(told(run_stopped(5ms, select(never.wait(), sleep(1h)))),
            "fails: wait for event: canceled");
  EXPECT_EQ(told(run_stopped(5ms, select(never.wait(), stubborn(20ms)))), "-, 7");
  EXPECT_EQ(told(run_stopped(5ms, select(never.wait(), refuse(1ms)))),
            "-, refuse: input/output error");
}

TEST(Select, StartedAfterAStopFails) {
  Event set;
  set.set();
  const auto result = run_stopped(5ms, [](Event& event) -> Task<> {
    static_cast<void>(co_await attempt(sleep(1h)));
    co_await select(event.wait(), sleep(1h));
  }(set));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(Select, WithinADeadlineTellsTheTruth) {
  Event never;
  EXPECT_EQ(told(run_virtually(with_timeout(5ms, select(never.wait(), sleep(1h))))),
            "fails: wait for event: timed out after 5 ms");
  EXPECT_EQ(told(run_virtually(with_timeout(5ms, select(never.wait(), stubborn(20ms))))), "-, 7");
  EXPECT_EQ(told(run_virtually(with_timeout(5ms, select(never.wait(), sleep(1ms))))), "-, done");
}

TEST(Select, LeavesAMailboxItsMessage) {
  const auto program = []() -> Task<> {
    auto ends = Mailbox<int>::create(1);
    auto& [sender, mailbox] = ends;
    auto either = co_await select(mailbox.receive(), sleep(1ms));
    EXPECT_EQ(told(std::get<0>(either)), "-");
    co_await sender.send(3);
    Event set;
    set.set();
    either = co_await select(mailbox.receive(), sleep(1h));
    EXPECT_EQ(told(std::get<0>(either)), "3");
    co_await sender.send(4);
    auto full = co_await select(sender.send(5), set.wait());
    EXPECT_EQ(told(std::get<0>(full)), "-") << "it is full";
    const int four = co_await mailbox.receive();
    EXPECT_EQ(four, 4);
    auto none = co_await select(mailbox.receive(), set.wait());
    EXPECT_EQ(told(std::get<0>(none)), "-") << "the send that was left is not made later";
  };
  const Result<> result = run_virtually(program());
  EXPECT_TRUE(result);
}

TEST(Select, NestsAndMayBeAwaitedAgainAndAgain) {
  const auto program = []() -> Task<int> {
    Event never;
    int rounds = 0;
    for (int i = 0; i < 1000; ++i) {
      auto outer = co_await select(select(never.wait(), sleep(1ms)), sleep(2ms));
      if (std::get<0>(outer) && *std::get<0>(outer) && std::get<1>(**std::get<0>(outer))) ++rounds;
    }
    co_return rounds;
  };
  EXPECT_EQ(run_virtually(program()), 1000);
}

TEST(Select, BindsItsPartsInTheNaturalWay) {
  const auto program = []() -> Task<std::string> {
    Event never;
    auto [value, over, asked] = co_await select(work(5ms, 4), sleep(1h), never.wait());
    std::string text;
    if (value) {
      const int four = co_await std::move(*value);
      text = std::to_string(four);
    }
    if (over || asked) text += "?";
    co_return text;
  };
  EXPECT_EQ(run_virtually(program()), "4");
}

TEST(Select, IsToldByADump) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  Event never;
  auto running = runtime->start(
      [](Event& event) -> Task<> { co_await select(event.wait(), sleep(1h)); }(never));
  runtime->turn(0ms);
  const std::string dump = runtime->dump_tasks();
  EXPECT_NE(dump.find("wait for event"), std::string::npos) << dump;
  EXPECT_NE(dump.find("sleep"), std::string::npos) << dump;
}

// ---- What a race may take -----------------------------------------------------------------------

template <class A>
constexpr bool consumes = detail::Consuming<A>;
using Bytes = std::span<std::byte>;
static_assert(consumes<decltype(std::declval<StreamSocket&>().receive())>);
static_assert(consumes<decltype(std::declval<StreamSocket&>().read_some({}))>);
static_assert(consumes<decltype(std::declval<Stream&>().receive())>);
static_assert(consumes<decltype(std::declval<Stream&>().read_some({}))>);
static_assert(consumes<decltype(std::declval<Listener&>().accept())>);
static_assert(consumes<decltype(std::declval<Mailbox<int>&>().receive())>);
static_assert(consumes<decltype(std::declval<SendQueue&>().pop())>);
static_assert(
    consumes<decltype(std::declval<DatagramSocket&>().receive(std::declval<DatagramBatch&>()))>);
static_assert(consumes<decltype(std::declval<StreamSocket&>().read_exact({}))>);
static_assert(consumes<decltype(std::declval<StreamSocket&>().receive_descriptors({}))>);
static_assert(consumes<decltype(std::declval<Stream&>().read_exact({}))>);
static_assert(
    consumes<decltype(std::declval<Stream&>().read_until(std::declval<std::string&>(), "", 1))>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().read_line())>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().read_until(""))>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().read_exact(1))>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().read_exact(Bytes()))>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().read_some({}))>);
static_assert(consumes<decltype(std::declval<BufferedReader&>().skip(1))>);
static_assert(!consumes<decltype(std::declval<BufferedReader&>().peek(1))>);
static_assert(consumes<decltype(std::declval<Signals&>().next())>);
static_assert(consumes<decltype(std::declval<DatagramSocket&>().receive(Bytes()))>);
static_assert(consumes<decltype(attempt(std::declval<Stream&>().read_exact({})))>);
static_assert(consumes<decltype(with_timeout(1s, std::declval<BufferedReader&>().skip(1)))>);
static_assert(consumes<decltype(shield(std::declval<Signals&>().next(), 1s))>);
static_assert(consumes<decltype(select(sleep(1s), std::declval<Stream&>().read_exact({})))>);
static_assert(std::is_convertible_v<decltype(std::declval<Stream&>().read_exact({})), Task<>>);
static_assert(consumes<decltype(with_timeout(1s, std::declval<StreamSocket&>().receive()))>);
static_assert(consumes<decltype(attempt(std::declval<StreamSocket&>().receive()))>);
static_assert(consumes<decltype(shield(std::declval<StreamSocket&>().receive(), 1s))>);
static_assert(!consumes<decltype(std::declval<StreamSocket&>().wait_readable())>);
static_assert(!consumes<decltype(std::declval<StreamSocket&>().write_all(""))>);
static_assert(!consumes<decltype(std::declval<Event&>().wait())>);
static_assert(!consumes<Task<int>>);
static_assert(consumes<decltype(std::declval<ChildTask<int>&>().result())>);
static_assert(!consumes<decltype(std::declval<ChildTask<>&>().result())>);
static_assert(consumes<decltype(select(sleep(1s), std::declval<StreamSocket&>().receive()))>);
static_assert(!consumes<decltype(select(sleep(1s), std::declval<Event&>().wait()))>);

// ---- What a select cannot leave as it was -------------------------------------------------------

template <class A>
constexpr bool partial = detail::Partial<A>;
static_assert(partial<decltype(std::declval<StreamSocket&>().write_all(""))>);
static_assert(partial<decltype(std::declval<Stream&>().write_all(""))>);
static_assert(partial<decltype(with_timeout(1s, std::declval<Stream&>().write_all("")))>);
static_assert(partial<decltype(shield(std::declval<StreamSocket&>().write_all(""), 1s))>);
static_assert(partial<decltype(attempt(std::declval<StreamSocket&>().write_all("")))>);
static_assert(partial<decltype(std::declval<BufferedWriter&>().write(""))>);
static_assert(partial<decltype(std::declval<BufferedWriter&>().flush())>);
static_assert(!partial<decltype(std::declval<BufferedReader&>().read_line())>);
static_assert(partial<decltype(std::declval<MailboxSender<std::unique_ptr<int>>&>().send({}))>);
static_assert(!partial<decltype(std::declval<MailboxSender<int>&>().send(1))>);
static_assert(!partial<decltype(std::declval<SendQueue&>().push({}))>);
static_assert(!partial<decltype(std::declval<StreamSocket&>().write_some(ConstBuffer()))>);
static_assert(!partial<decltype(std::declval<Stream&>().write_some(ConstBuffer()))>);
static_assert(!partial<decltype(std::declval<StreamSocket&>().receive())>);
static_assert(!partial<Task<>>);

}  // namespace
}  // namespace ieum::test
