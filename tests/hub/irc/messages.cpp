// What people say: PRIVMSG, NOTICE, TAGMSG, REDACT; labels, echoes, ids, once.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

HUB_TEST(HubMessages, ReachTheRoomAndOneAnother) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  std::string text = co_await ann.ask("PRIVMSG #a :hello there");
  EXPECT_EQ(text, "") << "no echo to one who did not ask for it";
  text = co_await bob.sync();
  EXPECT_EQ(text, ":ann!~ann@localhost PRIVMSG #a :hello there\n");
  co_await ann.ask("NOTICE bob :psst");
  text = co_await bob.sync();
  EXPECT_EQ(text, ":ann!~ann@localhost NOTICE bob :psst\n");
  co_await bob.ask("PRIVMSG ann,#a :both");
  text = co_await ann.sync();
  EXPECT_EQ(text, ":bob!~bob@localhost PRIVMSG ann :both\n:bob!~bob@localhost PRIVMSG #a :both\n");
  co_await bob.ask("AWAY :gone");
  text = co_await ann.ask("PRIVMSG bob :there?");
  EXPECT_TRUE(has(text, " 301 ann bob :gone\n"));
  text = co_await ann.ask("PRIVMSG ann :note to self");
  EXPECT_EQ(text, ":ann!~ann@localhost PRIVMSG ann :note to self\n");
}

HUB_TEST(HubMessages, AreRefusedWithAReason) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  std::string text = co_await bob.ask("PRIVMSG");
  EXPECT_TRUE(has(text, " 411 bob :No recipient given (PRIVMSG)"));
  text = co_await bob.ask("PRIVMSG #a");
  EXPECT_TRUE(has(text, " 412 bob "));
  text = co_await bob.ask("PRIVMSG #a :x");
  EXPECT_TRUE(has(text, " 404 bob #a "));
  text = co_await bob.ask("PRIVMSG #none :x");
  EXPECT_TRUE(has(text, " 403 bob #none "));
  text = co_await bob.ask("PRIVMSG nobody :x");
  EXPECT_TRUE(has(text, " 401 bob nobody "));
  text = co_await bob.ask("PRIVMSG a,b,c,d,e :x");
  EXPECT_TRUE(has(text, " 407 bob "));
  text = co_await bob.ask("NOTICE nobody,#none :x");
  EXPECT_EQ(text, "") << "a NOTICE is never answered";
  text = co_await bob.ask("TAGMSG #a");
  EXPECT_TRUE(has(text, " 421 bob TAGMSG "));
  co_await ann.ask("MODE #a -n+m");
  text = co_await bob.ask("PRIVMSG #a :x");
  EXPECT_TRUE(has(text, " 404 bob #a "));
  co_await bob.ask("JOIN #a");
  text = co_await bob.ask("PRIVMSG #a :x");
  EXPECT_TRUE(has(text, " 404 bob #a "));
  co_await ann.ask("MODE #a +v bob");
  text = co_await bob.ask("PRIVMSG #a :x");
  EXPECT_EQ(count_of(text, " 404 "), 0U);
  co_await ann.ask("MODE #a -m-v+b bob bob!*@*");
  text = co_await bob.ask("PRIVMSG #a :x");
  EXPECT_TRUE(has(text, " 404 bob #a "));
}

