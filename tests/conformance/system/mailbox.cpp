// Mailboxes: each message once or a failure, whoever stops, gives up or ends first.
#include <algorithm>
#include <numeric>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// Threads, which slow sanitizers, make do with less.
constexpr int many = sanitized ? 100'000 : 1'000'000;

Task<> send_range(MailboxSender<int> sender, int from, int to) {
  for (int i = from; i < to; ++i) co_await sender.send(i);
}

/// All that comes until the last sender has gone.
Task<std::vector<int>> receive_all(Mailbox<int>& mailbox) {
  std::vector<int> all;
  for (;;) {
    const Result<int> message = co_await attempt(mailbox.receive());
    if (!message) {
      EXPECT_EQ(message.error(), Errc::closed);
      co_return all;
    }
    all.push_back(*message);
  }
}

std::vector<int> range(int from, int to) {
  std::vector<int> numbers(static_cast<std::size_t>(to - from));
  std::iota(numbers.begin(), numbers.end(), from);
  return numbers;
}

// ---- One runtime --------------------------------------------------------------------------------

CO_TEST(Mailbox, gives_in_order_what_was_sent) {
  auto [sender, mailbox] = Mailbox<int>::create(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sender.try_send(i));
  for (int i = 0; i < 3; ++i) {
    const int message = co_await mailbox.receive();
    EXPECT_EQ(message, i);
  }
}

CO_TEST(Mailbox, wakes_who_waits_for_a_message) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  auto body = [&](Group& group) -> Task<> {
    group.start(send_range(sender, 7, 8));
    const int message = co_await mailbox.receive();
    EXPECT_EQ(message, 7);
  };
  co_await with_group(body);
}

CO_TEST(Mailbox, that_is_full_refuses_and_leaves_the_message) {
  auto [sender, mailbox] = Mailbox<std::unique_ptr<int>>::create(2);
  EXPECT_TRUE(sender.try_send(std::make_unique<int>(1)));
  EXPECT_TRUE(sender.try_send(std::make_unique<int>(2)));
  std::unique_ptr<int> third = std::make_unique<int>(3);
  Result<> sent = sender.try_send(std::move(third));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::operation_would_block);
  EXPECT_TRUE(sent.error().to_string().starts_with("send to mailbox: "))
      << sent.error().to_string();
  EXPECT_TRUE(sent.error().to_string().ends_with("it is full; send() waits for room"));
  CO_ASSERT(third != nullptr);
  std::unique_ptr<int> first = co_await mailbox.receive();
  EXPECT_EQ(*first, 1);
  EXPECT_TRUE(sender.try_send(std::move(third)));
  mailbox.close();
  std::unique_ptr<int> late = std::make_unique<int>(4);
  sent = sender.try_send(std::move(late));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error().to_string(), "send to mailbox: closed");
  EXPECT_NE(late, nullptr);
}

CO_TEST(Mailbox, serves_senders_that_wait_in_their_order) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 10; ++i) group.start(send_range(sender, i, i + 1));
    co_await sleep(1ms);
    // Nobody passes those who wait.
    EXPECT_EQ(sender.try_send(99).error(), std::errc::operation_would_block);
    for (int i = 0; i < 10; ++i) {
      const int message = co_await mailbox.receive();
      EXPECT_EQ(message, i);
    }
  };
  co_await with_group(body);
}

CO_TEST(Mailbox, a_receive_that_gives_up_loses_nothing) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  const Result<int> none = co_await attempt(with_timeout(1ms, mailbox.receive()));
  CO_ASSERT(!none);
  EXPECT_EQ(none.error().to_string(), "receive from mailbox: timed out after 1 ms");
  EXPECT_TRUE(sender.try_send(1));
  const int message = co_await mailbox.receive();
  EXPECT_EQ(message, 1);
}

CO_TEST(Mailbox, a_send_that_gives_up_is_not_received) {
  auto [sender, mailbox] = Mailbox<std::shared_ptr<int>>::create(1);
  auto kept = std::make_shared<int>(2);
  EXPECT_TRUE(sender.try_send(std::make_shared<int>(1)));
  const Result<> given_up = co_await attempt(with_timeout(1ms, sender.send(kept)));
  CO_ASSERT(!given_up);
  EXPECT_EQ(given_up.error().to_string(), "send to mailbox: timed out after 1 ms");
  EXPECT_EQ(kept.use_count(), 1);
  std::shared_ptr<int> first = co_await mailbox.receive();
  EXPECT_EQ(*first, 1);
  const Result<std::shared_ptr<int>> none = co_await attempt(with_timeout(1ms, mailbox.receive()));
  EXPECT_FALSE(none);
}

