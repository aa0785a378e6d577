// What the fault tests share.
#include "fault/fault.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ieum::test {

namespace {

constexpr std::size_t fixed_default = sanitized ? 50 : 300;
constexpr std::size_t fresh_share = 8;  // of the fixed ones

std::size_t number_from(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::size_t scenarios = 0;

/// What all scenarios of this program have run; told at its end.
struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t events = 0;
  std::uint64_t failures = 0;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

  ~Totals() {
    if (seeds == 0) return;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%llu seeds, %llu events, %llu failures, %.1f s\n",
                static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(events),
                static_cast<unsigned long long>(failures), took.count());
  }
};
Totals totals;

/// False: it failed.
bool run_seed(Scenario scenario, std::uint64_t seed) {
  SimNetwork net(seed);
  scenario(net);
  ++totals.seeds;
  totals.events += net.events();
  if (!testing::Test::HasFailure()) return true;
  ++totals.failures;
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  std::printf("  replay with: IEUM_SEED=%llu %s --gtest_filter=%s.%s\n",
              static_cast<unsigned long long>(seed), program_invocation_name,
              test.test_suite_name(), test.name());
  return false;
}

}  // namespace

bool know_a_scenario() {
  ++scenarios;
  return true;
}

void over_seeds(Scenario scenario) {
  const std::size_t seconds = number_from("IEUM_FUZZ_SECONDS", 0);
  std::random_device device;
  if (seconds > 0) {
    const auto share = std::chrono::duration<double>(static_cast<double>(seconds)) / scenarios;
    const auto end = std::chrono::steady_clock::now() + share;
    do {
      if (!run_seed(scenario, std::uint64_t{device()} << 20U | device() % 4096)) return;
    } while (std::chrono::steady_clock::now() < end);
    return;
  }
  const std::size_t fixed = number_from("IEUM_FAULT_SEEDS", fixed_default);
  for (const std::uint64_t seed : sim_seeds(fixed)) {
    if (!run_seed(scenario, seed)) return;
  }
  if (std::getenv("IEUM_SEED") != nullptr) return;
  for (std::size_t i = 0; i < fixed / fresh_share; ++i) {
    if (!run_seed(scenario, std::uint64_t{device()} << 20U | device() % 4096)) return;
  }
}

std::uint64_t first_seed_that_finds(std::uint64_t seeds_max, bool (*finds)(SimNetwork& net)) {
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    SimNetwork net(seed);
    if (finds(net)) return seed;
  }
  return 0;
}

void expect_success(SimNetwork& net, const Result<>& result) {
  if (result) return;
  ADD_FAILURE() << result.error().to_string_with_trace() << "\nafter "
                << std::chrono::duration<double>(net.now()).count() << " s of virtual time\n"
                << net.dump_tasks();
}

LinkOptions random_link(SimRandom& random) {
  LinkOptions link;
  link.latency = Duration(random.between(0, 50'000'000));
  if (random.below(2) == 0) link.jitter = Duration(random.between(0, 20'000'000));
  if (random.below(3) == 0) link.bandwidth = 20'000 + random.below(2'000'000);
  if (random.below(2) == 0) link.loss = static_cast<double>(random.below(150)) / 1000;
  if (random.below(3) == 0) link.duplication = static_cast<double>(random.below(200)) / 1000;
  if (random.below(3) == 0) link.reordering = static_cast<double>(random.below(300)) / 1000;
  if (random.below(4) == 0) link.corruption = static_cast<double>(random.below(50)) / 1000;
  if (random.below(3) == 0) link.mtu = 576 + static_cast<std::uint32_t>(random.below(8000));
  return link;
}

SimFaults random_faults(SimRandom& random) {
  SimFaults faults;
  if (random.below(2) == 0) faults.read_bytes_max = 1 + random.below(100);
  if (random.below(2) == 0) faults.write_bytes_max = 1 + random.below(100);
  return faults;
}

std::string random_text(std::size_t bytes, std::uint64_t seed) {
  SimRandom random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) {
    const std::uint64_t letter = random.below(26);
    c = static_cast<char>('a' + letter);
  }
  return text;
}

Task<> echo(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
}

Task<> serve_echo(std::uint16_t port) {
  Listener listener = co_await Listener::bind("*:" + std::to_string(port));
  co_await serve(std::move(listener), echo);
}

Task<std::string> read_to_end(StreamSocket& from) {
  std::string text;
  while (Lease data = co_await from.receive()) text += data.text();
  co_return text;
}

Task<> write_and_finish(StreamSocket& to, std::string_view text) {
  co_await to.write_all(text);
  co_await to.shutdown_write();
}

Task<> expect_echo(StreamSocket& socket, std::string_view text) {
  std::string got(text.size(), '\0');
  auto body = [&](Group& group) -> Task<> {
    group.start(socket.read_exact(std::as_writable_bytes(std::span(got))));
    co_await socket.write_all(text);
  };
  co_await with_group(body);
  EXPECT_TRUE(got == text) << "what came back differs from what was sent";
}

}  // namespace ieum::test