HUB_TEST(HubMessages, HaveIdsTimesAndTags) {
  HubClient ann = co_await hub.member("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  HubClient old = co_await hub.client("old");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await old.ask("JOIN #a");
  co_await bob.sync();
  const std::string answer =
      co_await ann.ask("@+draft/reply=x;+note=a\\sb;secret=1;label=L1 PRIVMSG #a :hi");
  const std::string echo = line_with(answer, "PRIVMSG");
  EXPECT_EQ(tag_of(echo, "label"), "L1");
  EXPECT_EQ(tag_of(echo, "account"), "ann");
  EXPECT_TRUE(hub::MessageId::parse(tag_of(echo, "msgid")).has_value()) << echo;
  EXPECT_EQ(tag_of(echo, "time").size(), 24U);
  const std::string got = co_await bob.until("PRIVMSG");
  EXPECT_EQ(tag_of(got, "msgid"), tag_of(echo, "msgid"));
  EXPECT_EQ(tag_of(got, "time"), tag_of(echo, "time"));
  EXPECT_EQ(tag_of(got, "+note"), "a b");
  EXPECT_EQ(tag_of(got, "secret"), "");
  EXPECT_EQ(tag_of(got, "label"), "");
  const std::string plain = co_await old.until("PRIVMSG");
  EXPECT_EQ(plain, ":ann!~ann@localhost PRIVMSG #a :hi");
  co_await ann.ask("MODE ann +B");
  co_await ann.ask("@+draft/react=:) TAGMSG #a");
  const std::string reaction = co_await bob.until("TAGMSG");
  EXPECT_EQ(tag_of(reaction, "+draft/react"), ":)");
  EXPECT_TRUE(has(reaction, ";bot;"));
  EXPECT_NE(tag_of(reaction, "msgid"), "");
  co_await ann.ask("@+typing=active TAGMSG #a");
  const std::string typing = co_await bob.until("TAGMSG");
  EXPECT_EQ(tag_of(typing, "+typing"), "active");
  EXPECT_EQ(tag_of(typing, "msgid"), "") << "it is not kept";
  const std::string nothing = co_await old.sync();
  EXPECT_EQ(nothing, "");
}

HUB_TEST(HubMessages, LabelsAreAnswered) {
  HubClient ann = co_await hub.client("ann", "batch labeled-response");
  std::string text = co_await ann.ask("@label=a PONG x");
  EXPECT_EQ(text, "@label=a :hub.test ACK\n");
  text = co_await ann.ask("@label=b PING x");
  EXPECT_EQ(text, "@label=b :hub.test PONG hub.test :x\n");
  text = co_await ann.ask("@label=c JOIN #a");
  const std::string first = line_with(text, "BATCH +");
  EXPECT_TRUE(has(first, "@label=c :hub.test BATCH +"));
  EXPECT_TRUE(has(first, " labeled-response"));
  EXPECT_EQ(count_of(text, "label=c"), 1U) << text;
  const std::string joined = line_with(text, " JOIN #a");
  EXPECT_TRUE(has(first, " BATCH +" + tag_of(joined, "batch") + " "));
  text = co_await ann.ask("@label=d PRIVMSG #a :no echo");
  EXPECT_EQ(text, "@label=d :hub.test ACK\n");
  text = co_await ann.ask("@label=e NONSENSE");
  EXPECT_TRUE(has(text, "@label=e :hub.test 421 "));
}

HUB_TEST(HubMessages, ToOneselfComeTwiceWithEchoes) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  std::string text = co_await ann.ask("@label=x PRIVMSG ann :note");
  EXPECT_EQ(count_of(text, " PRIVMSG ann :note\n"), 2U) << text;
  EXPECT_EQ(count_of(text, "label=x"), 1U) << text;
  text = co_await ann.ask("@label=y;+typing=done TAGMSG ann");
  EXPECT_EQ(count_of(text, " TAGMSG ann\n"), 2U) << text;
  EXPECT_EQ(count_of(text, "label=y"), 1U) << text;
}

HUB_TEST(HubMessages, SaidAgainWithTheSameIdAreKeptOnce) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  const std::string first = co_await ann.ask("@+ieum/once=7 PRIVMSG #a :hi");
  const std::string again = co_await ann.ask("@+ieum/once=7;label=x PRIVMSG #a :hi");
  EXPECT_EQ(tag_of(again, "msgid"), tag_of(first, "msgid"));
  EXPECT_EQ(tag_of(again, "label"), "x");
  EXPECT_TRUE(has(again, "PRIVMSG #a :hi"));
  const std::string seen = co_await bob.sync();
  EXPECT_EQ(count_of(seen, "PRIVMSG #a :hi"), 1U) << seen;
  const std::string other = co_await bob.ask("@+ieum/once=7 PRIVMSG #a :hi");
  EXPECT_NE(tag_of(other, "msgid"), tag_of(first, "msgid")) << "another's id is another id";
  const std::string bad =
      co_await ann.ask("@+ieum/once=" + std::string(65, 'x') + " PRIVMSG #a :hi");
  EXPECT_TRUE(has(bad, "FAIL PRIVMSG INVALID_ONCE "));
}

