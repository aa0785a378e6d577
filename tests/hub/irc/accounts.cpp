// Who people are: SASL, REGISTER, RESUME, devices, reserved nicks, operators.
#include "hub/irc/hub_test.hpp"
#include "irc/base64.hpp"

namespace ieum::test {
namespace {

std::string plain(const std::string& account, const std::string& password) {
  const std::string nul(1, '\0');
  return "AUTHENTICATE " + hub::encode_base64(nul + account + nul + password);
}

HUB_TEST(HubAccounts, AreMadeAndUsed) {
  HubClient ann = co_await hub.client("ann", "draft/account-registration account-notify");
  std::string text = co_await ann.ask("REGISTER * * short");
  EXPECT_TRUE(has(text, "FAIL REGISTER WEAK_PASSWORD ann "));
  text = co_await ann.ask("REGISTER b!d * longenough");
  EXPECT_TRUE(has(text, "FAIL REGISTER BAD_ACCOUNT_NAME b!d "));
  text = co_await ann.ask("REGISTER * * longenough");
  EXPECT_TRUE(has(text, "REGISTER SUCCESS ann "));
  EXPECT_TRUE(has(text, " 900 ann ann!~ann@localhost ann "));
  EXPECT_TRUE(has(text, ":ann!~ann@localhost ACCOUNT ann\n"));
  text = co_await ann.ask("REGISTER other * longenough");
  EXPECT_TRUE(has(text, "FAIL REGISTER ALREADY_AUTHENTICATED "));
  HubClient bob = co_await hub.client("bob", "draft/account-registration");
  text = co_await bob.ask("REGISTER ANN * longenough");
  EXPECT_TRUE(has(text, "FAIL REGISTER ACCOUNT_EXISTS ANN "));
  text = co_await bob.ask("WHOIS ann");
  EXPECT_TRUE(has(text, " 330 bob ann ann "));
}

HUB_TEST(HubAccounts, LogInBySasl) {
  co_await hub.member("ann");  // makes the account, and goes
  HubClient ann = co_await hub.connect();
  co_await ann.send("CAP LS 302");
  std::string text = co_await ann.ask("AUTHENTICATE PLAIN");
  EXPECT_TRUE(has(text, " 904 ")) << "not asked for";
  co_await ann.ask("CAP REQ sasl");
  text = co_await ann.ask("AUTHENTICATE SCRAM-SHA-256");
  EXPECT_TRUE(has(text, " 908 * PLAIN "));
  co_await ann.ask("AUTHENTICATE PLAIN");
  text = co_await ann.ask("AUTHENTICATE *");
  EXPECT_TRUE(has(text, " 906 "));
  co_await ann.ask("AUTHENTICATE PLAIN");
  text = co_await ann.ask("AUTHENTICATE " + std::string(401, 'A'));
  EXPECT_TRUE(has(text, " 905 "));
  co_await ann.ask("AUTHENTICATE PLAIN");
  text = co_await ann.ask(plain("ann", "wrong"));
  EXPECT_TRUE(has(text, " 904 "));
  co_await ann.ask("AUTHENTICATE PLAIN");
  text = co_await ann.ask(plain("ann", "password"));
  EXPECT_TRUE(has(text, " 900 "));
  EXPECT_TRUE(has(text, " 903 "));
  text = co_await ann.ask("AUTHENTICATE PLAIN");
  EXPECT_TRUE(has(text, " 907 "));
}

HUB_TEST(HubAccounts, GuessingIsEnded) {
  co_await hub.member("ann");
  HubClient bad = co_await hub.connect();
  co_await bad.send("CAP REQ sasl");
  for (int i = 0; i < 3; ++i) {
    co_await bad.send("AUTHENTICATE PLAIN");
    co_await bad.send(plain("ann", "guess" + std::to_string(i)));
  }
  const std::string text = co_await bad.rest();
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Too many wrong passwords)"));
}

HUB_TEST(HubAccounts, FromAProxyNeedTls) {
  hub::Config config = hub.config;
  config.proxies = {"127.0.0.1"};
  hub.set_config(config);
  HubClient ann = co_await hub.connect();
  std::string text = co_await ann.ask("CAP LS 302");
  EXPECT_EQ(count_of(text, "sasl"), 0U) << text;
  text = co_await ann.ask("CAP REQ sasl");
  EXPECT_TRUE(has(text, " NAK :sasl"));
}

HUB_TEST(HubAccounts, ReserveTheirNicks) {
  HubClient ann = co_await hub.member("ann");
  co_await ann.send("QUIT");
  co_await ann.rest();
  HubClient thief = co_await hub.connect();
  co_await thief.send("CAP REQ standard-replies");
  co_await thief.send("NICK ann");
  co_await thief.send("USER x 0 * :X");
  std::string text = co_await thief.ask("CAP END");
  EXPECT_TRUE(has(text, " 433 ann ann "));
  EXPECT_TRUE(has(text, "NOTE NICK NICKNAME_RESERVED ann :"));
  text = co_await thief.ask("NICK thief");
  EXPECT_TRUE(has(text, " 001 thief "));
  text = co_await thief.ask("NICK ann");
  EXPECT_TRUE(has(text, " 433 thief ann "));
}

HUB_TEST(HubAccounts, HaveSeveralDevices) {
  HubClient ann = co_await hub.member("ann", "echo-message");
  HubClient bob = co_await hub.client("bob");
  co_await ann.ask("JOIN #a");
  co_await bob.ask("JOIN #a");
  co_await ann.sync();
  HubClient too = co_await hub.member("ann");
  std::string text = co_await too.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost JOIN #a\n"));
  EXPECT_TRUE(has(text, " 366 ann #a "));
  text = co_await bob.sync();
  EXPECT_EQ(text, "") << "nobody has come";
  co_await bob.ask("PRIVMSG ann :to both");
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, "PRIVMSG ann :to both"));
  text = co_await too.sync();
  EXPECT_TRUE(has(text, "PRIVMSG ann :to both"));
  co_await too.ask("PRIVMSG #a :from here");
  text = co_await ann.sync();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost PRIVMSG #a :from here"));
  co_await too.send("QUIT :one device");
  co_await too.rest();
  text = co_await bob.sync();
  EXPECT_EQ(count_of(text, "QUIT"), 0U) << "it is still there";
  co_await ann.send("QUIT");
  text = co_await bob.until("QUIT");
  EXPECT_TRUE(has(text, ":ann!"));
}

