// SendQueue: its policies, waiting at both ends, closing, one payload in many queues.
#include <ieum/send_queue.hpp>

#include <random>
#include <vector>

#include "support/null_driver.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

Payload payload(std::string_view text) { return Payload(std::string(text)); }

void run_virtual(Task<> task) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const Result<> result = run(*runtime, std::move(task));
  EXPECT_TRUE(result) << result.error().to_string();
}

/// All that can be popped without waiting.
Task<std::string> pop_all(SendQueue& queue) {
  std::string all;
  while (!queue.empty()) {
    Payload next = co_await queue.pop();
    all += next.text();
    all += ' ';
  }
  co_return all;
}

Task<> push_and_note(SendQueue& queue, std::string_view text, std::string& done) {
  co_await queue.push(payload(text));
  done += text;
}

Task<> pop_into(SendQueue& queue, std::string& got) {
  Payload next = co_await queue.pop();
  got = next.text();
}

TEST(SendQueue, gives_what_was_pushed_in_its_order) {
  run_virtual([]() -> Task<> {
    SendQueue queue;
    co_await queue.push(payload("1"));
    co_await queue.push(payload(""));
    EXPECT_TRUE(queue.try_push(payload("3")));
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.bytes(), 3U) << "an empty payload counts as one byte";
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "1  3 ");
    EXPECT_EQ(queue.bytes(), 0U);
  }());
}

TEST(SendQueue, one_payload_is_shared_by_many) {
  run_virtual([]() -> Task<> {
    const Payload one = payload("the same bytes");
    SendQueue first;
    SendQueue second;
    co_await first.push(one);
    co_await second.push(one);
    Payload a = co_await first.pop();
    Payload b = co_await second.pop();
    EXPECT_EQ(a.bytes().data(), one.bytes().data());
    EXPECT_EQ(b.bytes().data(), one.bytes().data());
  }());
}

TEST(SendQueue, a_push_waits_for_room_and_they_take_turns) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::wait});
    std::string done;
    co_await with_group([&](Group& group) -> Task<> {
      co_await queue.push(payload("aaaa"));
      EXPECT_FALSE(queue.try_push(payload("x")));
      group.start(push_and_note(queue, "bbb", done));
      group.start(push_and_note(queue, "c", done));  // waits behind it, though it would fit sooner
      co_await yield();
      EXPECT_EQ(done, "");
      EXPECT_FALSE(queue.try_push(payload("x"))) << "others wait already";
      Payload first = co_await queue.pop();
      EXPECT_EQ(first.text(), "aaaa");
      co_await yield();
      co_await yield();
      EXPECT_EQ(done, "bbbc");
      EXPECT_LE(queue.bytes(), 4U);
      const std::string rest = co_await pop_all(queue);
      EXPECT_EQ(rest, "bbb c ");
    });
  }());
}

TEST(SendQueue, drop_oldest_keeps_what_fits) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::drop_oldest});
    for (const char* text : {"11", "22", "33", "4"}) co_await queue.push(payload(text));
    EXPECT_EQ(queue.dropped(), 2U);
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "33 4 ");
  }());
}

TEST(SendQueue, drop_oldest_drops_as_many_as_it_takes) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::drop_oldest});
    for (const char* text : {"1", "2", "3", "4", "567"}) co_await queue.push(payload(text));
    EXPECT_EQ(queue.bytes(), 4U);
    EXPECT_EQ(queue.dropped(), 3U);
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "4 567 ");
  }());
}

TEST(SendQueue, keep_latest_keeps_one) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 100, .when_full = WhenFull::keep_latest});
    for (const char* text : {"1", "2", "3"}) co_await queue.push(payload(text));
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.dropped(), 2U);
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "3 ");
  }());
}

TEST(SendQueue, the_newest_is_what_a_waiting_pop_gets) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 100, .when_full = WhenFull::keep_latest});
    std::string got;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(pop_into(queue, got));
      co_await yield();
      queue.try_push(payload("old"));
      queue.try_push(payload("new"));
    });
    EXPECT_EQ(got, "new");
    EXPECT_TRUE(queue.empty());
  }());
}

