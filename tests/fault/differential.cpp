// One seeded workload on the kernel's drivers and on the simulated one: each reader gets the same
// bytes and the same kind of end; before a reset, a prefix.
#include <unistd.h>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

enum class End : std::uint8_t { finish, close, reset };

/// What one connection does: blocks that are written, pauses, and how the writer ends.
struct Plan {
  explicit Plan(std::uint64_t seed) {
    SimRandom random(seed);
    const std::uint64_t count = random.below(20);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t bits = random.below(17);
      blocks.push_back(random_text(1 + random.below(std::uint64_t{1} << bits), random()));
    }
    pauses = random.below(3) == 0;
    gathers = random.below(3) == 0;
    leases = random.below(2) == 0;
    read_bytes = 1 + random.below(10'000);
    end = static_cast<End>(random.below(3));
    is_unix = random.below(3) == 0;
  }
  [[nodiscard]] std::string whole() const {
    std::string text;
    for (const std::string& block : blocks) text += block;
    return text;
  }

  std::vector<std::string> blocks;
  bool pauses = false;
  bool gathers = false;
  bool leases = false;
  bool is_unix = false;
  std::size_t read_bytes = 1;
  End end = End::finish;
};

struct Outcome {
  std::string got;
  std::string ended;  // "end", or the error's message
  std::string answer;
};

Task<> write_plan(StreamSocket& socket, const Plan& plan, Outcome& outcome) {
  if (plan.gathers) {
    std::vector<ConstBuffer> parts;
    for (const std::string& block : plan.blocks) parts.push_back(bytes_of(block));
    co_await socket.write_all(parts);
  } else {
    for (const std::string& block : plan.blocks) {
      co_await socket.write_all(block);
      if (plan.pauses) co_await sleep(200us);
    }
  }
  if (plan.end == End::reset) {
    co_await socket.reset();
  } else if (plan.end == End::close) {
    co_await socket.close();
  } else {
    co_await socket.shutdown_write();
    outcome.answer = co_await read_to_end(socket);
  }
}

Task<> read_plan(StreamSocket& socket, const Plan& plan, Outcome& outcome) {
  std::string buffer(plan.read_bytes, '\0');
  for (;;) {
    std::size_t count = 0;
    if (plan.leases) {
      const Lease data = co_await socket.receive();
      outcome.got += data.text();
      count = data.size();
    } else {
      count = co_await socket.read_some(std::as_writable_bytes(std::span(buffer)));
      outcome.got.append(buffer, 0, count);
    }
    if (count == 0) break;
  }
  if (plan.end == End::finish) {
    co_await socket.write_all("I got " + std::to_string(outcome.got.size()));
    co_await socket.close();
  }
}

Task<> read_and_tell(StreamSocket& socket, const Plan& plan, Outcome& outcome) {
  const Result<> read = co_await attempt(read_plan(socket, plan, outcome));
  outcome.ended = read ? "end" : read.error().code().message();
}

Task<> work(const Plan& plan, std::string address, Outcome& outcome) {
  Listener listener = co_await Listener::bind(address);
  StreamSocket writer = co_await StreamSocket::connect(listener.address());
  StreamSocket reader = co_await listener.accept();
  auto body = [&](Group& group) -> Task<> {
    group.start(read_and_tell(reader, plan, outcome));
    co_await write_plan(writer, plan, outcome);
  };
  co_await with_group(body);
}

Outcome work_on(DriverKind kind, const Plan& plan, std::uint64_t seed) {
  static int number = 0;
  Outcome outcome;
  Result<std::unique_ptr<Runtime>> runtime = Runtime::create({.driver = kind});
  if (!runtime) {
    ADD_FAILURE() << runtime.error().to_string();
    return outcome;
  }
  std::string address = "127.0.0.1:0";
  if (plan.is_unix) {
    address =
        "unix:@ieum-differential-" + std::to_string(getpid()) + "-" + std::to_string(++number);
  }
  const Result<> result = run(**runtime, with_timeout(2min, work(plan, address, outcome)));
  if (!result) ADD_FAILURE() << "seed " << seed << ": " << result.error().to_string_with_trace();
  return outcome;
}

