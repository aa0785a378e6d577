// Channels: JOIN, PART, KICK, INVITE, TOPIC, NAMES, LIST, MODE.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

HUB_TEST(HubChannels, AreJoinedAndLeft) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  std::string text = co_await ann.ask("JOIN #Room");
  EXPECT_TRUE(has(text, ":ann!~ann@localhost JOIN #Room\n"));
  EXPECT_TRUE(has(text, " 353 ann = #Room :@ann\n"));
  EXPECT_TRUE(has(text, " 366 ann #Room "));
  text = co_await bob.ask("JOIN #room");
  EXPECT_TRUE(has(text, " 353 bob = #Room :@ann bob\n"));
  text = co_await ann.sync();
  EXPECT_EQ(text, ":bob!~bob@localhost JOIN #Room\n");
  text = co_await bob.ask("JOIN #room");
  EXPECT_EQ(text, "") << "it is there already";
  text = co_await bob.ask("PART #ROOM :bye");
  EXPECT_EQ(text, ":bob!~bob@localhost PART #Room :bye\n");
  text = co_await ann.sync();
  EXPECT_EQ(text, ":bob!~bob@localhost PART #Room :bye\n");
  text = co_await bob.ask("PART #Room");
  EXPECT_TRUE(has(text, " 442 bob #Room "));
  text = co_await bob.ask("PART #nowhere");
  EXPECT_TRUE(has(text, " 403 bob #nowhere "));
  text = co_await bob.ask("JOIN room,#,#b\x07");
  EXPECT_EQ(count_of(text, " 403 "), 3U) << text;
  text = co_await ann.ask("JOIN #b,#c");
  EXPECT_EQ(count_of(text, " JOIN "), 2U) << text;
  text = co_await ann.ask("JOIN 0");
  EXPECT_EQ(count_of(text, " PART "), 3U) << text;
}

HUB_TEST(HubChannels, OfOneClientAreLimited) {
  hub::Config config = hub.config;
  config.rooms_per_client = 2;
  hub.set_config(config);
  HubClient ann = co_await hub.client("ann");
  const std::string text = co_await ann.ask("JOIN #a,#b,#c");
  EXPECT_TRUE(has(text, " 405 ann #c "));
}

HUB_TEST(HubChannels, HaveTopics) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  std::string text = co_await ann.ask("TOPIC #a");
  EXPECT_TRUE(has(text, " 331 ann #a "));
  text = co_await ann.ask("TOPIC #a :about things");
  EXPECT_TRUE(has(text, ":ann!~ann@localhost TOPIC #a :about things\n"));
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 332 bob #a :about things\n"));
  EXPECT_TRUE(has(text, " 333 bob #a ann!~ann@localhost "));
  text = co_await bob.ask("TOPIC #a :mine");
  EXPECT_TRUE(has(text, " 482 bob #a "));
  co_await ann.ask("MODE #a -t");
  text = co_await bob.ask("TOPIC #a :");
  EXPECT_TRUE(has(text, " TOPIC #a :\n"));
  text = co_await ann.ask("TOPIC #a :" + std::string(450, 'x'));
  EXPECT_TRUE(has(text, "TOPIC #a :" + std::string(390, 'x') + "\n"));
  text = co_await ann.ask("TOPIC #none");
  EXPECT_TRUE(has(text, " 403 ann #none "));
}

HUB_TEST(HubChannels, PutPeopleOut) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  std::string text = co_await bob.ask("KICK #a ann");
  EXPECT_TRUE(has(text, " 482 bob #a "));
  text = co_await ann.ask("KICK #a nobody,bob :out");
  EXPECT_TRUE(has(text, " 401 ann nobody "));
  EXPECT_TRUE(has(text, ":ann!~ann@localhost KICK #a bob :out\n"));
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost KICK #a bob :out\n"));
  text = co_await ann.ask("KICK #a bob");
  EXPECT_TRUE(has(text, " 441 ann bob #a "));
  text = co_await bob.ask("KICK #a ann");
  EXPECT_TRUE(has(text, " 442 bob #a "));
}

