// A small bank: accounts on several hosts, transfers between them that are retried until they are
// through. Whatever crashes, is cut off or comes twice, no money is made and none is lost.
#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

constexpr int branches = 3;
constexpr std::int64_t at_first = 1000;
constexpr std::uint16_t port = 700;

/// What a branch keeps through a crash. Each change is one statement's work: the disk does it
/// wholly or not at all.
struct Disk {
  std::int64_t balance = at_first;
  std::set<std::uint64_t> taken;  // transfers that have been debited here
  std::set<std::uint64_t> paid;   // and credited here
  struct Credit {
    std::uint64_t transfer = 0;
    int to = 0;
    std::int64_t amount = 0;
  };
  std::deque<Credit> owed;  // debited, and not known to have been credited
};

using Disks = std::vector<Disk>;

std::string branch_name(int number) { return "branch" + std::to_string(number); }

/// The numbers of a line such as `debit 17 2 100`.
std::vector<std::int64_t> numbers_of(std::string_view line) {
  std::vector<std::int64_t> numbers;
  const char* end = line.data() + line.size();
  for (const char* at = line.data(); at < end; ++at) {
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) continue;
    numbers.push_back(number);
    at = rest;
  }
  return numbers;
}

/// `debit TRANSFER TO AMOUNT`, `credit TRANSFER AMOUNT`; what was done before is done already.
std::string obey(Disk& disk, Event& owes, std::string_view line) {
  const std::vector<std::int64_t> numbers = numbers_of(line);
  if (numbers.size() < 2) return "what?\n";
  const auto transfer = static_cast<std::uint64_t>(numbers[0]);
  if (line.starts_with("debit") && numbers.size() == 3) {
    if (disk.taken.contains(transfer)) return "ok\n";
    if (disk.balance < numbers[2]) return "poor\n";
    disk.taken.insert(transfer);
    disk.balance -= numbers[2];
    disk.owed.push_back({transfer, static_cast<int>(numbers[1]), numbers[2]});
    owes.set();
    return "ok\n";
  }
  if (!line.starts_with("credit")) return "what?\n";
  if (disk.paid.insert(transfer).second) disk.balance += numbers[1];
  return "ok\n";
}

Task<> serve_branch(Disk& disk, Event& owes, StreamSocket peer) {
  std::string buffer;
  for (;;) {
    const std::size_t end = co_await peer.read_until(buffer, "\n", 1000);
    if (end == 0) break;
    const std::string answer = obey(disk, owes, std::string_view(buffer).substr(0, end));
    buffer.erase(0, end);
    co_await peer.write_all(answer);
  }
}

/// One question, one answer.
Task<std::string> ask(std::string host, std::string question) {
  StreamSocket socket = co_await StreamSocket::connect(host + ":" + std::to_string(port));
  co_await socket.write_all(question);
  std::string answer;
  const std::size_t end = co_await socket.read_until(answer, "\n", 1000);
  if (end == 0) co_await fail(Errc::end_of_stream, "ask");
  co_return answer;
}

/// Sends what is owed, again and again until the other branch has said that it has it.
Task<> pay_out(Disk& disk, Event& owes) {
  for (;;) {
    owes.reset();
    if (disk.owed.empty()) {
      co_await owes.wait();
      continue;
    }
    const Disk::Credit credit = disk.owed.front();
    const std::string question =
        "credit " + std::to_string(credit.transfer) + " " + std::to_string(credit.amount) + "\n";
    const Result<std::string> answer =
        co_await attempt(with_timeout(2s, ask(branch_name(credit.to), question)));
    if (answer && *answer == "ok\n") {
      disk.owed.pop_front();
    } else {
      co_await sleep(100ms);
    }
  }
}

