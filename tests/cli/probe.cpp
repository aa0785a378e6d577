// `ieum connect -z` with ranges of ports, and the names of services.
#include <csignal>
#include <fstream>

#include "cli/clients.hpp"
#include "cli/silent_host.hpp"

namespace ieum::test {
namespace {

// On an address of its own and few ports: what is probed may else be the listener of another test.
TEST(Probe, ListsTheOpenPortsOfARangeInOrder) {
  const std::uint16_t first = free_port();
  const auto last = static_cast<std::uint16_t>(first + 3);
  const auto own = [](std::uint16_t port) { return "127.77.0.1:" + std::to_string(port); };
  Child one(ieum_command({"listen", "-k", "--discard", own(first)}));
  Child other(ieum_command({"listen", "-k", "--discard", own(last)}));
  wait_until_listening(first);
  wait_until_listening(last);
  Child probe(ieum_command({"connect", "-z", own(first) + "-" + std::to_string(last)}));
  EXPECT_EQ(probe.wait(), 0) << probe.error_output();
  const std::string text = probe.read_all();
  EXPECT_TRUE(text.starts_with(own(first) + "\n")) << text;
  EXPECT_TRUE(text.ends_with(own(last) + "\n")) << text;
  EXPECT_EQ(probe.error_output(), "");
}

TEST(Probe, OfARangeWithoutAnOpenPortFails) {
  const std::string port = std::to_string(free_port());
  Child probe(ieum_command({"connect", "-z", "127.0.0.1:" + port + "-" + port}));
  EXPECT_EQ(probe.wait(), 7);
  EXPECT_EQ(probe.read_all(), "");
  EXPECT_TRUE(probe.error_output().starts_with("ieum: none of the 1 ports is open; connect "));
}

TEST(Probe, OfAnUnknownHostFailsOnce) {
  Child probe(ieum_command({"connect", "-z", "nosuch.invalid:1-1000"}));
  EXPECT_EQ(probe.wait(), 6);
  const std::string said = probe.error_output();
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(Probe, LacksDescriptorsForItAndSaysSo) {
  Child probe(shell("ulimit -n 16; exec \"$0\" connect -z 127.0.0.1:1-1000"));
  EXPECT_EQ(probe.wait(), 1);
  EXPECT_TRUE(probe.error_output().contains("raise the limit of open files"));
}

TEST(Probe, IsInterrupted) {
  const SilentHost host;
  const std::string port = std::to_string(host.port());
  Child probe(ieum_command({"connect", "-v", "-z", "127.0.0.1:" + port + "-" + port}));
  probe.read_error_until("connecting to");
  probe.signal(SIGINT);
  EXPECT_EQ(probe.wait(), 130);
}

TEST(Probe, TakesTheNameOfAService) {
  Child probe(ieum_command({"connect", "-z", "-v", "127.0.0.1:discard"}));
  EXPECT_TRUE(probe.read_error_until("\n").contains("created")) << probe.error_output();
  EXPECT_TRUE(probe.read_error_until("\n").contains("connecting to 127.0.0.1:9"));
}

TEST(Probe, OnlyItTakesARange) {
  Child client(ieum_command({"connect", "127.0.0.1:20-30"}));
  EXPECT_EQ(client.wait(), 2);
  EXPECT_TRUE(client.error_output().contains("is a range of ports")) << client.error_output();
}

}  // namespace
}  // namespace ieum::test
