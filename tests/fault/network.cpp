// SimNetwork itself: names, clocks, crashes, what a run answers, that a seed says it all; links at
// the rates that were set.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "fault/fault.hpp"
#include "support/files.hpp"

namespace ieum::test {
namespace {

// ---- A seed says it all -------------------------------------------------------------------------

/// A bit of everything: a server, three clients, a bad link, a partition, a crash.
Task<> retry_until_it_worked(std::string to, std::uint64_t seed) {
  SimRandom random(seed);
  for (;;) {
    auto once = [](std::string address, std::size_t bytes, std::uint64_t from) -> Task<> {
      StreamSocket socket = co_await StreamSocket::connect(address);
      const std::string text = random_text(bytes, from);
      co_await expect_echo(socket, text);
    };
    const std::size_t bytes = random.below(5000);
    const std::uint64_t from = random();
    const Result<> done = co_await attempt(with_timeout(5s, once(to, bytes, from)));
    if (done) co_return;
    co_await sleep(Duration(random.between(0, 500'000'000)));
  }
}

void run_a_bit_of_everything(SimNetwork& net) {
  SimRandom& random = net.random();
  net.set_links(random_link(random));
  SimHost& server = net.add_host("server");
  server.set_faults(random_faults(random));
  server.start_background(serve_echo(7));
  for (int i = 0; i < 3; ++i) {
    SimHost& client = net.add_host("client" + std::to_string(i));
    client.start(retry_until_it_worked("server:7", random()));
    const Duration begin(random.between(0, 1'000'000'000));
    const Duration length(random.between(0, 3'000'000'000));
    net.at(begin, [&] { net.partition(server, client); });
    net.at(begin + length, [&] { net.heal(server, client); });
  }
  const Duration crash(random.between(0, 1'000'000'000));
  net.at(crash, [&] {
    server.restart();
    server.start_background(serve_echo(7));
  });
  expect_success(net, net.run());
}

struct Fingerprint {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
Fingerprint fingerprint(std::uint64_t seed) {
  SimNetwork net(seed);
  run_a_bit_of_everything(net);
  return {net.trace_hash(), net.events()};
}

TEST(SimNetwork, of_the_same_seed_does_the_same) {
  for (const std::uint64_t seed : sim_seeds(sanitized && !long_form() ? 200 : 1000)) {
    const Fingerprint first = fingerprint(seed);
    const Fingerprint second = fingerprint(seed);
    ASSERT_EQ(first, second) << "seed " << seed;
  }
}

// In every build and with every compiler. Whoever changes what the simulation does changes the
// number with it, which the failing test tells. IEUM_TRACE_HASHES names a file that gets a line of
// each seed, its hash and its events: two builds' files tell which seeds differ.
TEST(SimNetwork, of_the_same_seed_does_the_same_in_every_build) {
  std::ofstream lines;
  if (const char* path = std::getenv("IEUM_TRACE_HASHES")) {
    lines.open(path);
    ASSERT_TRUE(lines) << "IEUM_TRACE_HASHES=" << path << " cannot be written";
  }
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Fingerprint print = fingerprint(seed);
    if (lines.is_open()) lines << seed << ' ' << print.hash << ' ' << print.events << '\n';
    hash = (hash ^ print.hash) * 0x9E3779B97F4A7C15;
    events += print.events;
  }
  EXPECT_EQ(hash, 15575560894402451635U) << events << " events";
}

TEST(SimNetwork, of_different_seeds_does_different_things) {
  const Fingerprint first = fingerprint(1);
  const Fingerprint second = fingerprint(2);
  EXPECT_NE(first.hash, second.hash);
}

TEST(SimNetwork, tells_what_happens) {
  SimNetwork net{1};
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  std::string text;
  std::uint64_t told = 0;
  net.trace_to([&](const SimEvent& event) {
    ++told;
    if (event.what == SimEvent::What::partitioned) text = net.describe(event);
  });
  net.at(1500us, [&] { net.partition_one_way(client, server); });
  net.run_for(1s);
  EXPECT_EQ(text, "1.500 ms client partitioned 0");
  EXPECT_EQ(told, net.events());
}

// ---- Runs ---------------------------------------------------------------------------------------

Task<> fail_after(Duration time) {
  co_await sleep(time);
  co_await fail(std::errc::io_error, "test");
}
Task<> wait_for_ever() {
  Event never;
  co_await never.wait();
}
Task<> accept_one() {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
}
Task<> sleep_for_ever() {
  for (;;) co_await sleep(1min);
}
Task<> sleep_for_a_moment() { co_await sleep(1ms); }
Task<> throw_after(Duration time) {
  co_await sleep(time);
  throw std::runtime_error("thrown on a host");
}

TEST(SimNetwork, answers_the_first_failure_with_its_host) {
  SimNetwork net{1};
  SimHost& one = net.add_host("one");
  SimHost& two = net.add_host("two");
  one.start(fail_after(2s));
  two.start(fail_after(1s));
  const Result<> result = net.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(), "test: input/output error: on two");
  EXPECT_EQ(net.now() / 1ms, 1000);
}

TEST(SimNetwork, rethrows_an_exception) {
  SimNetwork net{1};
  net.add_host("host").start(throw_after(1s));
  EXPECT_THROW(static_cast<void>(net.run()), std::runtime_error);
}

TEST(SimNetwork, says_that_nothing_will_ever_happen) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host");
  host.start(wait_for_ever());
  host.start_background(accept_one());
  const Result<> result = net.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::resource_deadlock_would_occur);
  EXPECT_NE(net.dump_tasks().find("wait for event"), std::string::npos) << net.dump_tasks();
}

TEST(SimNetwork, ends_at_its_limit) {
  SimNetwork net{1};
  net.add_host("host").start(sleep_for_ever());
  const Result<> result = net.run(10min);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::timed_out);
  EXPECT_GE(net.now(), 10min);
  EXPECT_LT(net.now() - 10min, 1ms);
}

TEST(SimNetwork, does_not_wait_for_background_tasks) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host");
  host.start_background(sleep_for_ever());
  host.start(sleep_for_a_moment());
  expect_success(net, net.run());
  EXPECT_LT(net.now(), 1s);
}

TEST(SimNetwork, lets_a_blocking_run_drive_it) {
  SimNetwork net{1};
  net.add_host("server").start_background(serve_echo(7));
  SimHost& client = net.add_host("client");
  auto talk = []() -> Task<int> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    co_await expect_echo(socket, "hello");
    co_return 42;
  };
  const Result<int> result = run(client.runtime(), talk());
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(*result, 42);
  EXPECT_GE(net.now(), 4ms);
}

// ---- Hosts --------------------------------------------------------------------------------------

TEST(SimHost, is_found_by_its_name) {
  SimNetwork net{1};
  SimHost& host = net.add_host("Host");
  net.add_name("alias", {host.address(0)});
  auto look_up = [](SimHost& of) -> Task<> {
    const std::vector<Address> both = co_await resolve("HOST", 80);
    CO_ASSERT(both.size() == 2);
    const std::vector<Address> alias = co_await resolve("alias", 81);
    CO_ASSERT(alias.size() == 1);
    EXPECT_EQ(alias[0], of.address(81));
    const Result<std::vector<Address>> none = co_await attempt(resolve("nobody", 80));
    CO_ASSERT(!none);
    EXPECT_EQ(none.error(), Errc::name_not_found);
    const Result<std::vector<Address>> other =
        co_await attempt(resolve("alias", 80, {.family = Family::ipv6}));
    CO_ASSERT(!other);
    EXPECT_EQ(other.error(), Errc::name_has_no_address);
  };
  host.start(look_up(host));
  expect_success(net, net.run());
}

TEST(SimHost, has_a_loopback_of_its_own) {
  SimNetwork net{1};
  SimHost& one = net.add_host("one");
  SimHost& two = net.add_host("two");
  one.start_background(serve_echo(7));
  auto refused = []() -> Task<> {
    const Result<StreamSocket> socket = co_await attempt(StreamSocket::connect("127.0.0.1:7"));
    CO_ASSERT(!socket);
    EXPECT_EQ(socket.error(), std::errc::connection_refused);
  };
  auto accepted = []() -> Task<> {
    co_await sleep(1ms);
    StreamSocket socket = co_await StreamSocket::connect("[::1]:7");
    co_await expect_echo(socket, "hello");
  };
  two.start(refused());
  one.start(accepted());
  expect_success(net, net.run());
}

/// Goes on although it was stopped, as clean-up does.
Task<> say_goodbye(StreamSocket& socket, int& said) {
  co_await socket.write_all("goodbye");
  co_await sleep(1min);
  ++said;
}
Task<> stay_until_stopped(int& said) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  const Result<> slept = co_await attempt(sleep(1h));
  EXPECT_FALSE(slept);
  co_await shield(say_goodbye(socket, said), 1h);
}
Task<> hear(std::string& heard) {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
  while (Lease data = co_await peer.receive()) heard += data.text();
}

TEST(SimHost, that_crashes_ends_its_tasks_and_nobody_hears_of_it) {
  SimNetwork net{1};
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  std::string heard;
  int said = 0;
  server.start_background(hear(heard));
  client.start(stay_until_stopped(said));
  net.run_for(1s);
  client.crash();
  EXPECT_FALSE(client.is_up());
  EXPECT_EQ(said, 1);  // its own time has passed
  EXPECT_LT(net.now(), 2s);
  net.run_for(10min);
  EXPECT_EQ(heard, "");
  client.restart();
  EXPECT_TRUE(client.is_up());
  auto refused = []() -> Task<> {  // that one still waits for the old client
    const Result<StreamSocket> socket = co_await attempt(StreamSocket::connect("10.0.0.1:8"));
    CO_ASSERT(!socket);
    EXPECT_EQ(socket.error(), std::errc::connection_refused);
  };
  client.start(refused());
  expect_success(net, net.run());
}

TEST(SimHost, has_clocks_of_its_own) {
  SimNetwork net{1};
  SimHost& exact = net.add_host("exact");
  SimHost& fast = net.add_host("fast", {.wall_clock_ahead = 5min, .clock_drift_ppm = 1000});
  Duration exact_end{};
  Duration fast_end{};
  auto sleep_an_hour = [](SimNetwork& of, Duration& end) -> Task<> {
    co_await sleep(1h);
    end = of.now();
  };
  const auto begin = exact.wall_clock();
  EXPECT_EQ(fast.wall_clock() - begin, 5min);
  exact.start(sleep_an_hour(net, exact_end));
  fast.start(sleep_an_hour(net, fast_end));
  expect_success(net, net.run(2h));
  EXPECT_LT(exact_end - 1h, 1ms);
  EXPECT_GT(1h - fast_end, 3s);  // 3.6 s, a thousandth
  EXPECT_LT(1h - fast_end, 4s);
  EXPECT_NE(exact.runtime().now(), fast.runtime().now());
}

TEST(SimHost, does_blocking_work_inline) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host");
  auto work = []() -> Task<> {
    int calls = 0;
    auto once = [&calls] { return ++calls; };
    auto offloaded = offload(once);
    const int first = co_await std::move(offloaded);
    EXPECT_EQ(first, 1);
    EXPECT_EQ(calls, 1);
  };
  host.start(work());
  expect_success(net, net.run());
}

