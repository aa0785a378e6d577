// What RoomLog promises, of every engine.
#include "log/room_log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <utility>

#include "hub/storage/engines.hpp"

namespace ieum::hub {
namespace {

using namespace hub::test;

class RoomLogTest : public StorageTest {};
INSTANTIATE_TEST_SUITE_P(Engines, RoomLogTest, every_engine, engine_name);

// ---- Rooms --------------------------------------------------------------------------------------

Task<> rooms_have_numbers_and_keys(RoomLog& log) {
  const RoomInfo sea = co_await log.open(channel_key("#sea"));
  const RoomInfo air = co_await log.open(channel_key("#air"));
  const RoomInfo pair = co_await log.open(direct_key("a:ann", "g:1"));
  EXPECT_NE(sea.id, RoomId::none);
  EXPECT_NE(sea.id, air.id);
  const RoomInfo again = co_await log.open(channel_key("#sea"));
  EXPECT_EQ(again.id, sea.id);
  EXPECT_EQ(again.key, channel_key("#sea"));
  EXPECT_EQ(again.first, 1U);
  EXPECT_EQ(again.last, 0U);
  const std::optional<RoomInfo> found = co_await log.find(direct_key("g:1", "a:ann"));
  CO_ASSERT(found.has_value());
  EXPECT_EQ(found->id, pair.id);
  const std::optional<RoomInfo> none = co_await log.find(channel_key("#none"));
  EXPECT_FALSE(none.has_value());
  const std::vector<RoomInfo> channels = co_await log.channels();
  CO_ASSERT(channels.size() == 2);
  EXPECT_EQ(channels[0].id, sea.id);
  EXPECT_EQ(channels[1].id, air.id);
}
TEST_P(RoomLogTest, RoomsHaveNumbersAndKeys) { expect_success(rooms_have_numbers_and_keys(log())); }

Task<> removed_room_leaves_nothing_to_the_next(RoomLog& log) {
  const RoomInfo first = co_await log.open(channel_key("#sea"));
  co_await put_some(log, first.id, 3);
  const bool removed = co_await log.remove(first.id);
  EXPECT_TRUE(removed);
  const bool again = co_await log.remove(first.id);
  EXPECT_FALSE(again);
  const std::optional<RoomInfo> gone = co_await log.info(first.id);
  EXPECT_FALSE(gone.has_value());
  Appended late = co_await log.append(first.id, "", said("a:ann", "late"));
  EXPECT_EQ(late.outcome, Outcome::absent);
  const RoomInfo next = co_await log.open(channel_key("#sea"));
  EXPECT_NE(next.id, first.id);
  EXPECT_EQ(next.last, 0U);
  Window window;
  window.room = first.id;
  const Page page = co_await log.after(window, 0);
  EXPECT_TRUE(page.entries.empty());
  co_await log.trim(Retention{}, at(0));  // takes its entries
  const std::optional<RoomInfo> still_gone = co_await log.info(first.id);
  EXPECT_FALSE(still_gone.has_value());
}
TEST_P(RoomLogTest, RemovedRoomLeavesNothingToTheNext) {
  expect_success(removed_room_leaves_nothing_to_the_next(log()));
}

Task<> state_is_kept_and_never_goes_back(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  co_await log.save_state(room.id, 7, "topic\0of 7");
  co_await log.save_state(room.id, 5, "older");
  const std::optional<RoomInfo> info = co_await log.info(room.id);
  CO_ASSERT(info.has_value());
  EXPECT_EQ(info->state, "topic\0of 7");
  EXPECT_EQ(info->state_position, 7U);
  co_await log.save_state(RoomId{999}, 1, "of no room");
}
TEST_P(RoomLogTest, StateIsKeptAndNeverGoesBack) {
  expect_success(state_is_kept_and_never_goes_back(log()));
}

// ---- Appending ----------------------------------------------------------------------------------

Task<> entries_come_back_as_they_were(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  Entry entry;
  entry.kind = Kind::notice;
  entry.sender = "a:ann";
  entry.source = "Ann!ann@host";
  entry.body = std::string("any \0 byte \xff", 12);
  entry.tags = "+draft/reply=x";
  entry.time = at(5);
  entry.about = 17;
  entry.origin = 99;
  const Entry sent = entry;
  Tail tail = log.follow();
  Appended appended = co_await log.append(room.id, "", std::move(entry));
  EXPECT_EQ(appended.outcome, Outcome::stored);
  EXPECT_EQ(appended.id, (MessageId{log.epoch(), room.id, 1}));
  EXPECT_NE(log.epoch(), 0U);
  const SharedBatch batch = co_await tail.next();
  CO_ASSERT(batch->entries.size() == 1);
  EXPECT_EQ(batch->entries[0].room, room.id);
  EXPECT_EQ(batch->entries[0].position, 1U);
  EXPECT_EQ(batch->entries[0].entry, sent);
  Window window;
  window.room = room.id;
  const Page page = co_await log.latest(window, 0);
  CO_ASSERT(page.entries.size() == 1);
  Entry read = page.entries[0].entry;
  EXPECT_EQ(read.origin, 0U) << "it is not stored";
  read.origin = 99;
  EXPECT_EQ(read, sent);
  EXPECT_EQ(page.first, 1U);
  EXPECT_EQ(page.last, 1U);
}
TEST_P(RoomLogTest, EntriesComeBackAsTheyWere) {
  expect_success(entries_come_back_as_they_were(log()));
}

Task<> times_of_a_room_never_fall(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  co_await put(log, room.id, said("a:ann", "now", at(1000)));
  co_await put(log, room.id, said("a:bob", "of a slower clock", at(400)));
  Window window;
  window.room = room.id;
  const Page page = co_await log.after(window, 1);
  CO_ASSERT(page.entries.size() == 1);
  EXPECT_EQ(page.entries[0].entry.time, at(1000));
}
TEST_P(RoomLogTest, TimesOfARoomNeverFall) { expect_success(times_of_a_room_never_fall(log())); }

Task<> once_is_once(RoomLog& log) {
  const RoomInfo sea = co_await log.open(channel_key("#sea"));
  const RoomInfo air = co_await log.open(channel_key("#air"));
  Appended first = co_await log.append(sea.id, "id-1", said("a:ann", "hello"));
  EXPECT_EQ(first.outcome, Outcome::stored);
  Appended again = co_await log.append(sea.id, "id-1", said("a:ann", "hello"));
  EXPECT_EQ(again.outcome, Outcome::duplicate);
  EXPECT_EQ(again.id, first.id);
  Appended elsewhere = co_await log.append(air.id, "id-1", said("a:ann", "hello"));
  EXPECT_EQ(elsewhere.outcome, Outcome::duplicate);
  EXPECT_EQ(elsewhere.id, first.id) << "in the room where it was said";
  Appended another = co_await log.append(sea.id, "id-1", said("a:bob", "hello"));
  EXPECT_EQ(another.outcome, Outcome::stored) << "ids are each sender's own";
  Appended without = co_await log.append(sea.id, "", said("a:ann", "hello"));
  EXPECT_EQ(without.outcome, Outcome::stored);
  const std::optional<RoomInfo> info = co_await log.info(sea.id);
  EXPECT_EQ(info->last, 3U);
}
TEST_P(RoomLogTest, OnceIsOnce) { expect_success(once_is_once(log())); }

Task<> once_ids_are_forgotten_after_a_day(RoomLog& log) {
  constexpr std::int64_t day = std::chrono::milliseconds(RoomLog::once_kept).count();
  const RoomInfo sea = co_await log.open(channel_key("#sea"));
  Appended first = co_await log.append(sea.id, "id", said("a:ann", "one", at(0)));
  Appended late = co_await log.append(sea.id, "id", said("a:ann", "one", at(day - 1)));
  EXPECT_EQ(late.outcome, Outcome::duplicate);
  Appended next = co_await log.append(sea.id, "id", said("a:ann", "two", at(day)));
  EXPECT_EQ(next.outcome, Outcome::stored);
  EXPECT_EQ(next.id.position, first.id.position + 1);
  Appended of_next = co_await log.append(sea.id, "id", said("a:ann", "two", at(day + 5)));
  EXPECT_EQ(of_next.id, next.id);
  co_await log.trim(Retention{}, at(day + 10));
  Appended kept = co_await log.append(sea.id, "id", said("a:ann", "two", at(day + 20)));
  EXPECT_EQ(kept.outcome, Outcome::duplicate) << "trim forgets only what is older than a day";
}
TEST_P(RoomLogTest, OnceIdsAreForgottenAfterADay) {
  expect_success(once_ids_are_forgotten_after_a_day(log()));
}

Task<> redaction_takes_the_body(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  co_await put_some(log, room.id, 3);
  Entry redact = said("a:ann", "a slip", at(9000));
  redact.kind = Kind::redact;
  redact.about = 2;
  Appended appended = co_await log.append(room.id, "", redact);
  EXPECT_EQ(appended.outcome, Outcome::stored);
  EXPECT_EQ(appended.id.position, 4U);
  redact.about = 77;
  Appended of_nothing = co_await log.append(room.id, "", redact);
  EXPECT_EQ(of_nothing.outcome, Outcome::absent);
  Window window;
  window.room = room.id;
  window.limit = 2;
  const Page page = co_await log.after(window, 0);
  EXPECT_EQ(bodies(page), "1 3") << "left out, and not counted";
  window.with_redacted = true;
  const Page with = co_await log.after(window, 0);
  CO_ASSERT(with.entries.size() == 2);
  EXPECT_TRUE(with.entries[1].redacted);
  EXPECT_EQ(with.entries[1].entry.body, "");
  EXPECT_EQ(with.entries[1].entry.sender, "a:ann");
}
TEST_P(RoomLogTest, RedactionTakesTheBody) { expect_success(redaction_takes_the_body(log())); }

Task<> send_many(RoomLog& log, std::vector<RoomId> rooms, int sender, int count) {
  for (int i = 0; i < count; ++i) {
    const RoomId room = rooms[static_cast<std::size_t>(sender + i) % rooms.size()];
    Entry entry = said("a:" + std::to_string(sender), std::to_string(i), at(i));
    Appended appended = co_await log.append(room, std::to_string(i), std::move(entry));
    EXPECT_EQ(appended.outcome, Outcome::stored) << appended.reason;
  }
}

Task<> followers_see_all_in_one_order(RoomLog& log) {
  constexpr int senders = 20;
  constexpr int each = 30;
  std::vector<RoomId> rooms;
  for (const char* name : {"#sea", "#air", "#sun"}) {
    const RoomInfo room = co_await log.open(channel_key(name));
    rooms.push_back(room.id);
  }
  Tail one = log.follow();
  Tail other = log.follow();
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < senders; ++i) group.start(send_many(log, rooms, i, each));
    std::map<RoomId, Position> last;
    std::map<std::string, int> next;  // of each sender
    for (int seen = 0; seen < senders * each;) {
      const SharedBatch batch = co_await one.next();
      const SharedBatch same = co_await other.next();
      EXPECT_EQ(batch, same) << "the same object for all";
      for (const StoredEntry& stored : batch->entries) {
        EXPECT_EQ(stored.position, ++last[stored.room]);
        EXPECT_EQ(stored.entry.body, std::to_string(next[stored.entry.sender]++));
        ++seen;
      }
    }
  };
  co_await with_group(body);
  EXPECT_EQ(one.take(), nullptr) << "nothing came twice";
}
TEST_P(RoomLogTest, FollowersSeeAllInOneOrder) {
  expect_success(followers_see_all_in_one_order(log()));
}

