// Those who break the rules, or do nothing: told why, and nobody else suffers.
#include "hub/irc/hub_test.hpp"
#include "irc/limits.hpp"
#include "session/commands.hpp"

namespace ieum::test {
namespace {

HUB_TEST(HubHostile, BadLinesAreRefusedAndTheNextOneIsServed) {
  HubClient ann = co_await hub.client("ann");
  std::string text = co_await ann.ask("PRIVMSG ann :" + std::string(600, 'x'));
  EXPECT_TRUE(has(text, " 417 ann "));
  text = co_await ann.ask("@+a=" + std::string(5000, 'x') + " PRIVMSG ann :x");
  EXPECT_TRUE(has(text, " 417 ann "));
  text = co_await ann.ask(std::string(200'000, 'x'));
  EXPECT_EQ(count_of(text, " 417 "), 1U) << "once";
  text = co_await ann.ask("PRIVMSG ann :\xff\xfe");
  EXPECT_TRUE(has(text, "FAIL PRIVMSG INVALID_UTF8 :"));
  co_await ann.send_bytes(std::string("PRIVMSG ann :a\0b\r\n", 18));
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, "NOTICE ann :*** A line holds no NUL"));
  text = co_await ann.ask(" \r\n\r\n   ");
  EXPECT_EQ(text, "");
  text = co_await ann.ask("PRIVMSG ann :still here");
  EXPECT_TRUE(has(text, ":still here"));
}

HUB_TEST(HubHostile, ControlBytesInEveryFieldBreakNothing) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await bob.sync();
  for (const hub::Command& command : hub::commands()) {
    if (command.name == "QUIT" || command.name == "PING") continue;
    for (const char* bad :
         {"\x01", "\x1b[31m", "\x7f", "\xc2\x9b", ":", "#", ",", "*", "\xe2\x80\xae"}) {
      std::string line(command.name);
      for (int i = 0; i < 5; ++i) line += std::string(" ") + (i == 0 ? "" : "x") + bad;
      co_await ann.send(line);
    }
  }
  const std::string text = co_await ann.sync();
  EXPECT_EQ(count_of(text, "ERROR"), 0U) << text;
  const std::string seen = co_await bob.ask("PRIVMSG #a :still here");
  EXPECT_EQ(count_of(seen, "ERROR"), 0U);
}

HUB_TEST(HubHostile, EveryCommandBearsAnyNumberOfParameters) {
  HubClient ann = co_await hub.client("ann", std::string(modern));
  HubClient other = co_await hub.connect();
  for (const hub::Command& command : hub::commands()) {
    if (command.name == "QUIT") continue;
    std::string line(command.name);
    for (int count = 0; count < 17; ++count) {
      co_await ann.send(line);
      if (command.name != "RESUME") co_await other.send(line);
      line += count % 3 == 0 ? " #a" : count % 3 == 1 ? " ann" : " 1";
    }
  }
  const std::string text = co_await ann.sync();
  EXPECT_EQ(count_of(text, "ERROR"), 0U) << text;
}

HUB_TEST(HubHostile, AFloodWaitsAndIsTold) {
  hub::Config config = hub.config;
  config.burst_lines = 5;
  config.lines_per_second = 50;
  hub.set_config(config);
  HubClient ann = co_await hub.client("ann", "standard-replies");
  const TimePoint from = now();
  std::string flood;
  for (int i = 0; i < 30; ++i) flood += "PRIVMSG ann :" + std::to_string(i) + "\r\n";
  co_await ann.send_bytes(flood);
  const std::string text = co_await ann.sync();
  EXPECT_EQ(count_of(text, "PRIVMSG ann :"), 30U) << "none is lost";
  EXPECT_EQ(count_of(text, "NOTE * RATE_LIMITED :"), 1U);
  EXPECT_GE(now() - from, 400ms);
}

HUB_TEST(HubHostile, WhoDoesNotReadIsCutAndNobodyWaits) {
  hub::Config config = hub.config;
  config.queue_bytes = 32 * 1024;
  hub.set_config(config);
  HubClient ann = co_await hub.client("ann");
  HubClient deaf = co_await hub.client("deaf");
  co_await ann.ask("JOIN #a");
  co_await deaf.ask("JOIN #a");
  co_await ann.sync();
  const std::string line = "PRIVMSG #a :" + std::string(400, 'x');
  std::string seen;
  // What the system holds for one that does not read grows to some 10 MB.
  for (int i = 0; i < 2000 && !seen.contains("QUIT"); ++i) {
    for (int k = 0; k < 50; ++k) co_await ann.send(line);
    seen = co_await ann.sync();
  }
  EXPECT_TRUE(has(seen, ":deaf!~deaf@localhost QUIT :Too slow"));
}

HUB_TEST(HubHostile, WhoSaysNothingIsEnded) {
  hub::Config config = hub.config;
  config.registration_time = 300ms;
  hub.set_config(config);
  HubClient silent = co_await hub.connect();
  const std::string text = co_await silent.rest();
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Registration took too long)"));
}

HUB_TEST(HubHostile, WhoDoesNotAnswerPingsIsEnded) {
  hub::Config config = hub.config;
  config.ping_after = 300ms;
  config.ping_timeout = 300ms;
  hub.set_config(config);
  HubClient silent = co_await hub.client("silent");
  const std::string text = co_await silent.rest();
  EXPECT_TRUE(has(text, "PING :hub.test\n"));
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Ping timeout: "));
}

HUB_TEST(HubHostile, FromOneAddressComeNotTooMany) {
  hub::Config config = hub.config;
  config.connections_per_address = 3;
  hub.set_config(config);
  HubClient a = co_await hub.client("a");
  HubClient b = co_await hub.client("b");
  HubClient c = co_await hub.client("c");
  HubClient d = co_await hub.connect();
  std::string text = co_await d.rest();
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Too many connections, "));
  co_await c.send("QUIT");
  co_await c.rest();
  for (;;) {  // until its place is free
    HubClient e = co_await hub.connect();
    co_await e.send("NICK e");
    co_await attempt(e.send("USER e 0 * :E"));
    text = co_await e.line();
    if (text.contains(" 001 e ")) break;
    EXPECT_TRUE(has(text, "Too many connections"));
    co_await sleep(10ms);
  }
}

HUB_TEST(HubHostile, TheEndIsTold) {
  HubClient ann = co_await hub.client("ann");
  HubClient bob = co_await hub.client("bob");
  hub.server().shut_down("The server is going down");
  std::string text = co_await ann.rest();
  EXPECT_TRUE(has(text, "(The server is going down, please come back in 1 s)"));
  // On several cores: spread over those, too.
  text = co_await bob.rest();
  const bool later = text.contains(" back in 16 s)") || text.contains(" back in 8 s)");
  EXPECT_TRUE(later) << text;
}

}  // namespace
}  // namespace ieum::test