HUB_TEST(HubAccounts, GuestsComeBackByTheirSecret) {
  hub::Config config = hub.config;
  config.linger = 60s;
  hub.set_config(config);
  HubClient bob = co_await hub.client("bob");
  co_await bob.ask("JOIN #a");
  HubClient ann = co_await hub.client("ann", "ieum/resume server-time");
  std::string text = co_await ann.sync();
  const std::string line = line_with(text, "RESUME TOKEN ");
  const std::string secret = line.substr(line.rfind(' ') + 1);
  EXPECT_GT(secret.size(), 20U);
  co_await ann.ask("JOIN #a");
  co_await bob.sync();
  co_await ann.close();
  co_await bob.send("PRIVMSG #a :meanwhile");
  text = co_await bob.ask("PRIVMSG ann :and to you");
  EXPECT_EQ(count_of(text, "QUIT"), 0U);
  EXPECT_EQ(count_of(text, " 401 "), 0U) << "it is only lost";
  HubClient back = co_await hub.connect();
  co_await back.send("CAP REQ :ieum/resume server-time");
  co_await back.send("RESUME " + secret);
  text = co_await back.until("RESUME SUCCESS");
  EXPECT_TRUE(has(text, "RESUME SUCCESS ann"));
  co_await back.send("NICK ann");
  co_await back.send("USER ann 0 * :Ann");
  text = co_await back.ask("CAP END");
  EXPECT_TRUE(has(text, "JOIN #a\n"));
  EXPECT_TRUE(has(text, "PRIVMSG #a :meanwhile"));
  EXPECT_TRUE(has(text, "PRIVMSG ann :and to you"));
  const std::string next = line_with(text, "RESUME TOKEN ");
  EXPECT_NE(next, "");
  EXPECT_NE(next, line);
  text = co_await bob.sync();
  EXPECT_EQ(text, "") << "nobody has seen it go or come";
  // The old secret again: somebody has a copy.
  HubClient thief = co_await hub.connect();
  co_await thief.send("CAP REQ :standard-replies");
  co_await thief.send("RESUME " + secret);
  text = co_await thief.rest();
  EXPECT_TRUE(has(text, "FAIL RESUME SECRET_REUSED "));
  text = co_await back.rest();
  EXPECT_TRUE(has(text, "(Your resume secret was used twice)"));
}