TEST(SimHost, has_no_part_in_the_systems_descriptors) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host");
  auto touch = []() -> Task<> {
    const Result<> readable = co_await attempt(wait_readable(0));
    CO_ASSERT(!readable);
    EXPECT_EQ(readable.error(), std::errc::not_supported);
    std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
    Result<DetachedSocket> detached = pair.first.detach();
    CO_ASSERT(!detached);
    EXPECT_EQ(detached.error(), std::errc::not_supported);
    co_await pair.first.write_all("still here");
  };
  host.start(touch());
  expect_success(net, net.run());
}

TEST(SimHost, leaves_the_systems_files_alone) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  const Descriptor real(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof name.sun_path);
  std::ranges::copy(path, name.sun_path);
  ASSERT_EQ(::bind(real.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  SimNetwork net{1};
  SimHost& host = net.add_host("host");
  auto touch = [](std::string at) -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::bind(at, {.replace_stale = true});
    Listener listener = co_await Listener::bind(at + "2", {.replace_stale = true});
    co_await socket.close();
    co_await listener.close();
  };
  host.start(touch("unix:" + path));
  expect_success(net, net.run());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SimHost, gives_back_every_buffer) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host", {.receive_buffers_max = 2});
  host.start_background(serve_echo(7));
  auto talk = []() -> Task<> {
    for (int i = 0; i < 50; ++i) {
      StreamSocket socket = co_await StreamSocket::connect("localhost:7");
      const std::string text = random_text(10'000, 1);
      co_await expect_echo(socket, text);
    }
  };
  for (int i = 0; i < 5; ++i) host.start(talk());
  expect_success(net, net.run());
}

}  // namespace
}  // namespace ieum::test
