// What was said before: CHATHISTORY, MARKREAD, the replay for those who cannot ask.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

/// Says `count` things in #a: 1, 2, 3 …
Task<> say(HubClient& client, int count) {
  for (int i = 1; i <= count; ++i) co_await client.send("PRIVMSG #a :say" + std::to_string(i));
  co_await client.sync();
}

/// What of say1, say2 … is in `text`, in its order.
std::string said(const std::string& text) {
  std::string all;
  for (std::size_t at = text.find(":say"); at != std::string::npos;
       at = text.find(":say", at + 1)) {
    if (!all.empty()) all += ' ';
    all += text.substr(at + 4, text.find('\n', at) - at - 4);
  }
  return all;
}

HUB_TEST(HubHistory, IsAskedForInEveryWay) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await say(ann, 9);
  co_await bob.sync();
  std::string text = co_await bob.ask("CHATHISTORY LATEST #a * 3");
  EXPECT_EQ(said(text), "7 8 9");
  EXPECT_TRUE(has(text, " chathistory #a\n"));
  const std::string third = line_with(text, ":say7");
  const std::string id = "msgid=" + tag_of(third, "msgid");
  EXPECT_NE(tag_of(third, "batch"), "");
  text = co_await bob.ask("CHATHISTORY BEFORE #a " + id + " 2");
  EXPECT_EQ(said(text), "5 6");
  text = co_await bob.ask("CHATHISTORY AFTER #a " + id + " 50");
  EXPECT_EQ(said(text), "8 9");
  text = co_await bob.ask("CHATHISTORY AROUND #a " + id + " 3");
  EXPECT_EQ(said(text), "6 7 8");
  text = co_await bob.ask("CHATHISTORY LATEST #a " + id + " 10");
  EXPECT_EQ(said(text), "8 9");
  const std::string time = "timestamp=" + tag_of(third, "time");
  text = co_await bob.ask("CHATHISTORY BETWEEN #a timestamp=2000-01-01T00:00:00.000Z " + id + " 4");
  EXPECT_EQ(said(text), "1 2 3 4");
  text = co_await bob.ask("CHATHISTORY BETWEEN #a " + id + " timestamp=2000-01-01T00:00:00.000Z 4");
  EXPECT_EQ(said(text), "3 4 5 6");
  text = co_await bob.ask("CHATHISTORY AFTER #a timestamp=2000-01-01T00:00:00.000Z 2");
  EXPECT_EQ(said(text), "1 2");
  text = co_await bob.ask("@label=h CHATHISTORY LATEST #a * 1");
  EXPECT_EQ(count_of(text, "label=h"), 1U) << text;
  EXPECT_TRUE(has(line_with(text, "label=h"), "BATCH +"));
  text = co_await bob.ask(
      "CHATHISTORY TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z "
      "5");
  EXPECT_TRUE(has(text, "CHATHISTORY TARGETS #a 20"));
}

HUB_TEST(HubHistory, HasEventsForThoseWhoAsk) {
  HubClient ann = co_await hub.client("ann", std::string(modern) + " draft/event-playback");
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.ask("TOPIC #a :new");
  co_await ann.ask("@+draft/react=x TAGMSG #a");
  co_await say(ann, 1);
  co_await bob.sync();
  std::string text = co_await ann.ask("CHATHISTORY LATEST #a * 10");
  EXPECT_TRUE(has(text, " TOPIC #a :new\n"));
  EXPECT_TRUE(has(text, " TAGMSG #a\n"));
  text = co_await bob.ask("CHATHISTORY LATEST #a * 10");
  EXPECT_EQ(count_of(text, "\n"), 3U) << text;
}

HUB_TEST(HubHistory, IsRefusedWithAReason) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await say(ann, 1);
  std::string text = co_await bob.ask("CHATHISTORY LATEST #a * 10");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_TARGET LATEST #a :")) << "not a member";
  text = co_await ann.ask("CHATHISTORY LATEST #a *");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_PARAMS LATEST #a * :"));
  text = co_await ann.ask("CHATHISTORY LATEST #a * 0");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_PARAMS "));
  text = co_await ann.ask("CHATHISTORY SOME #a * 1");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_PARAMS SOME "));
  text = co_await ann.ask("CHATHISTORY BEFORE #a id=1 1");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_MSGREFTYPE "));
  text = co_await ann.ask("CHATHISTORY BEFORE #a timestamp=yesterday 1");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY INVALID_PARAMS "));
  text = co_await ann.ask("CHATHISTORY AFTER #a msgid=00000000000000ff.1.1 1");
  EXPECT_TRUE(has(text, "FAIL CHATHISTORY GAP AFTER #a ")) << "an id of another epoch";
}