Task<> wait_for_batch(Tail& tail) { co_await tail.next(); }

Task<> follower_may_stop_waiting(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  Tail tail = log.follow();
  Result<> stopped =
      co_await attempt(with_timeout(std::chrono::milliseconds(1), wait_for_batch(tail)));
  EXPECT_FALSE(stopped);
  co_await put(log, room.id, said("a:ann", "hello"));
  const SharedBatch batch = co_await tail.next();
  EXPECT_EQ(batch->entries.size(), 1U);
  {
    const Tail leaves = log.follow();
  }
  co_await put(log, room.id, said("a:ann", "for the one who stays"));
  co_await tail.next();
}
TEST_P(RoomLogTest, FollowerMayStopWaiting) { expect_success(follower_may_stop_waiting(log())); }

/// What one core saw, as "ROOM.POSITION BODY".
using Log = std::vector<std::string>;

Task<> follow_and_send(RoomLog& log, std::vector<RoomId> rooms, int sender, int count, int total,
                       std::atomic<int>& following, Log& seen) {
  Tail tail = log.follow();
  ++following;
  while (following < 2) co_await sleep(std::chrono::milliseconds(1));
  auto body = [&](Group& group) -> Task<> {
    group.start(send_many(log, rooms, sender, count));
    while (std::cmp_less(seen.size(), total)) {
      const SharedBatch batch = co_await tail.next();
      for (const StoredEntry& stored : batch->entries) {
        seen.push_back(std::to_string(static_cast<std::uint64_t>(stored.room)) + '.' +
                       std::to_string(stored.position) + ' ' + stored.entry.body);
      }
    }
  };
  co_await with_group(body);
}