CO_TEST(Mailbox, tells_the_receiver_when_the_last_sender_has_gone) {
  auto ends = Mailbox<int>::create(4);
  std::optional<MailboxSender<int>> sender(std::move(ends.sender));
  std::optional<MailboxSender<int>> copy(*sender);
  EXPECT_TRUE(sender->try_send(1));
  sender.reset();
  EXPECT_TRUE(copy->try_send(2));
  auto leave = [&]() -> Task<> {
    co_await sleep(1ms);
    copy.reset();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(leave());
    const std::vector<int> all = co_await receive_all(ends.mailbox);  // waits, then is told
    EXPECT_EQ(all, range(1, 3));
  };
  co_await with_group(body);
  const Result<int> again = co_await attempt(ends.mailbox.receive());
  CO_ASSERT(!again);
  EXPECT_EQ(again.error().to_string(), "receive from mailbox: closed");
}

CO_TEST(Mailbox, closing_destroys_what_was_not_received_and_ends_who_waits) {
  auto [sender, mailbox] = Mailbox<std::shared_ptr<int>>::create(1);
  auto message = std::make_shared<int>(0);
  int closed = 0;
  auto send_one = [&]() -> Task<> {
    const Result<> sent = co_await attempt(sender.send(message));
    EXPECT_EQ(sent.error(), Errc::closed);
    ++closed;
  };
  auto body = [&](Group& group) -> Task<> {
    EXPECT_TRUE(sender.try_send(message));
    group.start(send_one());
    group.start(send_one());
    co_await sleep(1ms);
    EXPECT_EQ(message.use_count(), 4);
    mailbox.close();
    EXPECT_EQ(message.use_count(), 3);
  };
  co_await with_group(body);
  EXPECT_EQ(closed, 2);
  EXPECT_EQ(message.use_count(), 1);
  const Result<std::shared_ptr<int>> none = co_await attempt(mailbox.receive());
  EXPECT_EQ(none.error(), Errc::closed);
}

CO_TEST(Mailbox, closing_ends_a_receive_that_waits) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  auto wait = [&]() -> Task<> {
    const Result<int> none = co_await attempt(mailbox.receive());
    EXPECT_EQ(none.error(), Errc::closed);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(wait());
    co_await sleep(1ms);
    mailbox.close();
  };
  co_await with_group(body);
}

TEST(Mailbox, is_told_of_in_a_dump) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto [sender, mailbox] = Mailbox<int>::create(1);
  Running<int> receiving = runtime->start(mailbox.receive());
  EXPECT_EQ(runtime->dump_tasks(), "receive from mailbox\n");
}

// ---- Several threads ----------------------------------------------------------------------------

/// Sends 0 to `count` by trying, as a thread without a runtime does.
void send_by_trying(const MailboxSender<int>& sender, int count) {
  for (int i = 0; i < count; ++i) {
    while (!sender.try_send(i)) std::this_thread::yield();
  }
}

TEST(Mailbox, takes_from_threads_without_a_runtime) {
  auto [sender, mailbox] = Mailbox<int>::create(64);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([sender, count = many / 30] { send_by_trying(sender, count); });
  }
  auto receiving = [&]() -> Task<> {
    std::int64_t sum = 0;
    for (int i = 0; i < 3 * (many / 30); ++i) {
      const int message = co_await mailbox.receive();
      sum += message;
    }
    const std::int64_t count = many / 30;
    EXPECT_EQ(sum, 3 * (count * (count - 1) / 2));
  };
  expect_success_in_time(receiving());
  for (std::jthread& thread : threads) thread.join();
}

