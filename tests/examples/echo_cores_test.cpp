// echo_cores: clients beside each other, a drain on a signal, a port that is taken.
#include <algorithm>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

struct EchoCores {
  EchoCores() { wait_until_listening(port); }
  std::uint16_t port = free_port();
  std::string address = at(port);
  Child child{{example("echo_cores"), address}, Input::nothing()};
};

TEST(EchoCores, AnswersManyClientsAtATime) {
  EchoCores server;
  std::vector<std::unique_ptr<Child>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Child>(std::vector{example("talk"), server.address}));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    clients[i]->write(line);
    EXPECT_EQ(clients[i]->read_until("\n"), line);
  }
  for (const std::unique_ptr<Child>& client : clients) client->close_input();
  for (const std::unique_ptr<Child>& client : clients) EXPECT_EQ(client->wait(), 0);
}

TEST(EchoCores, DrainsAllCoresOnASignal) {
  EchoCores server;
  Child leaves({example("talk"), server.address});
  Child stays({example("talk"), server.address});
  leaves.write("one\n");
  EXPECT_EQ(leaves.read_until("\n"), "one\n");
  stays.write("two\n");
  EXPECT_EQ(stays.read_until("\n"), "two\n");
  server.child.signal(SIGTERM);
  // The drain has begun on every core once the port can be taken.
  while (!Listener::bind(server.address)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  leaves.close_input();
  EXPECT_EQ(server.child.wait(), 0);
  EXPECT_EQ(server.child.read_all(), "1 finished, 1 cut\n");
}

TEST(EchoCores, SaysThatAPortIsTakenAlsoByItself) {
  EchoCores server;
  Child second({example("echo_cores"), server.address});
  EXPECT_EQ(second.wait(), 1);
  const std::string error = second.error_output();
  EXPECT_TRUE(error.starts_with("listen " + server.address + ": address already in use")) << error;
  EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
}

}  // namespace
}  // namespace ieum::test