TEST_P(RoomLogTest, EveryCoreSeesTheSameOrder) {
  std::vector<RoomId> rooms;
  for (const char* name : {"#sea", "#air"}) {
    const Result<RoomInfo> room = run_alone(log().open(channel_key(name)));
    ASSERT_TRUE(room);
    rooms.push_back(room->id);
  }
  std::array<Log, 2> seen;
  std::atomic<int> following = 0;
  auto on_each = [&](Core& core) {
    return follow_and_send(log(), rooms, static_cast<int>(core.index()), 50, 100, following,
                           seen[core.index()]);
  };
  const Result<> result = run_on_cores(on_each, {.count = 2});
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(seen[0].size(), 100U);
  EXPECT_EQ(seen[0], seen[1]);
}

Task<> tail_after_the_end(Tail& tail, std::size_t expected) {
  for (std::size_t i = 0; i < expected; ++i) co_await tail.next();
  Result<SharedBatch> end = co_await attempt(tail.next());
  CO_ASSERT(!end);
  EXPECT_EQ(end.error(), Errc::closed);
}
TEST_P(RoomLogTest, FollowersHearOfTheEnd) {
  Tail tail = log().follow();
  Result<RoomInfo> room = run_alone(log().open(channel_key("#sea")));
  ASSERT_TRUE(room);
  expect_success(put(log(), room->id, said("a:ann", "last words")));
  storage_.reset();
  expect_success(tail_after_the_end(tail, 1));
}

