// kill -9 while people talk: what was acknowledged is there afterwards, once, in order; and a full
// disk is told.
#include <csignal>
#include <filesystem>
#include <map>
#include <set>

#include "hub/irc/hub_test.hpp"
#include "support/child.hpp"
#include "support/files.hpp"

namespace ieum::test {
namespace {

using Words = std::vector<std::string>;

struct Program {
  /// `under`: the command that starts it, if not this test.
  explicit Program(const std::string& data, Words under = {})
      : child(command(data, std::move(under)), Input::nothing()) {
    child.read_until("The hub listens on ");
    address = child.read_until(". ");
    address.resize(address.size() - 2);
  }
  static Words command(const std::string& data, Words words) {
    words.insert(words.end(), {IEUM_HUB, "--data", data, "--listen", "127.0.0.1:0", "--listen-tls",
                               "none", "--listen-http", "none", "--lines-per-second", "0"});
    return words;
  }
  Child child;
  std::string address;
};

/// What was acknowledged, by text: its id.
using Acknowledged = std::map<std::string, std::string>;

Task<> enter(HubClient& client, std::string nick) {
  co_await client.send("CAP REQ :" + std::string(modern));
  co_await client.send("NICK " + nick);
  co_await client.send("USER " + nick + " 0 * :" + nick);
  co_await client.send("CAP END");
  co_await client.send("JOIN #a");
  co_await client.until(" 366 ");
}

/// Talks as fast as it can until the hub is killed.
Task<> talk(std::string address, int round, Child& hub, Acknowledged& acknowledged) {
  StreamSocket socket = co_await StreamSocket::connect(address);
  HubClient client(std::make_unique<StreamSocket>(std::move(socket)));
  co_await enter(client, "ann");
  std::string lines;
  constexpr int count = 400;
  for (int i = 0; i < count; ++i) {
    lines += "PRIVMSG #a :r" + std::to_string(round) + " " + std::to_string(i) + "\r\n";
  }
  co_await client.send_bytes(lines);
  const int killed_after = 20 + (round * 37) % 300;
  int heard = 0;
  for (;;) {
    const std::string line = co_await client.line();
    if (line.empty()) co_return;
    const std::size_t at = line.find(" PRIVMSG #a :");
    if (at == std::string::npos) continue;
    acknowledged[line.substr(at + 13)] = tag_of(line, "msgid");
    if (++heard == killed_after) hub.signal(SIGKILL);
  }
}

/// Reads all of #a, page by page.
Task<> read_all(std::string address, std::vector<std::string>& texts, Acknowledged& ids) {
  StreamSocket socket = co_await StreamSocket::connect(address);
  HubClient client(std::make_unique<StreamSocket>(std::move(socket)));
  co_await enter(client, "ann");
  std::string after = "timestamp=2000-01-01T00:00:00.000Z";
  for (;;) {
    const std::string page = co_await client.ask("CHATHISTORY AFTER #a " + after + " 100");
    std::size_t found = 0;
    std::size_t at = 0;
    for (;;) {
      at = page.find(" PRIVMSG #a :", at);
      if (at == std::string::npos) break;
      const std::string line = line_with(page.substr(page.rfind('\n', at) + 1), " PRIVMSG #a :");
      const std::string text = line.substr(line.find(" PRIVMSG #a :") + 13);
      texts.push_back(text);
      ids[text] = tag_of(line, "msgid");
      after = "msgid=" + ids[text];
      ++found;
      ++at;
    }
    if (found < 100) co_return;
  }
}

TEST(HubKilled, LosesNothingThatWasAcknowledged) {
  const TemporaryDirectory directory;
  const std::string data = directory.path("data");
  Acknowledged acknowledged;
  const int rounds = long_form() ? 200 : 5;
  for (int round = 0; round < rounds; ++round) {
    Program hub(data);
    const Result<> talked = run_alone(talk(hub.address, round, hub.child, acknowledged));
    static_cast<void>(talked);  // the connection breaks, one way or another
    EXPECT_EQ(hub.child.wait(), -SIGKILL);
  }
  Program hub(data);
  std::vector<std::string> texts;
  Acknowledged ids;
  expect_success(read_all(hub.address, texts, ids));
  EXPECT_EQ(texts.size(), ids.size()) << "something is there twice";
  for (const auto& [text, id] : acknowledged) EXPECT_EQ(ids[text], id) << text;
  int last_round = 0;
  int last = -1;
  for (const std::string& text : texts) {
    const int round = std::stoi(text.substr(1));
    const int number = std::stoi(text.substr(text.find(' ')));
    EXPECT_TRUE(round > last_round || (round == last_round && number == last + 1)) << text;
    last_round = round;
    last = number;
  }
  EXPECT_GE(acknowledged.size(), 20U * static_cast<std::size_t>(rounds));
}

TEST(HubKilled, IsBackedUpWhileItRunsAndRestored) {
  const TemporaryDirectory directory;
  const std::string data = directory.path("data");
  const std::string backup = directory.path("backup.db");
  {
    Program hub(data);
    Acknowledged acknowledged;
    static_cast<void>(run_alone(talk(hub.address, 1, hub.child, acknowledged)));
  }
  {
    Program hub(data);
    Child saving({IEUM_HUB, "backup", backup, "--data", data}, Input::nothing());
    EXPECT_EQ(saving.wait(), 0) << saving.error_output();
  }
  Child restoring({IEUM_HUB, "restore", backup, "--data", data}, Input::nothing());
  EXPECT_EQ(restoring.wait(), 0) << restoring.error_output();
  Child checking({IEUM_HUB, "check", "--data", data}, Input::nothing());
  EXPECT_EQ(checking.wait(), 0) << checking.error_output();
  Program hub(data);
  std::vector<std::string> texts;
  Acknowledged ids;
  expect_success(read_all(hub.address, texts, ids));
  EXPECT_GE(texts.size(), 20U);
}

/// A disk of the hub's own, of which half is another's.
struct SmallDisk {
  SmallDisk()
      : hub(directory.path("data"),
            {"unshare", "-Urm", "sh", "-c",
             "mount -t tmpfs -o size=4m none \"$0\" && head -c 2m /dev/zero >\"$0/others\" && "
             "exec \"$@\"",
             directory.path("")}) {}
  /// Whether there can be one here; not in a container that forbids it.
  static bool is_possible() {
    Child mount({"unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"}, Input::nothing());
    return mount.wait() == 0;
  }
  void others_go() const {
    const std::string seen_by_it = "/proc/" + std::to_string(hub.child.pid()) + "/root";
    std::filesystem::remove(seen_by_it + directory.path("others"));
  }
  TemporaryDirectory directory;
  Program hub;
};

std::string filling(int number) { return std::to_string(number) + std::string(380, 'x'); }

/// Says one thing; what the hub answers: its echo, or why not.
Task<std::string> say(HubClient& client, std::string text) {
  co_await client.send("PRIVMSG #a :" + text);
  for (;;) {
    std::string line = co_await client.line();
    if (line.empty() || line.contains(" PRIVMSG ")) co_return line;
  }
}

Task<> fill(SmallDisk& disk, Acknowledged& acknowledged, std::set<std::string>& refused) {
  StreamSocket socket = co_await StreamSocket::connect(disk.hub.address);
  HubClient client(std::make_unique<StreamSocket>(std::move(socket)));
  co_await enter(client, "ann");
  constexpr int far_too_many = 20'000;
  int number = 0;
  while (refused.size() < 3 && number < far_too_many) {
    const std::string text = filling(++number);
    const std::string said = co_await say(client, text);
    if (said.contains("FAIL PRIVMSG ")) {
      EXPECT_TRUE(said.contains(" NOT_STORED #a :The server could not keep it, so nothing was "
                                "done: ") ||
                  said.contains(" UNKNOWN_OUTCOME #a :unknown, try again"))
          << said;
      refused.insert(text);
    } else {
      acknowledged[text] = tag_of(said, "msgid");
    }
  }
  CO_ASSERT(refused.size() == 3);
  disk.others_go();
  for (int i = 0; i < 3; ++i) {
    const std::string text = filling(++number);
    const std::string said = co_await say(client, text);
    EXPECT_TRUE(has(said, text)) << "there is space again";
    acknowledged[text] = tag_of(said, "msgid");
  }
  co_await client.send("QUIT");
  co_await client.rest();
}

TEST(HubKilled, TellsOfAFullDiskAndGoesOn) {
  if (!SmallDisk::is_possible()) GTEST_SKIP() << "a file system cannot be mounted here";
  SmallDisk disk;
  Acknowledged acknowledged;
  std::set<std::string> refused;
  expect_success(fill(disk, acknowledged, refused));
  std::vector<std::string> texts;
  Acknowledged ids;
  expect_success(read_all(disk.hub.address, texts, ids));
  EXPECT_EQ(texts.size(), ids.size()) << "something is there twice";
  for (const auto& [text, id] : acknowledged) EXPECT_EQ(ids[text], id) << text;
  EXPECT_GE(texts.size(), acknowledged.size());
  EXPECT_LE(texts.size(), acknowledged.size() + refused.size());
  disk.hub.child.signal(SIGTERM);
  EXPECT_EQ(disk.hub.child.wait(), 0);
}

}  // namespace
}  // namespace ieum::test
