// The same hub on a simulated network: crashes and partitions, and nothing that was acknowledged is
// lost, doubled or out of order.
#include <map>
#include <set>

#include <ieum/sim_network.hpp>

#include "hub/irc/hub_test.hpp"

namespace ieum::test {
namespace {

constexpr std::uint16_t port = 6667;

/// What outlives the hub's crashes: its disk.
struct Disk {
  hub::MemoryRoomLog log{{.epoch = 7, .commit_time = 1ms}};
  hub::MemoryAccountStore accounts;
  hub::EventLog events{false, true};
  hub::Config config;
  SimHost* host = nullptr;
};

Task<> serve_group(Group& group, hub::Hub& hub, hub::Listeners& listeners) {
  group.start(hub.run());
  co_await hub.ready().wait();
  group.start(listeners.run());
}

Task<> serve_hub(Disk& disk) {
  const auto clock = [&disk] {
    return std::chrono::floor<std::chrono::milliseconds>(disk.host->wall_clock());
  };
  hub::Common common(std::make_shared<const hub::Config>(disk.config));
  hub::Hub hub(hub::Services{disk.log, disk.accounts, disk.events, clock, common});
  hub::Listeners listeners(hub, nullptr);
  listeners.add(co_await Listener::bind("*:" + std::to_string(port)), false);
  auto body = [&](Group& group) { return serve_group(group, hub, listeners); };
  co_await with_group(body);
}

/// A sender: says its lines one after the other, each until it is acknowledged by its echo, again
/// after a lost connection, with the same id. It comes back as who it was if it can: if it has
/// heard the secret for the next time.
struct Sender {
  Sender(std::string name, int lines) : nick(std::move(name)), count(lines) {}
  std::string nick;
  int count;
  int next = 1;
  std::string secret;
  std::map<int, std::string> acknowledged;  // the ids
};

Task<> enter(HubClient& client, Sender& sender, std::string room) {
  const std::string nick = sender.nick;
  co_await client.send(
      "CAP REQ :message-tags echo-message batch draft/chathistory server-time standard-replies "
      "ieum/resume");
  if (!sender.secret.empty()) co_await client.send("RESUME " + sender.secret);
  co_await client.send("NICK " + nick);
  co_await client.send("USER " + nick + " 0 * :" + nick);
  co_await client.send("CAP END");
  co_await client.send("JOIN " + room);
  for (;;) {
    std::string line = co_await client.line();
    if (line.contains(" FAIL RESUME ")) sender.secret.clear();
    if (line.contains(" RESUME TOKEN ")) sender.secret = line.substr(line.rfind(' ') + 1);
    if (line.empty()) co_await fail(std::errc::connection_reset, "enter");
    if (line.contains(" 433 ")) co_await fail(std::errc::address_in_use, "enter");
    if (line.contains(" 366 ")) co_return;
  }
}

Task<> say_all(Sender& sender) {
  StreamSocket socket = co_await StreamSocket::connect("hub:6667", {.timeout = 5s});
  HubClient client(std::make_unique<StreamSocket>(std::move(socket)));
  client.nick = sender.nick;
  co_await enter(client, sender, "#a");
  for (;;) {
    if (sender.next > sender.count) co_return;
    const std::string number = std::to_string(sender.next);
    co_await client.send("@+ieum/once=" + sender.nick + number + " PRIVMSG #a :" + sender.nick +
                         " " + number);
    for (;;) {
      std::string line = co_await client.line();
      if (line.empty()) co_await fail(std::errc::connection_reset, "say");
      if (line.contains(" FAIL PRIVMSG ")) break;  // unknown, try again
      if (!line.ends_with(":" + sender.nick + " " + number)) continue;
      sender.acknowledged[sender.next] = tag_of(line, "msgid");
      ++sender.next;
      break;
    }
  }
}

Task<> keep_saying(Sender& sender) {
  for (;;) {
    Task<> saying = say_all(sender);
    Result<> said = co_await attempt(with_timeout(20s, std::move(saying)));
    if (said) co_return;
    co_await sleep(500ms);
  }
}

/// The texts of #a, in their order.
Task<> read_log(Disk& disk, std::vector<hub::StoredEntry>& entries) {
  std::optional<hub::RoomInfo> room = co_await disk.log.find(hub::channel_key("#a"));
  if (!room) co_return;
  hub::Window window;
  window.room = room->id;
  window.limit = hub::RoomLog::page_max;
  const hub::Page page = co_await disk.log.after(window, 0);
  entries = page.entries;
}

void run_seed(std::uint64_t seed) {
  Disk disk;
  disk.config.lines_per_second = 0;
  disk.config.ping_after = 4s;
  disk.config.ping_timeout = 4s;
  disk.config.linger = 3s;
  std::vector<Sender> senders{{"ann", 12}, {"bob", 12}, {"carl", 12}};
  std::vector<hub::StoredEntry> entries;
  SimNetwork net{seed};
  SimHost& host = net.add_host("hub");
  disk.host = &host;
  host.start_background(serve_hub(disk));
  for (Sender& sender : senders) {
    SimHost& client = net.add_host(sender.nick);
    client.start(keep_saying(sender));
    const auto at = std::chrono::milliseconds(net.random().below(3000));
    net.at(at, [&net, &client, &host] { net.partition(client, host); });
    net.at(at + 3s, [&net, &client, &host] { net.heal(client, host); });
  }
  for (int i = 0; i < 2; ++i) {
    net.at(std::chrono::milliseconds(5 + net.random().below(4000)), [&] {
      if (!host.is_up()) return;
      if (net.random().below(2) == 0) disk.log.fail_next(2, hub::Outcome::unknown);
      host.crash();
      host.restart();
      host.start_background(serve_hub(disk));
    });
  }
  const Result<> result = net.run();
  if (!result) ADD_FAILURE() << "seed " << seed << ": " << result.error().to_string();
  net.end();
  const std::unique_ptr<Runtime> runtime = make_runtime();
  const Result<> read = run(*runtime, read_log(disk, entries));
  EXPECT_TRUE(read);
  std::map<std::string, int> count;
  std::map<std::pair<std::string, std::string>, int> said;  // by whom, what
  std::map<std::string, std::string> ids;
  std::map<std::string, int> last;
  for (const hub::StoredEntry& stored : entries) {
    if (stored.entry.kind != hub::Kind::message) continue;
    ++count[stored.entry.body];
    int& times = said[{stored.entry.sender, stored.entry.body}];
    EXPECT_EQ(++times, 1) << "seed " << seed << ": " << stored.entry.body << " is there twice";
    ids[stored.entry.body] = hub::MessageId{7, stored.room, stored.position}.to_string();
    const std::size_t space = stored.entry.body.find(' ');
    const int number = std::stoi(stored.entry.body.substr(space + 1));
    int& before = last[stored.entry.body.substr(0, space)];
    EXPECT_GE(number, before) << "seed " << seed << ": out of order";
    before = number;
  }
  for (const Sender& sender : senders) {
    EXPECT_EQ(sender.acknowledged.size(), static_cast<std::size_t>(sender.count))
        << "seed " << seed;
    for (const auto& [number, id] : sender.acknowledged) {
      const std::string text = sender.nick + " " + std::to_string(number);
      EXPECT_GE(count[text], 1) << "seed " << seed << ": " << text << " is lost";
    }
  }
}

TEST(HubSimulated, NothingAcknowledgedIsLostOrDoubled) {
  // The network's own driver is the same whichever runs beside it.
  const char* const driver = std::getenv("IEUM_DRIVER");
  if (driver != nullptr && std::string_view(driver) != "sim") GTEST_SKIP() << "on sim";
  const std::size_t seeds = long_form() ? 10'000 : sanitized ? 20 : 100;
  for (const std::uint64_t seed : sim_seeds(seeds)) {
    run_seed(seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ieum::test
