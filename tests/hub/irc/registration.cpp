// Saying who one is: CAP, NICK, USER, PASS, and what greets a client.
#include "hub/irc/hub_test.hpp"
#include "irc/caps.hpp"
#include "irc/isupport.hpp"

namespace ieum::test {
namespace {

HUB_TEST(HubRegistration, GreetsAClient) {
  HubClient ann = co_await hub.connect();
  co_await ann.send("NICK ann");
  co_await ann.send("USER ann 0 * :Ann Example");
  const std::string greeting = co_await ann.sync();
  EXPECT_TRUE(has(greeting, ":hub.test 001 ann :Welcome to the Test chat, ann!~ann@localhost"));
  for (const char* number :
       {" 002 ", " 003 ", " 004 ", " 005 ", " 251 ", " 255 ", " 265 ", " 266 ", " 422 "}) {
    EXPECT_TRUE(has(greeting, number));
  }
  for (const std::string& token : hub::isupport_tokens("Test")) {
    EXPECT_TRUE(has(greeting, " " + token + " "));
  }
}

HUB_TEST(HubRegistration, ListsEveryCapability) {
  HubClient ann = co_await hub.connect();
  co_await ann.send("CAP LS 302");
  const std::string list = co_await ann.line();
  for (const hub::CapInfo& info : hub::capabilities) EXPECT_TRUE(has(list, info.name));
  EXPECT_TRUE(has(list, "sasl=PLAIN"));
  co_await ann.send("NICK ann");
  co_await ann.send("USER ann 0 * :Ann");
  std::string text = co_await ann.sync();
  EXPECT_EQ(text, "") << "it is not registered before CAP END";
  text = co_await ann.ask("CAP REQ :message-tags no-such-thing");
  EXPECT_TRUE(has(text, "CAP ann NAK :message-tags no-such-thing"));
  text = co_await ann.ask("CAP REQ :message-tags -batch");
  EXPECT_TRUE(has(text, "CAP ann ACK :message-tags -batch"));
  text = co_await ann.ask("CAP LIST");
  EXPECT_TRUE(has(text, "CAP ann LIST :cap-notify message-tags"));
  text = co_await ann.ask("CAP WHAT");
  EXPECT_TRUE(has(text, " 410 ann WHAT "));
  text = co_await ann.ask("CAP END");
  EXPECT_TRUE(has(text, " 001 ann "));
}

HUB_TEST(HubRegistration, RefusesBadNames) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.connect();
  std::string text = co_await bob.ask("NICK ANN");
  EXPECT_TRUE(has(text, " 433 * ANN "));
  text = co_await bob.ask("NICK 1bob");
  EXPECT_TRUE(has(text, " 432 * 1bob "));
  text = co_await bob.ask("NICK :b ob");
  EXPECT_TRUE(has(text, " 432 * * "));
  text = co_await bob.ask("NICK");
  EXPECT_TRUE(has(text, " 431 "));
  text = co_await bob.ask("USER bob");
  EXPECT_TRUE(has(text, " 461 * USER "));
  text = co_await bob.ask("USER bob 0 * :");
  EXPECT_TRUE(has(text, " 461 * USER "));
  text = co_await bob.ask("JOIN #a");
  EXPECT_TRUE(has(text, " 451 "));
  text = co_await bob.ask("NO_SUCH");
  EXPECT_TRUE(has(text, " 421 "));
  co_await bob.send("NICK bob");
  co_await bob.send("USER b@b! 0 * :Bob");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, "bob!~bb@localhost"));
  text = co_await bob.ask("USER b 0 * :B");
  EXPECT_TRUE(has(text, " 462 bob "));
  text = co_await bob.ask("PASS x");
  EXPECT_TRUE(has(text, " 462 bob "));
}

HUB_TEST(HubRegistration, AsksForTheServersPassword) {
  hub::Config config = hub.config;
  config.password = "secret";
  hub.set_config(config);
  HubClient ann = co_await hub.connect();
  co_await ann.send("NICK ann");
  co_await ann.send("USER ann 0 * :Ann");
  std::string text = co_await ann.rest();
  EXPECT_TRUE(has(text, " 464 ann "));
  HubClient bob = co_await hub.connect();
  co_await bob.send("PASS secret");
  co_await bob.send("NICK bob");
  co_await bob.send("USER bob 0 * :Bob");
  text = co_await bob.sync();
  EXPECT_TRUE(has(text, " 001 bob "));
}

HUB_TEST(HubRegistration, NicksChangeForEveryoneWhoSees) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  std::string text = co_await bob.ask("NICK rob");
  EXPECT_TRUE(has(text, ":bob!~bob@localhost NICK :rob"));
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, ":bob!~bob@localhost NICK :rob"));
  text = co_await ann.ask("NICK ROB");
  EXPECT_TRUE(has(text, " 433 ann ROB "));
  text = co_await bob.ask("NICK ROB");
  EXPECT_TRUE(has(text, " NICK :ROB"));
}

HUB_TEST(HubRegistration, EndsWithQuit) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  co_await bob.send("QUIT :bye all");
  std::string text = co_await bob.rest();
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Quit: bye all)"));
  text = co_await ann.until("QUIT");
  EXPECT_TRUE(has(text, ":bob!~bob@localhost QUIT :Quit: bye all"));
  text = co_await ann.ask("WHOWAS bob");
  EXPECT_TRUE(has(text, " 314 ann bob ~bob localhost * :bob is real"));
  text = co_await ann.ask("WHOWAS nobody");
  EXPECT_TRUE(has(text, " 406 ann nobody "));
  EXPECT_TRUE(has(text, " 369 ann nobody "));
}

HUB_TEST(HubRegistration, AClientThatEndsItsInputIsGone) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await bob.stream().shutdown_write();
  std::string text = co_await bob.rest();
  EXPECT_EQ(count_of(text, "ERROR"), 0U);
  text = co_await ann.until("QUIT");
  EXPECT_TRUE(has(text, ":bob!~bob@localhost QUIT :Connection closed"));
}

}  // namespace
}  // namespace ieum::test