HUB_TEST(HubHistory, WhatIsNoLongerKeptIsAGap) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await say(ann, 9);
  std::string text = co_await ann.ask("CHATHISTORY AFTER #a timestamp=2000-01-01T00:00:00.000Z 1");
  const std::string first = "msgid=" + tag_of(line_with(text, ":say1"), "msgid");
  hub::Retention retention;
  retention.count_max = 3;
  co_await hub.log.trim(retention, hub.server().time());
  text = co_await ann.ask("CHATHISTORY AFTER #a " + first + " 50");
  EXPECT_EQ(said(text), "7 8 9");
  EXPECT_TRUE(has(text, "WARN CHATHISTORY GAP AFTER #a :"));
}

HUB_TEST(HubHistory, OfTwoIsTheirsAlone) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("PRIVMSG bob :say1");
  co_await bob.ask("PRIVMSG ann :say2");
  co_await ann.sync();
  std::string text = co_await ann.ask("CHATHISTORY LATEST bob * 10");
  EXPECT_EQ(said(text), "1 2");
  text = co_await bob.ask("CHATHISTORY LATEST ann * 10");
  EXPECT_EQ(said(text), "1 2");
  co_await bob.send("QUIT");
  co_await bob.rest();
  HubClient other = co_await hub.client("bob", std::string(modern));
  text = co_await other.ask("CHATHISTORY LATEST ann * 10");
  EXPECT_EQ(said(text), "") << "the next one of that name reads nothing";
  text = co_await ann.ask("CHATHISTORY LATEST bob * 10");
  EXPECT_EQ(said(text), "");
}

HUB_TEST(HubHistory, IsReplayedOnceToThoseWhoCannotAsk) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.member("bob", "server-time");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await say(ann, 2);
  std::string text = co_await bob.sync();
  EXPECT_EQ(said(text), "1 2");
  co_await sleep(5ms);
  co_await bob.send("QUIT");
  co_await bob.rest();
  co_await sleep(5ms);
  co_await ann.send("PRIVMSG #a :say3");
  co_await ann.send("PRIVMSG #a :say4");
  co_await ann.sync();
  HubClient again = co_await hub.member("bob", "server-time");
  text = co_await again.ask("JOIN #a");
  EXPECT_EQ(said(text), "3 4");
  EXPECT_NE(tag_of(line_with(text, ":say3"), "time"), "");
  co_await say(ann, 1);
  text = co_await again.sync();
  EXPECT_EQ(said(text), "1");
  HubClient plain = co_await hub.client("plain");
  text = co_await plain.ask("JOIN #a");
  EXPECT_EQ(said(text), "") << "without times nobody could tell old from new";
}

HUB_TEST(HubHistory, MarkersAreKept) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  HubClient too = co_await hub.member("ann", std::string(modern));
  std::string text = co_await ann.ask("JOIN #a");
  EXPECT_TRUE(has(text, "MARKREAD #a *\n"));
  EXPECT_LT(text.find("MARKREAD"), text.find(" 366 "));
  co_await too.sync();
  text = co_await ann.ask("MARKREAD #a timestamp=2031-01-02T03:04:05.006Z");
  EXPECT_TRUE(has(text, "MARKREAD #a timestamp=2031-01-02T03:04:05.006Z\n"));
  text = co_await too.sync();
  EXPECT_TRUE(has(text, "MARKREAD #a timestamp=2031-01-02T03:04:05.006Z\n")) << "the other device";
  text = co_await ann.ask("MARKREAD #a timestamp=2030-01-02T03:04:05.006Z");
  EXPECT_TRUE(has(text, "MARKREAD #a timestamp=2031-01-02T03:04:05.006Z\n")) << "never back";
  text = co_await too.ask("MARKREAD #a");
  EXPECT_TRUE(has(text, "MARKREAD #a timestamp=2031-01-02T03:04:05.006Z\n"));
  text = co_await ann.ask("MARKREAD #a timestamp=x");
  EXPECT_TRUE(has(text, "FAIL MARKREAD INVALID_PARAMS #a "));
  text = co_await ann.ask("MARKREAD");
  EXPECT_TRUE(has(text, "FAIL MARKREAD NEED_MORE_PARAMS "));
  text = co_await ann.ask("MARKREAD nobody");
  EXPECT_TRUE(has(text, "FAIL MARKREAD INVALID_TARGET nobody "));
}

}  // namespace
}  // namespace ieum::test
