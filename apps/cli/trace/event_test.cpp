#include "trace/event.hpp"

#include <gtest/gtest.h>

#include "trace/replay.hpp"

namespace ieum::cli::trace {
namespace {

TEST(TraceEvent, ComesBackFromJson) {
  const Event event{
      .kind = EventKind::call,
      .at = Time(1234),
      .took = Time(56),
      .pid = 7,
      .tid = 8,
      .call = "sendto",
      .result = -11,
      .fd = 3,
      .socket = 99,
      .protocol = "tcp",
      .local = "127.0.0.1:1",
      .peer = "127.0.0.1:2",
      .asked = 5,
      .data = "a\\n",
      .passed = {4, 5},
      .states = {.before = SocketState::established, .own = SocketState::fin_wait_2, .unread = 3}};
  const std::string line = to_json(event);
  const auto back = parse_event(line);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), line);
  EXPECT_EQ(back->states.own, SocketState::fin_wait_2);
}

TEST(TraceEvent, RefusesWhatIsNone) {
  for (const std::string_view line :
       {"", "{", "[]", "7", R"({"event":"nothing"})", R"({"event":"call","pid":[]})",
        R"({"event":"call","text":5})"}) {
    const auto event = parse_event(line);
    EXPECT_TRUE(!event || event->pid == 0) << line;
  }
  EXPECT_FALSE(parse_event(R"({"event":"call","text":5})"));
}

TEST(Replay, NeverGoesBackInTime) {
  std::vector<Time> times;
  const auto take = [&](const Event& event) { times.push_back(event.at); };
  const std::string begun = "{\"event\":\"begin\",\"us\":5}\n{\"event\":\"note\",\"us\":2}\n";
  const auto whole = replay(begun + "{\"event\":\"end\",\"us\":3}\n", take);
  EXPECT_TRUE(whole);
  EXPECT_EQ(times, (std::vector<Time>{Time(5), Time(5), Time(5)}));
  times.clear();
  const auto cut_off = replay(begun, take);
  EXPECT_FALSE(cut_off);
  EXPECT_EQ(times, (std::vector<Time>{Time(5), Time(5), Time(5)})) << "it ends all the same";
}

}  // namespace
}  // namespace ieum::cli::trace