HUB_TEST(HubAccounts, AMassOfReconnectsIsNoNews) {
  hub::Config config = hub.config;
  config.linger = 60s;
  hub.set_config(config);
  HubClient bob = co_await hub.client("bob");
  co_await bob.ask("JOIN #a");
  constexpr int count = 12;
  std::vector<HubClient> lost;
  std::vector<std::string> secrets;
  for (int i = 0; i < count; ++i) {
    HubClient client = co_await hub.client("c" + std::to_string(i), "ieum/resume");
    const std::string text = co_await client.ask("JOIN #a");
    const std::string line = line_with(text, "RESUME TOKEN ");
    secrets.push_back(line.substr(line.rfind(' ') + 1));
    lost.push_back(std::move(client));
  }
  HubClient member = co_await hub.member("ann");
  co_await member.ask("JOIN #a");
  lost.push_back(std::move(member));
  co_await bob.sync();
  for (HubClient& client : lost) co_await client.close();
  std::vector<HubClient> back;
  for (int i = 0; i < count; ++i) {
    HubClient client = co_await hub.connect();
    co_await client.send_bytes("CAP REQ :ieum/resume\r\nRESUME " +
                               secrets.at(static_cast<std::size_t>(i)) + "\r\nNICK c" +
                               std::to_string(i) + "\r\nUSER c 0 * :C\r\nCAP END\r\n");
    co_await client.until(" 366 ");
    back.push_back(std::move(client));
  }
  HubClient again = co_await hub.member("ann");
  co_await again.sync();
  const std::string text = co_await bob.sync();
  EXPECT_EQ(text, "") << "nobody has gone, and nobody has come";
  co_await again.ask("PRIVMSG #a :here again");
  co_await bob.until(":ann!~ann@localhost PRIVMSG #a :here again");
}

HUB_TEST(HubAccounts, WhoIsLostIsGivenUpInTheEnd) {
  hub::Config config = hub.config;
  config.linger = 500ms;
  hub.set_config(config);
  HubClient bob = co_await hub.client("bob");
  co_await bob.ask("JOIN #a");
  HubClient ann = co_await hub.member("ann");
  co_await ann.ask("JOIN #a");
  co_await bob.sync();
  co_await ann.close();
  const std::string text = co_await bob.until("QUIT");
  EXPECT_TRUE(has(text, ":ann!~ann@localhost QUIT :Connection closed"));
}

HUB_TEST(HubAccounts, OperatorsMayKill) {
  hub::Config config = hub.config;
  config.operators = {"ann"};
  hub.set_config(config);
  HubClient ann = co_await hub.member("ann");
  HubClient bob = co_await hub.client("bob");
  std::string text = co_await bob.ask("KILL ann :no");
  EXPECT_TRUE(has(text, " 481 bob "));
  text = co_await bob.ask("OPER ann guess");
  EXPECT_TRUE(has(text, " 464 bob "));
  text = co_await ann.ask("OPER ann password");
  EXPECT_TRUE(has(text, " 381 ann "));
  EXPECT_TRUE(has(text, " MODE ann +o\n"));
  text = co_await ann.ask("KILL nobody");
  EXPECT_TRUE(has(text, " 401 ann nobody "));
  text = co_await ann.ask("KILL hub.test");
  EXPECT_TRUE(has(text, " 483 ann "));
  co_await ann.ask("KILL bob :enough");
  text = co_await bob.rest();
  EXPECT_TRUE(has(text, ":ann!~ann@localhost KILL bob :enough\n"));
  EXPECT_TRUE(has(text, "ERROR :Closing link: localhost (Killed (ann (enough)))"));
}

}  // namespace
}  // namespace ieum::test