// ---- Reading ------------------------------------------------------------------------------------

Task<> reads_go_both_ways(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  co_await put_some(log, room.id, 9);
  Window window;
  window.room = room.id;
  window.limit = 3;
  const Page first = co_await log.after(window, 0);
  EXPECT_EQ(bodies(first), "1 2 3");
  const Page next = co_await log.after(window, 3);
  EXPECT_EQ(bodies(next), "4 5 6");
  const Page rest = co_await log.after(window, 8);
  EXPECT_EQ(bodies(rest), "9");
  const Page before = co_await log.before(window, 4);
  EXPECT_EQ(bodies(before), "1 2 3");
  const Page nothing = co_await log.before(window, 1);
  EXPECT_EQ(bodies(nothing), "");
  const Page latest = co_await log.latest(window, 0);
  EXPECT_EQ(bodies(latest), "7 8 9");
  const Page newer = co_await log.latest(window, 8);
  EXPECT_EQ(bodies(newer), "9");
  const Page around = co_await log.around(window, 5);
  EXPECT_EQ(bodies(around), "4 5 6");
  const Page at_begin = co_await log.around(window, 1);
  EXPECT_EQ(bodies(at_begin), "1 2 3");
  const Page forward = co_await log.between(window, 2, 9);
  EXPECT_EQ(bodies(forward), "3 4 5");
  const Page backward = co_await log.between(window, 9, 2);
  EXPECT_EQ(bodies(backward), "6 7 8");
  const Page none = co_await log.between(window, 4, 5);
  EXPECT_EQ(bodies(none), "");
  const Page far = co_await log.after(window, ~Position{0});
  EXPECT_EQ(bodies(far), "");
  const Page end = co_await log.before(window, ~Position{0});
  EXPECT_EQ(bodies(end), "7 8 9");
  window.room = RoomId{999};
  const Page of_no_room = co_await log.after(window, 0);
  EXPECT_EQ(bodies(of_no_room), "");
}
TEST_P(RoomLogTest, ReadsGoBothWays) { expect_success(reads_go_both_ways(log())); }