TEST(Mailbox, carries_a_million_messages_each_once) {
  static constexpr int senders = 3;
  static constexpr int count = many / senders;
  struct Numbered {
    int from;
    int number;
  };
  auto ends = Mailbox<Numbered>::create(256);
  std::vector<MailboxSender<Numbered>> to_send(senders, ends.sender);
  {
    const MailboxSender<Numbered> last = std::move(ends.sender);
  }
  auto sending = [](MailboxSender<Numbered> sender, int from) -> Task<> {
    for (int i = 0; i < count; ++i) {
      const Numbered message{from, i};
      co_await sender.send(message);
    }
  };
  auto receiving = [](Mailbox<Numbered> mailbox) -> Task<> {
    std::array<int, senders> next{};
    for (;;) {
      const Result<Numbered> message = co_await attempt(mailbox.receive());
      if (!message) break;
      int& expected = next[static_cast<std::size_t>(message->from)];
      CO_ASSERT(message->number == expected);
      ++expected;
    }
    for (const int each : next) EXPECT_EQ(each, count);
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == senders) return receiving(std::move(ends.mailbox));
    return sending(std::move(to_send[core.index()]), static_cast<int>(core.index()));
  };
  const Result<> ended = run_on_cores(body, {.count = senders + 1});
  EXPECT_TRUE(ended) << ended.error().to_string();
}

TEST(Mailbox, carries_ping_and_pong) {
  auto [to_pong, pings] = Mailbox<int>::create(1);
  auto [to_ping, pongs] = Mailbox<int>::create(1);
  constexpr int rounds = many / 100;
  auto ping = [&]() -> Task<> {
    for (int i = 0; i < rounds; ++i) {
      co_await to_pong.send(i);
      const int answer = co_await pongs.receive();
      EXPECT_EQ(answer, -i);
    }
  };
  auto pong = [&]() -> Task<> {
    for (int i = 0; i < rounds; ++i) {
      const int question = co_await pings.receive();
      co_await to_ping.send(-question);
    }
  };
  auto body = [&](Core& core) -> Task<> { return core.index() == 0 ? ping() : pong(); };
  const Result<> ended = run_on_cores(body, {.count = 2});
  EXPECT_TRUE(ended) << ended.error().to_string();
}

/// Both ends give up again and again: what was sent is received once, what failed never.
TEST(Mailbox, keeps_its_word_when_sends_and_receives_are_given_up) {
  constexpr int count = many / 100;
  constexpr int senders = 2;
  auto ends = Mailbox<int>::create(2);
  std::vector<MailboxSender<int>> to_send(senders, ends.sender);
  {
    const MailboxSender<int> last = std::move(ends.sender);
  }
  std::array<std::vector<int>, senders> sent;
  std::vector<int> received;
  auto sending = [&sent](MailboxSender<int> sender, std::size_t which) -> Task<> {
    for (int i = 0; i < count; ++i) {
      const int number = i * senders + static_cast<int>(which);
      const Duration limit = std::chrono::microseconds(i % 7 * 3);
      const Result<> result = co_await attempt(with_timeout(limit, sender.send(number)));
      if (result) {
        sent[which].push_back(number);
      } else {
        EXPECT_EQ(result.error(), std::errc::timed_out);
      }
    }
  };
  auto receiving = [&received](Mailbox<int> mailbox) -> Task<> {
    for (int i = 0;; ++i) {
      const Duration limit = std::chrono::microseconds(i % 5 * 4);
      const Result<int> result = co_await attempt(with_timeout(limit, mailbox.receive()));
      if (result) received.push_back(*result);
      if (!result && result.error() == Errc::closed) co_return;
    }
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == senders) return receiving(std::move(ends.mailbox));
    return sending(std::move(to_send[core.index()]), core.index());
  };
  const Result<> ended = run_on_cores(body, {.count = senders + 1});
  EXPECT_TRUE(ended) << ended.error().to_string();
  std::vector<int> all = sent[0];
  all.insert(all.end(), sent[1].begin(), sent[1].end());
  std::ranges::sort(all);
  std::ranges::sort(received);
  EXPECT_EQ(received, all);
}

// ---- Ends that go -------------------------------------------------------------------------------