HUB_TEST(HubChannels, AreClosedInManyWays) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await ann.ask("MODE #a +i");
  std::string text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 473 bob #a "));
  text = co_await ann.ask("INVITE bob #a");
  EXPECT_TRUE(has(text, " 341 ann bob :#a\n"));
  text = co_await bob.ask("INVITE");
  EXPECT_TRUE(has(text, ":ann!~ann@localhost INVITE bob #a\n"));
  EXPECT_TRUE(has(text, " 336 bob :#a\n"));
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 366 bob #a "));
  text = co_await ann.ask("INVITE bob #a");
  EXPECT_TRUE(has(text, " 443 ann bob #a "));
  co_await bob.ask("PART #a");
  co_await ann.ask("MODE #a -i+k sesame");
  text = co_await bob.ask("JOIN #a wrong");
  EXPECT_TRUE(has(text, " 475 bob #a "));
  text = co_await bob.ask("JOIN #a sesame");
  EXPECT_TRUE(has(text, " JOIN #a\n"));
  co_await bob.ask("PART #a");
  co_await ann.ask("MODE #a -k+l * 1");
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 471 bob #a "));
  co_await ann.ask("MODE #a -l+b bob!*@*");
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 474 bob #a "));
  co_await ann.ask("MODE #a +e *!~bob@*");
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " JOIN #a\n"));
  co_await bob.ask("PART #a");
  co_await ann.ask("MODE #a +iI *!*@localhost");
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " JOIN #a\n"));
}

HUB_TEST(HubChannels, HaveModes) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  std::string text = co_await ann.ask("MODE #a");
  EXPECT_TRUE(has(text, " 324 ann #a +nt\n"));
  EXPECT_TRUE(has(text, " 329 ann #a "));
  text = co_await ann.ask("MODE #a +ov-n+kl bob bob sesame 20");
  EXPECT_EQ(text, ":ann!~ann@localhost MODE #a +ov-n+kl bob bob sesame 20\n");
  text = co_await bob.sync();
  EXPECT_EQ(text, ":ann!~ann@localhost MODE #a +ov-n+kl bob bob sesame 20\n");
  text = co_await bob.ask("MODE #a");
  EXPECT_TRUE(has(text, " 324 bob #a +tkl sesame 20\n"));
  text = co_await ann.ask("NAMES #a");
  EXPECT_TRUE(has(text, ":@ann @bob\n"));
  text = co_await ann.ask("MODE #a +Zo nobody");
  EXPECT_TRUE(has(text, " 472 ann Z "));
  EXPECT_TRUE(has(text, " 401 ann nobody "));
  text = co_await ann.ask("MODE #a +l many");
  EXPECT_TRUE(has(text, " 696 ann #a l many "));
  text = co_await ann.ask("MODE #a +k :a b");
  EXPECT_TRUE(has(text, " 696 ann #a k * "));
  text = co_await ann.ask("MODE #a +o");
  EXPECT_TRUE(has(text, " 696 ann #a o * "));
  text = co_await ann.ask("MODE #a +b bad");
  EXPECT_TRUE(has(text, " MODE #a +b bad!*@*\n"));
  text = co_await ann.ask("MODE #a b");
  EXPECT_TRUE(has(text, " 367 ann #a bad!*@* ann!~ann@localhost "));
  EXPECT_TRUE(has(text, " 368 ann #a "));
  text = co_await ann.ask("MODE #a e");
  EXPECT_TRUE(has(text, " 349 ann #a "));
  text = co_await ann.ask("MODE #a I");
  EXPECT_TRUE(has(text, " 347 ann #a "));
  co_await ann.ask("MODE #a -o bob");
  text = co_await bob.ask("MODE #a +i");
  EXPECT_TRUE(has(text, " 482 bob #a "));
  text = co_await bob.ask("MODE ann");
  EXPECT_TRUE(has(text, " 502 bob "));
  text = co_await bob.ask("MODE bob +iZo");
  EXPECT_TRUE(has(text, " 501 bob "));
  EXPECT_TRUE(has(text, " MODE bob +i\n"));
  text = co_await bob.ask("MODE bob");
  EXPECT_TRUE(has(text, " 221 bob :+i\n"));
}