/// The same over a network of two hosts, which may lose and reorder.
Outcome work_on_hosts(const Plan& plan, std::uint64_t seed) {
  Outcome outcome;
  SimNetwork net(seed);
  LinkOptions link = random_link(net.random());
  link.bandwidth = 0;
  net.set_links(link);
  SimHost& one = net.add_host("one");
  SimHost& other = net.add_host("other");
  auto read = [](const Plan& of, Outcome& to) -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    StreamSocket reader = co_await listener.accept();
    co_await read_and_tell(reader, of, to);
  };
  auto write = [](const Plan& of, Outcome& to) -> Task<> {
    StreamSocket writer = co_await StreamSocket::connect("one:7");
    co_await write_plan(writer, of, to);
  };
  one.start(read(plan, outcome));
  other.start(write(plan, outcome));
  expect_success(net, net.run());
  return outcome;
}

void expect_same(const Plan& plan, const Outcome& outcome, const char* where) {
  const std::string whole = plan.whole();
  SCOPED_TRACE(where);
  if (plan.end == End::reset && !plan.is_unix) {
    EXPECT_TRUE(whole.starts_with(outcome.got)) << "no prefix";
    EXPECT_EQ(outcome.ended, std::make_error_code(std::errc::connection_reset).message());
    return;
  }
  EXPECT_TRUE(outcome.got == whole) << outcome.got.size() << " of " << whole.size() << " bytes";
  EXPECT_EQ(outcome.ended, "end");
  const std::string answer = "I got " + std::to_string(whole.size());
  EXPECT_EQ(outcome.answer, plan.end == End::finish ? answer : "");
}

TEST(Differential, a_workload_ends_the_same_on_every_driver) {
  const Result<std::unique_ptr<Runtime>> uring = Runtime::create({.driver = DriverKind::io_uring});
  for (const std::uint64_t seed : sim_seeds(100)) {
    const Plan plan(seed);
    expect_same(plan, work_on(DriverKind::epoll, plan, seed), "epoll");
    if (uring) expect_same(plan, work_on(DriverKind::io_uring, plan, seed), "io_uring");
    expect_same(plan, work_on(DriverKind::sim, plan, seed), "sim");
    if (plan.end != End::reset) expect_same(plan, work_on_hosts(plan, seed), "simulated hosts");
    ASSERT_FALSE(HasFailure()) << "replay with IEUM_SEED=" << seed;
  }
}

// ---- Much, over a bad link ----------------------------------------------------------------------

TEST(SimTcp, a_hundred_megabytes_arrive_through_every_kind_of_trouble) {
  SimNetwork net{1};
  LinkOptions link;
  link.latency = 5ms;
  link.jitter = 2ms;
  link.loss = 0.2;
  link.reordering = 0.1;
  link.duplication = 0.1;
  link.corruption = 0.01;
  net.set_links(link);
  constexpr std::uint64_t total = 100'000'000;
  auto send = [](std::uint64_t bytes) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    SimRandom random(7);
    std::vector<std::uint64_t> block(1250);
    for (std::uint64_t sent = 0; sent < bytes; sent += block.size() * sizeof block[0]) {
      for (std::uint64_t& word : block) word = random();
      co_await socket.write_all(std::as_bytes(std::span(block)));
    }
    co_await socket.shutdown_write();
    co_await socket.wait_acknowledged();
  };
  auto expect = [](std::uint64_t bytes) -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    StreamSocket socket = co_await listener.accept();
    SimRandom random(7);
    std::vector<std::uint64_t> block(1250);
    for (std::uint64_t got = 0; got < bytes; got += block.size() * sizeof block[0]) {
      co_await socket.read_exact(std::as_writable_bytes(std::span(block)));
      for (const std::uint64_t word : block) CO_ASSERT(word == random());
    }
    const std::string rest = co_await read_to_end(socket);
    EXPECT_EQ(rest, "");
  };
  net.add_host("server").start(expect(total));
  net.add_host("client").start(send(total));
  expect_success(net, net.run(24h));
}

}  // namespace
}  // namespace ieum::test