Task<> run_branch(Disk& disk) {
  Listener listener = co_await Listener::bind("*:" + std::to_string(port));
  Event owes;
  auto handler = [&](StreamSocket peer) { return serve_branch(disk, owes, std::move(peer)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(pay_out(disk, owes));
    co_await serve(std::move(listener), handler);
  };
  co_await with_group(body);
}

/// A customer who asks until he knows that the transfer was taken, or refused.
Task<> transfer(std::uint64_t number, int from, int to, std::int64_t amount) {
  const std::string question = "debit " + std::to_string(number) + " " + std::to_string(to) + " " +
                               std::to_string(amount) + "\n";
  for (;;) {
    const Result<std::string> answer =
        co_await attempt(with_timeout(2s, ask(branch_name(from), question)));
    if (answer && (*answer == "ok\n" || *answer == "poor\n")) co_return;
    co_await sleep(200ms);
  }
}

Task<> make_transfers(int customer, std::uint64_t seed) {
  SimRandom random(seed);
  for (int i = 0; i < 10; ++i) {
    const int from = static_cast<int>(random.below(branches));
    const int step = 1 + static_cast<int>(random.below(branches - 1));
    const std::int64_t amount = random.between(1, 400);
    const auto number = static_cast<std::uint64_t>(customer * 1000 + i);
    co_await transfer(number, from, (from + step) % branches, amount);
    co_await sleep(Duration(random.between(0, 300'000'000)));
  }
}

std::int64_t total_of(const Disks& disks) {
  std::int64_t total = 0;
  for (const Disk& disk : disks) {
    total += disk.balance;
    for (const Disk::Credit& credit : disk.owed) {
      // It may have been credited, and the answer lost.
      const Disk& other = disks[static_cast<std::size_t>(credit.to)];
      if (!other.paid.contains(credit.transfer)) total += credit.amount;
    }
  }
  return total;
}

bool all_is_settled(const Disks& disks) {
  return std::ranges::all_of(disks, [](const Disk& disk) { return disk.owed.empty(); });
}

FAULT_TEST(Bank, conserves_its_total) {
  SimRandom& random = net.random();
  LinkOptions link = random_link(random);
  link.bandwidth = 0;
  net.set_links(link);
  Disks disks(branches);
  std::vector<SimHost*> hosts;
  const EndsFirst end(net);
  for (int i = 0; i < branches; ++i) {
    hosts.push_back(&net.add_host(branch_name(i)));
    hosts.back()->start_background(run_branch(disks[static_cast<std::size_t>(i)]));
  }
  for (int i = 0; i < 3; ++i) {
    SimHost& customer = net.add_host("customer" + std::to_string(i));
    customer.start(make_transfers(i, random()));
  }
  const std::uint64_t troubles = random.below(8);
  for (std::uint64_t i = 0; i < troubles; ++i) {
    const std::size_t which = random.below(branches);
    const std::size_t other = (which + 1 + random.below(branches - 1)) % branches;
    const Duration when(random.between(0, 5'000'000'000));
    const Duration length(random.between(0, 5'000'000'000));
    if (random.below(2) == 0) {
      net.at(when, [&hosts, which] { hosts[which]->crash(); });
      net.at(when + length, [&hosts, &disks, which] {
        hosts[which]->restart();
        hosts[which]->start_background(run_branch(disks[which]));
      });
    } else {
      net.at(when, [&net, &hosts, which, other] { net.partition(*hosts[which], *hosts[other]); });
      net.at(when + length,
             [&net, &hosts, which, other] { net.heal(*hosts[which], *hosts[other]); });
    }
  }
  bool conserved = true;
  for (int i = 0; i < 50 && conserved; ++i) {
    net.run_for(100ms);
    conserved = total_of(disks) == branches * at_first;
  }
  EXPECT_TRUE(conserved) << total_of(disks) << " at " << net.now().count() << " ns";
  expect_success(net, net.run());
  EXPECT_TRUE(net.run_until([&] { return all_is_settled(disks); })) << net.dump_tasks();
  std::int64_t total = 0;
  for (const Disk& disk : disks) {
    total += disk.balance;
    EXPECT_GE(disk.balance, 0);
  }
  EXPECT_EQ(total, branches * at_first);
}

}  // namespace
}  // namespace ieum::test