Task<> pages_are_bounded(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  const std::vector<RoomId> rooms{room.id};
  auto body = [&](Group& group) -> Task<> {  // together: one commit takes many
    for (int i = 0; i < 101; ++i) group.start(send_many(log, rooms, i, 10));
    co_return;
  };
  co_await with_group(body);
  Window window;
  window.room = room.id;
  window.limit = 1'000'000;
  const Page page = co_await log.after(window, 0);
  EXPECT_EQ(page.entries.size(), RoomLog::page_max);
  EXPECT_EQ(page.last, RoomLog::page_max + 10);
}
TEST_P(RoomLogTest, PagesAreBounded) { expect_success(pages_are_bounded(log())); }

Task<> pages_count_what_was_asked_for(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  for (int i = 1; i <= 6; ++i) {
    Entry join = said("a:bob", "joins", at(i));
    join.kind = Kind::join;
    co_await put(log, room.id, std::move(join));
    co_await put(log, room.id, said("a:ann", std::to_string(i), at(i)));
  }
  Window window;
  window.room = room.id;
  window.limit = 4;
  const Page said_only = co_await log.after(window, 0);
  EXPECT_EQ(bodies(said_only), "1 2 3 4") << "as many as asked for: there may be more";
  window.kinds = Kinds(Kind::join, Kind::message);
  const Page both = co_await log.latest(window, 0);
  EXPECT_EQ(bodies(both), "joins 5 joins 6");
  window.kinds = Kinds::all();
  window.limit = 100;
  const Page all = co_await log.after(window, 0);
  EXPECT_EQ(all.entries.size(), 12U);
}
TEST_P(RoomLogTest, PagesCountWhatWasAskedFor) {
  expect_success(pages_count_what_was_asked_for(log()));
}