TEST(SendQueue, disconnect_tells_both_ends) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::disconnect});
    co_await queue.push(payload("1234"));
    const Result<> full = co_await attempt(queue.push(payload("5")));
    CO_ASSERT(!full);
    EXPECT_EQ(full.error(), Errc::limit_exceeded);
    EXPECT_TRUE(queue.is_closed());
    const Result<Payload> popped = co_await attempt(queue.pop());
    CO_ASSERT(!popped);
    EXPECT_EQ(popped.error(), Errc::limit_exceeded);
    EXPECT_EQ(queue.dropped(), 1U);
  }());
}

Task<> pop_until_disconnected(SendQueue& queue, std::string& got) {
  co_await pop_into(queue, got);
  const Result<Payload> then = co_await attempt(queue.pop());
  CO_ASSERT(!then);
  EXPECT_EQ(then.error(), Errc::limit_exceeded);
}

TEST(SendQueue, disconnect_keeps_what_a_pop_was_promised) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::disconnect});
    std::string got;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(pop_until_disconnected(queue, got));
      co_await yield();
      EXPECT_TRUE(queue.try_push(payload("1")));
      EXPECT_TRUE(queue.try_push(payload("234")));
      EXPECT_FALSE(queue.try_push(payload("5")));
    });
    EXPECT_EQ(got, "1");
  }());
}

Task<> pop_after(int others, SendQueue& queue, std::string& got) {
  SendQueue spare;
  for (int i = 0; i < others; ++i) {
    spare.try_push(payload("x"));
    Payload next = co_await spare.pop();
  }
  const Result<Payload> popped = co_await attempt(queue.pop());
  got = popped ? popped->text() : popped.error().to_string();
}

TEST(SendQueue, disconnect_keeps_what_a_pop_has_found_that_is_told_later) {
  // After so many answers at once a task lets others go first: between a pop and its value, too.
  for (int others = 0; others < 130; ++others) {
    run_virtual([](int before) -> Task<> {
      SendQueue queue({.bytes_max = 4, .when_full = WhenFull::disconnect});
      queue.try_push(payload("1"));
      std::string got;
      co_await with_group([&](Group& group) -> Task<> {
        group.start(pop_after(before, queue, got));
        queue.try_push(payload("2345"));
        queue.try_push(payload("6"));
        EXPECT_TRUE(queue.is_closed());
        co_await yield();
      });
      EXPECT_TRUE(got == "1" || got.ends_with("limit exceeded")) << got;
    }(others));
  }
}

Task<> push_until_timed_out(SendQueue& queue, std::string_view text) {
  const Result<> pushed = co_await attempt(with_timeout(1s, queue.push(payload(text))));
  CO_ASSERT(!pushed);
  EXPECT_EQ(pushed.error(), std::errc::timed_out);
}

TEST(SendQueue, a_push_that_gives_up_lets_those_behind_it_go_on) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::wait});
    co_await queue.push(payload("aaa"));
    std::string done;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(push_until_timed_out(queue, "bbb"));
      group.start(push_and_note(queue, "c", done));
      co_await yield();
      EXPECT_EQ(done, "");
      co_await sleep(2s);
      EXPECT_EQ(done, "c");
    });
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "aaa c ");
  }());
}

std::string text_of(const std::vector<Payload>& payloads) {
  std::string text;
  for (const Payload& each : payloads) text += std::string(each.text()) + ' ';
  return text;
}

TEST(SendQueue, pop_all_gives_what_waits_and_makes_room_for_who_waits) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 3});
    std::vector<Payload> all{payload("old")};
    std::string done;
    auto body = [&](Group& group) -> Task<> {
      for (std::string_view text : {"1", "2", "3", "4", "5"}) {
        group.start(push_and_note(queue, text, done));
      }
      co_await yield();
      EXPECT_EQ(done, "123");
      Payload first = co_await queue.pop();
      co_await queue.pop_all(all);
      EXPECT_EQ(std::string(first.text()) + ' ' + text_of(all), "1 2 3 4 ");
      EXPECT_EQ(queue.bytes(), 1U) << "the last of those that waited";
      co_await queue.pop_all(all);
      EXPECT_EQ(text_of(all), "5 ");
      EXPECT_TRUE(queue.empty());
    };
    co_await with_group(body);
    EXPECT_EQ(done, "12345");
  }());
}

