// What the fault tests share: a scenario that runs over many seeds, the command that replays one,
// and tasks that talk.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <ieum/sim_network.hpp>

#include "support/support.hpp"

/// A test that is a scenario: it runs on a new network for each of many seeds, and is repeated for
/// a while by `./dev fuzz sim`. Its suite is called Fault and `suite`.
#define FAULT_TEST(suite, name)                                                                \
  static void suite##_##name(::ieum::SimNetwork& net);                                         \
  [[maybe_unused]] static const bool suite##_##name##_known = ::ieum::test::know_a_scenario(); \
  TEST(Fault##suite, name) { ::ieum::test::over_seeds(suite##_##name); }                       \
  static void suite##_##name(::ieum::SimNetwork& net)

namespace ieum::test {

using namespace std::chrono_literals;

using Scenario = void (*)(SimNetwork& net);

/// Runs `scenario` over the seeds from 1 on, then over some that nobody has tried; the first that
/// fails ends it, with the command that replays it. IEUM_FAULT_SEEDS says how many (the default is
/// meant for every day), IEUM_SEED names one, IEUM_FUZZ_SECONDS goes on with fresh ones.
void over_seeds(Scenario scenario);
bool know_a_scenario();

/// The first seed, from 1 to `seeds_max`, with which `finds(net)` says that it has found a defect;
/// 0: none did.
std::uint64_t first_seed_that_finds(std::uint64_t seeds_max, bool (*finds)(SimNetwork& net));

/// Ends a network's tasks before what they refer to: declare it behind that.
class EndsFirst {
 public:
  explicit EndsFirst(SimNetwork& net) noexcept : net_(net) {}
  EndsFirst(const EndsFirst&) = delete;
  EndsFirst& operator=(const EndsFirst&) = delete;
  ~EndsFirst() { net_.end(); }

 private:
  SimNetwork& net_;
};

/// Fails the test if the network's run has failed, and says what waits.
void expect_success(SimNetwork& net, const Result<>& result);

/// A link of any kind that a connection may survive.
LinkOptions random_link(SimRandom& random);
SimFaults random_faults(SimRandom& random);

inline ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
/// Text made from `seed` alone.
std::string random_text(std::size_t bytes, std::uint64_t seed);

/// Sends back what comes until the peer's end.
Task<> echo(StreamSocket peer);
/// Serves `echo` on `port` of all addresses.
Task<> serve_echo(std::uint16_t port);
Task<std::string> read_to_end(StreamSocket& from);
/// Writes `text`, which the caller keeps, and the end.
Task<> write_and_finish(StreamSocket& to, std::string_view text);
/// Sends `text` to an echo server, and expects it back.
Task<> expect_echo(StreamSocket& socket, std::string_view text);

}  // namespace ieum::test