TEST(Mailbox, whose_receiver_ends_closes_for_those_who_wait) {
  auto ends = Mailbox<int>::create(4);
  auto receive_some = [](Mailbox<int> mailbox) -> Task<> {
    for (int i = 0; i < 10; ++i) co_await mailbox.receive();
  };
  std::atomic<int> closed = 0;
  auto send_until_closed = [&]() -> Task<> {
    MailboxSender<int> sender = ends.sender;
    for (;;) {
      const Result<> sent = co_await attempt(sender.send(1));
      if (sent) continue;
      EXPECT_EQ(sent.error(), Errc::closed);
      ++closed;
      co_return;
    }
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == 0) return receive_some(std::move(ends.mailbox));
    return send_until_closed();
  };
  const Result<> ended = run_on_cores(body, {.count = 3});
  EXPECT_TRUE(ended) << ended.error().to_string();
  EXPECT_EQ(closed, 2);
  EXPECT_EQ(ends.sender.try_send(1).error(), Errc::closed);
}

TEST(Mailbox, of_a_runtime_that_has_ended_is_closed) {
  auto [sender, mailbox] = Mailbox<std::shared_ptr<int>>::create(4);
  auto message = std::make_shared<int>(1);
  EXPECT_TRUE(sender.try_send(message));
  EXPECT_TRUE(sender.try_send(message));
  std::jthread receiver([&mailbox] { expect_success_in_time(mailbox.receive()); });
  receiver.join();
  EXPECT_EQ(message.use_count(), 1);
  EXPECT_EQ(sender.try_send(message).error(), Errc::closed);
  expect_failure(Errc::closed, sender.send(message));
  expect_failure(Errc::closed, mailbox.receive());
}

TEST(Mailbox, keeps_what_a_runtime_that_has_ended_had_sent) {
  auto ends = Mailbox<int>::create(8);
  std::jthread([sender = std::move(ends.sender)]() mutable {
    expect_success_in_time(send_range(std::move(sender), 0, 8));
  }).join();
  auto receiving = [&]() -> Task<> {
    const std::vector<int> all = co_await receive_all(ends.mailbox);
    EXPECT_EQ(all, range(0, 8));
  };
  expect_success_in_time(receiving());
}

/// Two runtimes that end while they talk, in any order.
TEST(Mailbox, survives_ends_that_go_at_the_same_time) {
  for (int round = 0; round < (sanitized ? 100 : 500); ++round) {
    auto ends = Mailbox<std::unique_ptr<int>>::create(2);
    auto sending = [round](MailboxSender<std::unique_ptr<int>> sender) -> Task<> {
      for (int i = 0; i < round % 11; ++i) {
        const Result<> sent = co_await attempt(sender.send(std::make_unique<int>(i)));
        if (!sent) co_return;
      }
    };
    auto receiving = [round](Mailbox<std::unique_ptr<int>> mailbox) -> Task<> {
      for (int i = 0; i < round % 7; ++i) {
        const Result<std::unique_ptr<int>> got = co_await attempt(mailbox.receive());
        if (!got) co_return;
        EXPECT_EQ(**got, i);
      }
    };
    std::jthread first([&, sender = std::move(ends.sender)]() mutable {
      expect_success_in_time(sending(std::move(sender)));
    });
    std::jthread second([&, mailbox = std::move(ends.mailbox)]() mutable {
      expect_success_in_time(receiving(std::move(mailbox)));
    });
    first.join();
    second.join();
  }
}

TEST(Mailbox, stops_with_a_task_that_waits_on_it) {
  auto ends = Mailbox<int>::create(1);
  EXPECT_TRUE(ends.sender.try_send(0));
  std::atomic<int> canceled = 0;
  auto send_two = [&]() -> Task<> {
    const Result<> sent = co_await attempt(ends.sender.send(1));
    if (!sent && sent.error() == std::errc::operation_canceled) ++canceled;
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() > 0) {
      co_await send_two();
      co_return;
    }
    co_await sleep(5ms);
    core.stop_all();
  };
  const Result<> ended = run_on_cores(body, {.count = 3});
  EXPECT_TRUE(ended) << ended.error().to_string();
  EXPECT_EQ(canceled, 2);
}

TEST(MailboxDeath, receiving_on_two_runtimes) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  const std::unique_ptr<Runtime> first = make_runtime();
  EXPECT_FALSE(run(*first, with_timeout(Duration::zero(), mailbox.receive())));
  EXPECT_DEATH(static_cast<void>(run_alone(mailbox.receive())),
               "a mailbox is received from on a second runtime");
}

}  // namespace
}  // namespace ieum::test
