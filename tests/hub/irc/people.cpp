// Who is there: WHO, WHOX, WHOIS, USERHOST, ISON, MONITOR, AWAY; and what the server says of
// itself.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

HUB_TEST(HubPeople, AreFound) {
  HubClient ann = co_await hub.member("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  std::string text = co_await bob.ask("WHO #a");
  EXPECT_TRUE(has(text, " 352 bob #a ~ann localhost hub.test ann H@ :0 ann is real\n"));
  EXPECT_TRUE(has(text, " 352 bob #a ~bob localhost hub.test bob H :0 bob is real\n"));
  EXPECT_TRUE(has(text, " 315 bob #a "));
  text = co_await bob.ask("WHO ann %tcuihsnfdlaor,42");
  EXPECT_TRUE(has(text, " 354 bob 42 * ~ann 255.255.255.255 localhost hub.test ann H 0 "));
  EXPECT_TRUE(has(text, " ann n/a :ann is real\n"));
  text = co_await bob.ask("WHO #a %na");
  EXPECT_TRUE(has(text, " 354 bob ann ann\n"));
  EXPECT_TRUE(has(text, " 354 bob bob 0\n"));
  text = co_await bob.ask("WHO a*");
  EXPECT_EQ(count_of(text, " 352 "), 1U) << text;
  text = co_await bob.ask("WHO nobody");
  EXPECT_EQ(count_of(text, "\n"), 1U);
  text = co_await bob.ask("WHOIS ann");
  for (const char* part :
       {" 311 bob ann ~ann localhost * :ann is real", " 319 bob ann :@#a",
        " 312 bob ann hub.test :", " 330 bob ann ann :", " 317 bob ann ", " 318 bob ann "}) {
    EXPECT_TRUE(has(text, part));
  }
  text = co_await bob.ask("WHOIS nobody");
  EXPECT_TRUE(has(text, " 401 bob nobody "));
  text = co_await bob.ask("WHOIS");
  EXPECT_TRUE(has(text, " 431 bob "));
  text = co_await bob.ask("USERHOST ann nobody bob");
  EXPECT_TRUE(has(text, " 302 bob :ann=+~ann@localhost bob=+~bob@localhost\n"));
  text = co_await bob.ask("ISON nobody ANN");
  EXPECT_TRUE(has(text, " 303 bob :ann\n"));
}

HUB_TEST(HubPeople, TheInvisibleAreSeenByThoseWhoKnowThem) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("MODE ann +i");
  co_await ann.ask("JOIN #a");
  std::string text = co_await bob.ask("WHO *");
  EXPECT_EQ(count_of(text, " ann "), 0U) << text;
  text = co_await bob.ask("NAMES #a");
  EXPECT_EQ(count_of(text, "ann"), 0U) << text;
  co_await bob.ask("JOIN #a");
  text = co_await bob.ask("WHO *");
  EXPECT_EQ(count_of(text, " ann H"), 1U) << text;
}

HUB_TEST(HubPeople, AreWatched) {
  HubClient ann = co_await hub.client("ann");
  std::string text = co_await ann.ask("MONITOR + bob,ann");
  EXPECT_TRUE(has(text, " 730 ann :ann!~ann@localhost\n"));
  EXPECT_TRUE(has(text, " 731 ann :bob\n"));
  HubClient bob = co_await hub.client("Bob");
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, " 730 ann :Bob!~Bob@localhost\n"));
  co_await bob.ask("NICK rob");
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, " 731 ann :Bob\n"));
  text = co_await ann.ask("MONITOR L");
  EXPECT_TRUE(has(text, " 732 ann :bob,ann\n"));
  EXPECT_TRUE(has(text, " 733 ann "));
  text = co_await ann.ask("MONITOR - bob");
  text = co_await ann.ask("MONITOR S");
  EXPECT_EQ(count_of(text, "bob"), 0U);
  std::string many = "MONITOR + ";
  for (int i = 0; i < 70; ++i) many += "n" + std::to_string(i) + ",";
  co_await ann.ask(many);
  std::string more = "MONITOR + ";
  for (int i = 0; i < 70; ++i) more += "m" + std::to_string(i) + ",";
  text = co_await ann.ask(more);
  EXPECT_TRUE(has(text, " 734 ann 100 m29,m30,"));
  text = co_await ann.ask("MONITOR C");
  text = co_await ann.ask("MONITOR L");
  EXPECT_EQ(count_of(text, " 732 "), 0U);
}