TEST(SendQueue, pop_all_waits_for_one_and_is_told_of_the_end) {
  run_virtual([]() -> Task<> {
    SendQueue queue;
    std::vector<Payload> all;
    Result<> result = co_await attempt(with_timeout(1ms, queue.pop_all(all)));
    EXPECT_FALSE(result) << "there is nothing";
    auto body = [&](Group& group) -> Task<> {
      auto pushing = [&]() -> Task<> {
        co_await yield();
        queue.try_push(payload("1"));
        queue.try_push(payload("2"));
      };
      group.start(pushing());
      co_await queue.pop_all(all);
    };
    co_await with_group(body);
    EXPECT_EQ(text_of(all), "1 2 ");
    queue.close();
    result = co_await attempt(queue.pop_all(all));
    CO_ASSERT(!result);
    EXPECT_EQ(result.error(), Errc::closed);
    EXPECT_EQ(text_of(all), "1 2 ") << "a failure changes nothing";
  }());
}

TEST(SendQueue, keeps_its_order_however_long_it_gets) {
  run_virtual([]() -> Task<> {
    SendQueue queue;
    std::mt19937_64 random(seed());
    std::size_t pushed = 0;
    std::size_t popped = 0;
    while (popped < 100'000) {
      for (auto count = random() % 200; count > 0; --count) {
        EXPECT_TRUE(queue.try_push(payload(std::to_string(pushed++))));
      }
      for (auto count = random() % 200; count > 0 && !queue.empty(); --count) {
        const Payload next = co_await queue.pop();
        CO_ASSERT(next.text() == std::to_string(popped++));
      }
      CO_ASSERT(queue.size() == pushed - popped);
    }
  }());
}

TEST(SendQueue, that_is_empty_is_small) { EXPECT_LE(sizeof(SendQueue), 128U); }

TEST(SendQueue, what_never_fits_is_refused) {
  run_virtual([]() -> Task<> {
    for (const WhenFull policy :
         {WhenFull::wait, WhenFull::drop_oldest, WhenFull::keep_latest, WhenFull::disconnect}) {
      SendQueue queue({.bytes_max = 4, .when_full = policy});
      co_await queue.push(payload("old"));
      const Result<> large = co_await attempt(queue.push(payload("12345")));
      CO_ASSERT(!large);
      EXPECT_EQ(large.error(), Errc::limit_exceeded);
      const std::string all = co_await pop_all(queue);
      EXPECT_EQ(all, "old ");
    }
  }());
}

Task<> push_in_vain(SendQueue& queue, std::string& ending) {
  const Result<> pushed = co_await attempt(queue.push(payload("late")));
  ending = pushed ? "pushed" : pushed.error().to_string();
}

TEST(SendQueue, closing_lets_the_rest_be_popped_and_fails_who_waits) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::wait});
    co_await queue.push(payload("rest"));
    std::string ending;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(push_in_vain(queue, ending));
      co_await yield();
      queue.close();
    });
    EXPECT_TRUE(ending.starts_with("push to send queue: ")) << ending;
    EXPECT_FALSE(queue.try_push(payload("later")));
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "rest ");
    const Result<Payload> popped = co_await attempt(queue.pop());
    CO_ASSERT(!popped);
    EXPECT_EQ(popped.error(), Errc::closed);
  }());
}

Task<> pop_until_closed(SendQueue& queue, bool& closed) {
  const Result<Payload> popped = co_await attempt(queue.pop());
  closed = !popped && popped.error() == Errc::closed;
}

TEST(SendQueue, closing_wakes_a_pop_that_waits) {
  run_virtual([]() -> Task<> {
    SendQueue queue;
    bool closed = false;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(pop_until_closed(queue, closed));
      co_await yield();
      queue.close();
    });
    EXPECT_TRUE(closed);
  }());
}

TEST(SendQueue, a_stop_and_a_deadline_end_both_and_lose_nothing) {
  run_virtual([]() -> Task<> {
    SendQueue queue({.bytes_max = 4, .when_full = WhenFull::wait});
    const Result<Payload> none = co_await attempt(with_timeout(1s, queue.pop()));
    CO_ASSERT(!none);
    EXPECT_EQ(none.error(), std::errc::timed_out);
    co_await queue.push(payload("full"));
    const Result<> no_room = co_await attempt(with_timeout(1s, queue.push(payload("x"))));
    CO_ASSERT(!no_room);
    EXPECT_EQ(no_room.error(), std::errc::timed_out);
    const std::string all = co_await pop_all(queue);
    EXPECT_EQ(all, "full ");
  }());
}

}  // namespace
}  // namespace ieum::test
