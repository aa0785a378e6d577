// `ieum-hub load`: many clients that talk.
#include "load/load.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include <ieum/runtime.hpp>

#include "load/talker.hpp"

namespace ieum::hub {

namespace {

Task<> talk_in(Group& group, std::vector<std::unique_ptr<Talker>>& talkers) {
  for (const std::unique_ptr<Talker>& talker : talkers) group.start(talker->run());
  co_return;
}

Task<> talk(std::vector<std::unique_ptr<Talker>>& talkers) {
  auto body = [&](Group& group) { return talk_in(group, talkers); };
  co_await with_group(body);
}

double percentile(std::vector<std::uint32_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return sorted[at] / 1000.0;
}

/// Acknowledged messages that a member of their room has not got.
std::uint64_t count_missing(const std::vector<std::unique_ptr<Talker>>& talkers) {
  std::uint64_t missing = 0;
  for (const auto& sender : talkers) {
    for (const auto& member : talkers) {
      if (member->room() != sender->room()) continue;
      const std::uint64_t heard = member->heard_of(sender->number());
      if (heard < sender->acknowledged()) missing += sender->acknowledged() - heard;
    }
  }
  return missing;
}

}  // namespace

int load_program(std::vector<std::string> words) {
  Load load;
  LoadOptions& options = load.options;
  CLI::App app("Clients that talk with a hub: how long messages take, and whether any is lost.",
               "ieum-hub load");
  app.footer(
      "Let the hub take so many from one address, as fast as they come:\n"
      "  ieum-hub --data memory --connections-per-address 20000 --lines-per-second 0");
  app.add_option("--connect", options.to, "The hub");
  app.add_option("--clients", options.clients, "Clients")->check(CLI::Range(1, 60'000));
  app.add_option("--rooms", options.rooms, "Rooms, over which they are spread")
      ->check(CLI::Range(1, 60'000));
  app.add_option("--rate", options.rate,
                 "Messages a second of all together; 0: each says the next when one came back");
  app.add_option("--seconds", options.seconds, "How long");
  app.add_option("--bytes", options.bytes, "Bytes of a line")->check(CLI::Range(60, 400));
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::Error& error) {
    std::fprintf(stderr, "ieum-hub load: %s\n", error.what());
    return 2;
  }
  std::vector<std::unique_ptr<Talker>> talkers;
  for (std::size_t i = 0; i < options.clients; ++i) {
    talkers.push_back(std::make_unique<Talker>(load, i));
  }
  const Result<> result = ieum::run(talk(talkers));
  if (!result) {
    std::fprintf(stderr, "ieum-hub load: %s\n", result.error().to_string().c_str());
    return 1;
  }
  std::ranges::sort(load.latencies);
  const std::uint64_t missing = count_missing(talkers);
  std::printf("%zu clients in %zu rooms, %.0f s: sent %llu, acknowledged %llu, copies %llu\n",
              options.clients, options.rooms, options.seconds,
              static_cast<unsigned long long>(load.sent),
              static_cast<unsigned long long>(load.acknowledged),
              static_cast<unsigned long long>(load.copies));
  std::printf(
      "from the intended time of sending to each copy, ms: p50 %.2f, p90 %.2f, p99 %.2f, "
      "p99.9 %.2f, most %.2f\n",
      percentile(load.latencies, 0.5), percentile(load.latencies, 0.9),
      percentile(load.latencies, 0.99), percentile(load.latencies, 0.999),
      percentile(load.latencies, 1));
  const bool good = missing == 0 && load.out_of_order == 0 && load.acknowledged == load.sent;
  std::printf(
      "%s: %llu acknowledged and missing somewhere, %llu twice or out of order, %llu not "
      "acknowledged\n",
      good ? "nothing lost" : "WRONG", static_cast<unsigned long long>(missing),
      static_cast<unsigned long long>(load.out_of_order),
      static_cast<unsigned long long>(load.sent - load.acknowledged));
  return good ? 0 : 1;
}

}  // namespace ieum::hub