HUB_TEST(HubChannels, HaveListsOfMasks) {
  HubClient ann = co_await hub.client("ann");
  co_await ann.ask("JOIN #a");
  co_await ann.ask("MODE #a +eI a!*@* b!*@*");
  std::string text = co_await ann.ask("MODE #a eI");
  EXPECT_TRUE(has(text, " 348 ann #a a!*@* ann!~ann@localhost "));
  EXPECT_TRUE(has(text, " 346 ann #a b!*@* ann!~ann@localhost "));
  for (int i = 0; i < 25; ++i) {
    const std::string n = std::to_string(i);
    co_await ann.send("MODE #a +bbbb a" + n + " b" + n + " c" + n + " d" + n);
  }
  text = co_await ann.ask("MODE #a +b e");
  EXPECT_TRUE(has(text, " 478 ann #a e!*@* "));
  text = co_await ann.ask("MODE #a -b A7");
  EXPECT_TRUE(has(text, " MODE #a -b A7!*@*\n"));
  text = co_await ann.ask("INVITE");
  EXPECT_TRUE(has(text, " 337 ann "));
}

HUB_TEST(HubChannels, AreListed) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #one,#two,#hidden");
  co_await ann.ask("MODE #hidden +s");
  co_await bob.ask("JOIN #two");
  std::string text = co_await bob.ask("LIST");
  EXPECT_TRUE(has(text, " 321 bob "));
  EXPECT_TRUE(has(text, " 322 bob #one 1 :\n"));
  EXPECT_TRUE(has(text, " 322 bob #two 2 :\n"));
  EXPECT_FALSE(has(text, "#hidden"));
  EXPECT_TRUE(has(text, " 323 bob "));
  text = co_await bob.ask("LIST >1");
  EXPECT_FALSE(has(text, "#one"));
  text = co_await bob.ask("LIST <2");
  EXPECT_FALSE(has(text, "#two"));
  text = co_await bob.ask("LIST *n*");
  EXPECT_FALSE(has(text, "#two"));
  text = co_await bob.ask("LIST !*n*");
  EXPECT_FALSE(has(text, "#one"));
  text = co_await bob.ask("LIST C>10");
  EXPECT_EQ(count_of(text, " 322 "), 0U);
  text = co_await bob.ask("NAMES");
  EXPECT_EQ(count_of(text, " 353 "), 2U) << text;
  EXPECT_TRUE(has(text, " 366 bob * "));
  text = co_await bob.ask("NAMES #hidden");
  EXPECT_EQ(count_of(text, " 353 "), 0U);
  EXPECT_TRUE(has(text, " 366 bob #hidden "));
  text = co_await bob.ask("TOPIC #hidden");
  EXPECT_TRUE(has(text, " 403 bob #hidden "));
  text = co_await ann.ask("LIST");
  EXPECT_TRUE(has(text, "#hidden"));
}

HUB_TEST(HubChannels, ShowMoreToThoseWhoKnowMore) {
  HubClient ann = co_await hub.member("ann");
  HubClient bob = co_await hub.client(
      "bob", "extended-join multi-prefix userhost-in-names away-notify invite-notify setname");
  co_await bob.ask("JOIN #a");
  co_await ann.ask("JOIN #a");
  std::string text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost JOIN #a ann :ann is real\n"));
  text = co_await bob.ask("MODE #a +v bob");
  text = co_await bob.ask("NAMES #a");
  EXPECT_TRUE(has(text, ":@+bob!~bob@localhost ann!~ann@localhost\n"));
  co_await ann.ask("AWAY :lunch");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost AWAY :lunch\n"));
  co_await ann.ask("PART #a");
  co_await ann.ask("JOIN #a");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost AWAY :lunch\n")) << "to those who see it come";
  co_await ann.ask("SETNAME :Somebody else");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost SETNAME :Somebody else\n"));
  HubClient carl = co_await hub.client("carl");
  co_await ann.ask("INVITE carl #a");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost INVITE carl #a\n"));
}

HUB_TEST(HubChannels, ARegisteredRoomWaitsForItsPeople) {
  HubClient ann = co_await hub.member("ann");
  HubClient bob = co_await hub.client("bob");
  co_await bob.ask("JOIN #b");
  std::string text = co_await bob.ask("MODE #b +r");
  EXPECT_EQ(count_of(text, " MODE #b +r"), 0U) << "a guest has no account to own it";
  co_await ann.ask("JOIN #a");
  text = co_await ann.ask("MODE #a +r");
  EXPECT_TRUE(has(text, " MODE #a +r\n"));
  co_await ann.ask("TOPIC #a :ours");
  co_await ann.ask("PART #a");
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 332 bob #a :ours\n"));
  EXPECT_TRUE(has(text, " 353 bob = #a :bob\n"));
  text = co_await ann.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 353 ann = #a :bob @ann\n"));
}

}  // namespace
}  // namespace ieum::test