HUB_TEST(HubMessages, AreTakenBack) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  HubClient carl = co_await hub.client("carl", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await carl.ask("JOIN #a");
  co_await ann.sync();
  const std::string said = co_await bob.ask("PRIVMSG #a :oops");
  const std::string id = tag_of(line_with(said, "PRIVMSG"), "msgid");
  std::string text = co_await carl.ask("REDACT #a " + id + " :no");
  EXPECT_TRUE(has(text, "FAIL REDACT REDACT_FORBIDDEN #a " + id));
  text = co_await bob.ask("REDACT #a nonsense");
  EXPECT_TRUE(has(text, "FAIL REDACT UNKNOWN_MSGID #a nonsense"));
  text = co_await bob.ask("REDACT #a " + id + " :typo");
  EXPECT_TRUE(has(text, ":bob!~bob@localhost REDACT #a " + id + " :typo\n"));
  text = co_await ann.until("REDACT");
  EXPECT_TRUE(has(text, ":bob!~bob@localhost REDACT #a " + id + " :typo"));
  text = co_await ann.ask("CHATHISTORY LATEST #a * 10");
  EXPECT_EQ(count_of(text, "oops"), 0U) << text;
  text = co_await ann.ask("REDACT #a " + id);
  EXPECT_TRUE(has(text, "UNKNOWN_MSGID")) << "it is gone";
  const std::string other = co_await bob.ask("PRIVMSG #a :rude");
  const std::string rude = tag_of(line_with(other, "PRIVMSG"), "msgid");
  text = co_await ann.ask("REDACT #a " + rude);
  EXPECT_TRUE(has(text, ":ann!~ann@localhost REDACT #a " + rude + "\n")) << "an operator may";
}

HUB_TEST(HubMessages, WhatTheLogRefusesIsNeverSaidToBeSent) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob", std::string(modern));
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  hub.log.fail_next(1, hub::Outcome::refused);
  std::string text = co_await ann.ask("PRIVMSG #a :one");
  EXPECT_TRUE(has(text, "FAIL PRIVMSG NOT_STORED #a :")) << text;
  hub.log.fail_next(1, hub::Outcome::unknown);
  text = co_await ann.ask("@+ieum/once=1 PRIVMSG #a :two");
  EXPECT_TRUE(has(text, "FAIL PRIVMSG UNKNOWN_OUTCOME #a :unknown, try again"));
  text = co_await ann.ask("@+ieum/once=1 PRIVMSG #a :two");
  EXPECT_TRUE(has(text, "PRIVMSG #a :two"));
  text = co_await bob.sync();
  EXPECT_EQ(count_of(text, ":two"), 1U) << text;
  EXPECT_EQ(count_of(text, ":one"), 0U) << text;
  hub.log.fail_next(3, hub::Outcome::refused);
  text = co_await ann.ask("JOIN #b");
  EXPECT_TRUE(has(text, "FAIL JOIN NOT_STORED #b :"));
  text = co_await ann.ask("TOPIC #a :x");
  EXPECT_TRUE(has(text, "FAIL TOPIC NOT_STORED #a :"));
  text = co_await ann.ask("MODE #a +m");
  EXPECT_TRUE(has(text, "FAIL MODE NOT_STORED #a :"));
  text = co_await ann.ask("TOPIC #a :x");
  EXPECT_TRUE(has(text, " TOPIC #a :x\n")) << "it goes on";
}

}  // namespace
}  // namespace ieum::test
