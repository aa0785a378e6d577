// `ieum connect -z` with ranges of ports, and the names of services.
#include <csignal>
#include <fstream>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

TEST(Probe, ListsTheOpenPortsOfARangeInOrder) {
  Child one(ieum_command({"listen", "-k", "--discard", "127.0.0.1:0"}));
  Child other(ieum_command({"listen", "-k", "--discard", "127.0.0.1:0"}));
  int first = std::stoi(port_of(where_it_listens(one)));
  int last = std::stoi(port_of(where_it_listens(other)));
  if (first > last) std::swap(first, last);
  const std::string range = std::to_string(first) + "-" + std::to_string(last);
  Child probe(ieum_command({"connect", "-z", "127.0.0.1:" + range}));
  EXPECT_EQ(probe.wait(), 0) << probe.error_output();
  const std::string text = probe.read_all();
  EXPECT_TRUE(text.starts_with("127.0.0.1:" + std::to_string(first) + "\n")) << text;
  EXPECT_TRUE(text.ends_with("127.0.0.1:" + std::to_string(last) + "\n")) << text;
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
  Child listener(ieum_command({"listen", "-k", "--discard", "127.0.0.1:0"}));
  const std::string first = port_of(where_it_listens(listener));
  // TEST-NET-1 (RFC 5737): nobody answers there, or there is no way to it.
  Child probe(ieum_command({"connect", "-v", "-z", "127.0.0.1:" + first + "-65535"}));
  probe.read_error_until("connecting to");
  probe.signal(SIGINT);
  const int status = probe.wait();
  EXPECT_TRUE(status == 130 || status == 0) << status;
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