HUB_TEST(HubPeople, ShowOperatorsAndBots) {
  hub::Config config = hub.config;
  config.operators = {"ann"};
  hub.set_config(config);
  HubClient ann = co_await hub.member("ann");
  co_await ann.ask("OPER ann password");
  std::string text = co_await ann.ask("MODE ann +B");
  EXPECT_TRUE(has(text, " MODE ann +B\n"));
  text = co_await ann.ask("WHOIS ann");
  for (const char* part :
       {" 313 ann ann :", " 335 ann ann :", " 338 ann ann ~ann@localhost localhost :",
        " 379 ann ann :is using modes +Bo"}) {
    EXPECT_TRUE(has(text, part));
  }
  text = co_await ann.ask("WHO ann");
  EXPECT_TRUE(has(text, " ann H*B :"));
  text = co_await ann.ask("LUSERS");
  EXPECT_TRUE(has(text, " 252 ann 1 :"));
  EXPECT_TRUE(has(text, " 253 ann 0 :"));
  EXPECT_TRUE(has(text, " 254 ann 0 :"));
  text = co_await ann.ask("MODE ann -o");
  EXPECT_TRUE(has(text, " MODE ann -o\n"));
}

HUB_TEST(HubPeople, AreAway) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  std::string text = co_await ann.ask("AWAY :lunch");
  EXPECT_TRUE(has(text, " 306 ann "));
  text = co_await bob.ask("WHOIS ann");
  EXPECT_TRUE(has(text, " 301 bob ann :lunch\n"));
  text = co_await bob.ask("WHO ann");
  EXPECT_TRUE(has(text, " ann G :"));
  text = co_await ann.ask("AWAY");
  EXPECT_TRUE(has(text, " 305 ann "));
}

HUB_TEST(HubServer, TellsOfItself) {
  HubClient ann = co_await hub.client("ann");
  std::string text = co_await ann.ask("VERSION");
  EXPECT_TRUE(has(text, " 351 ann ieum-hub-"));
  text = co_await ann.ask("TIME");
  EXPECT_TRUE(has(text, " 391 ann hub.test :20"));
  text = co_await ann.ask("INFO");
  EXPECT_TRUE(has(text, " 371 ann :ieum-hub"));
  EXPECT_TRUE(has(text, " 374 ann "));
  text = co_await ann.ask("LUSERS");
  EXPECT_TRUE(has(text, " 251 ann :There are 1 users and 0 invisible on 1 servers\n"));
  text = co_await ann.ask("MOTD");
  EXPECT_TRUE(has(text, " 422 ann "));
  text = co_await ann.ask("MOTD elsewhere");
  EXPECT_TRUE(has(text, " 402 ann elsewhere "));
  text = co_await ann.ask("HELP");
  EXPECT_TRUE(has(text, " 704 ann * "));
  text = co_await ann.ask("HELP privmsg");
  EXPECT_TRUE(has(text, " 704 ann PRIVMSG :PRIVMSG TARGET[,…] TEXT\n"));
  EXPECT_TRUE(has(text, " 705 ann PRIVMSG "));
  EXPECT_TRUE(has(text, " 706 ann PRIVMSG "));
  text = co_await ann.ask("HELP nothing");
  EXPECT_TRUE(has(text, " 524 ann NOTHING "));
  text = co_await ann.ask("PING");
  EXPECT_TRUE(has(text, " 461 ann PING "));
  text = co_await ann.ask("OPER x y");
  EXPECT_TRUE(has(text, " 491 ann "));
}

}  // namespace
}  // namespace ieum::test
