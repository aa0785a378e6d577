// A hub on several cores is one hub: clients, which connect to its cores in turn, cannot tell.
#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

constexpr std::size_t clients_count = 8;  // more than there are cores

HUB_TEST(HubCores, OneOfManyGetsANick) {
  std::vector<HubClient> clients;
  for (std::size_t i = 0; i < clients_count; ++i) {
    HubClient client = co_await hub.connect();
    clients.push_back(std::move(client));
  }
  for (HubClient& client : clients) {
    co_await client.send_bytes("NICK ann\r\nUSER ann 0 * :Ann\r\n");
  }
  std::size_t taken_in = 0;
  for (HubClient& client : clients) {
    const std::string line = co_await client.line();
    if (line.contains(" 001 ann ")) {
      ++taken_in;
    } else {
      EXPECT_TRUE(has(line, " 433 "));
    }
  }
  EXPECT_EQ(taken_in, 1U);
}

HUB_TEST(HubCores, WhoLeavesAndComesBackAtOnceHasTheirNick) {
  for (int i = 0; i < 50; ++i) {
    HubClient client = co_await hub.connect();  // to each core in turn
    co_await client.send_bytes("NICK ann\r\nUSER ann 0 * :Ann\r\nQUIT\r\n");
    const std::string line = co_await client.line();
    EXPECT_TRUE(has(line, " 001 ann ")) << i;
    co_await client.rest();
  }
}

HUB_TEST(HubCores, OneOfManyTakesANickOver) {
  std::vector<HubClient> clients;
  for (std::size_t i = 0; i < clients_count; ++i) {
    HubClient client = co_await hub.client("c" + std::to_string(i));
    clients.push_back(std::move(client));
  }
  for (HubClient& client : clients) co_await client.send_bytes("NICK ann\r\n");
  std::size_t renamed = 0;
  for (HubClient& client : clients) {
    const std::string text = co_await client.sync();
    if (text.contains(" NICK :ann\n")) {
      ++renamed;
    } else {
      EXPECT_TRUE(has(text, " 433 "));
    }
  }
  EXPECT_EQ(renamed, 1U);
  // On all cores she is the same.
  for (HubClient& client : clients) {
    const std::string text = co_await client.ask("USERHOST ann");
    EXPECT_TRUE(has(text, ":ann=+~c"));
  }
}

HUB_TEST(HubCores, AllHearTheSameInOneOrder) {
  constexpr std::size_t lines_count = 40;
  std::vector<HubClient> clients;
  for (std::size_t i = 0; i < clients_count; ++i) {
    HubClient client = co_await hub.client("c" + std::to_string(i), "message-tags echo-message");
    co_await client.ask("JOIN #a");
    clients.push_back(std::move(client));
  }
  for (HubClient& client : clients) co_await client.sync();
  for (HubClient& client : clients) {
    std::string lines;
    for (std::size_t i = 0; i < lines_count; ++i) {
      lines += "PRIVMSG #a :" + client.nick + " " + std::to_string(i) + "\r\n";
    }
    co_await client.send_bytes(std::move(lines));
  }
  std::string first;
  for (HubClient& client : clients) {
    std::string heard;
    for (std::size_t i = 0; i < clients_count * lines_count; ++i) {
      const std::string line = co_await client.until(" PRIVMSG #a :");
      heard += tag_of(line, "msgid") + line.substr(line.rfind(':')) + "\n";
    }
    if (first.empty()) first = heard;
    EXPECT_EQ(heard, first);
  }
}

HUB_TEST(HubCores, WhoLeavesIsGoneFromAll) {
  std::vector<HubClient> clients;
  for (std::size_t i = 0; i < clients_count; ++i) {
    HubClient client = co_await hub.client("c" + std::to_string(i), "away-notify");
    co_await client.ask("JOIN #a");
    clients.push_back(std::move(client));
  }
  co_await clients[0].ask("AWAY :out");
  co_await clients[0].send("QUIT :bye");
  for (std::size_t i = 1; i < clients_count; ++i) {
    co_await clients[i].until(":c0!~c0@localhost AWAY :out");
    co_await clients[i].until(":c0!~c0@localhost QUIT :Quit: bye");
    const std::string text = co_await clients[i].ask("NAMES #a");
    EXPECT_FALSE(text.contains("c0"));
    EXPECT_TRUE(has(text.substr(text.find(" #a :")), "c6"));
  }
  const HubClient next = co_await hub.client("c0");
}

/// A room is found again by whoever comes to it after it was empty, on whatever core.
HUB_TEST(HubCores, ARoomIsTheSameEverywhere) {
  for (std::size_t round = 0; round < 2 * clients_count; ++round) {
    HubClient one = co_await hub.client("one");
    HubClient two = co_await hub.client("two");
    std::string text = co_await one.ask("JOIN #a");
    EXPECT_TRUE(has(text, " 353 one = #a :@one\n"));
    text = co_await two.ask("JOIN #A");
    EXPECT_TRUE(has(text, " 353 two = #a :@one two\n"));
    text = co_await one.ask("PART #a");
    text = co_await two.ask("NAMES #a");
    EXPECT_TRUE(has(text, " 353 two = #a :two\n"));
    co_await one.send("QUIT");
    co_await two.send("QUIT");
    text = co_await one.rest();
    text = co_await two.rest();
    HubClient after = co_await hub.connect();
    for (;;) {  // until their nicks are free
      text = co_await after.ask("NICK one");
      const std::string both = co_await after.ask("NICK two");
      if (text.empty() && both.empty()) break;
      co_await sleep(1ms);
    }
  }
}

}  // namespace
}  // namespace ieum::test