Task<> positions_are_found_by_time(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  const Position of_empty = co_await log.position_at(room.id, at(0));
  EXPECT_EQ(of_empty, 1U);
  co_await put_some(log, room.id, 10);  // at 1000, 2000 …
  const Position first = co_await log.position_at(room.id, at(0));
  EXPECT_EQ(first, 1U);
  const Position exact = co_await log.position_at(room.id, at(4000));
  EXPECT_EQ(exact, 4U);
  const Position between = co_await log.position_at(room.id, at(4001));
  EXPECT_EQ(between, 5U);
  const Position late = co_await log.position_at(room.id, at(10'001));
  EXPECT_EQ(late, 11U);
}
TEST_P(RoomLogTest, PositionsAreFoundByTime) { expect_success(positions_are_found_by_time(log())); }

Task<> trim_goes_by_count_and_age(RoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  co_await put_some(log, room.id, 10);
  Retention retention;
  retention.count_max = 7;
  const std::uint64_t by_count = co_await log.trim(retention, at(10'000));
  EXPECT_EQ(by_count, 3U);
  const std::optional<RoomInfo> info = co_await log.info(room.id);
  EXPECT_EQ(info->first, 4U);
  EXPECT_EQ(info->last, 10U);
  retention.age_max = std::chrono::seconds(4);
  const std::uint64_t by_age = co_await log.trim(retention, at(10'000));
  EXPECT_EQ(by_age, 2U) << "those said before 6000";
  Window window;
  window.room = room.id;
  const Page page = co_await log.after(window, 0);
  EXPECT_EQ(bodies(page), "6 7 8 9 10");
  EXPECT_EQ(page.first, 6U);
  const Position first = co_await log.position_at(room.id, at(0));
  EXPECT_EQ(first, 6U);
  retention.count_max = 0;
  co_await log.trim(retention, at(10'000));
  const std::optional<RoomInfo> empty = co_await log.info(room.id);
  EXPECT_EQ(empty->first, 11U);
  EXPECT_EQ(empty->last, 10U);
  const Position next = co_await put(log, room.id, said("a:ann", "goes on", at(20'000)));
  EXPECT_EQ(next, 11U);
  Entry redact = said("a:ann", "", at(20'000));
  redact.kind = Kind::redact;
  redact.about = 3;
  Appended of_trimmed = co_await log.append(room.id, "", redact);
  EXPECT_EQ(of_trimmed.outcome, Outcome::absent);
}
TEST_P(RoomLogTest, TrimGoesByCountAndAge) { expect_success(trim_goes_by_count_and_age(log())); }

Task<> targets_are_the_caller_s(RoomLog& log) {
  const RoomInfo sea = co_await log.open(channel_key("#sea"));
  const RoomInfo air = co_await log.open(channel_key("#air"));
  const RoomInfo mine = co_await log.open(direct_key("a:ann", "a:bob"));
  const RoomInfo others = co_await log.open(direct_key("a:bob", "a:eve"));
  const RoomInfo silent = co_await log.open(direct_key("a:ann", "a:eve"));
  EXPECT_NE(silent.id, mine.id);
  co_await put(log, sea.id, said("a:bob", "x", at(1000)));
  co_await put(log, air.id, said("a:bob", "x", at(2000)));
  co_await put(log, mine.id, said("a:bob", "x", at(3000)));
  co_await put(log, others.id, said("a:bob", "x", at(4000)));
  Entry join = said("a:eve", "", at(9000));
  join.kind = Kind::join;
  co_await put(log, sea.id, std::move(join));
  std::vector<RoomId> rooms{sea.id, sea.id, others.id};  // which is not hers, whoever asks
  const std::vector<Target> all = co_await log.targets(rooms, "a:ann", at(0), at(10'000), 10);
  CO_ASSERT(all.size() == 2);
  EXPECT_EQ(all[0].id, sea.id);
  EXPECT_EQ(all[0].latest, at(1000)) << "the join says nothing";
  EXPECT_EQ(all[1].id, mine.id);
  EXPECT_EQ(all[1].key, direct_key("a:ann", "a:bob"));
  const std::vector<Target> one = co_await log.targets(rooms, "a:ann", at(0), at(10'000), 1);
  CO_ASSERT(one.size() == 1);
  EXPECT_EQ(one[0].id, sea.id);
  const std::vector<Target> last = co_await log.targets(rooms, "a:ann", at(10'000), at(0), 1);
  CO_ASSERT(last.size() == 1);
  EXPECT_EQ(last[0].id, mine.id);
  const std::vector<Target> within = co_await log.targets(rooms, "a:ann", at(1000), at(3000), 10);
  EXPECT_TRUE(within.empty()) << "neither end is included";
}
TEST_P(RoomLogTest, TargetsAreTheCallers) { expect_success(targets_are_the_caller_s(log())); }

}  // namespace
}  // namespace ieum::hub
