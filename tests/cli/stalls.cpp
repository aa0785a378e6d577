// When nothing moves: what -v says of it; and a stall of our own (SIGSTOP), after which what came
// meanwhile counts as what came in time.
#include <csignal>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

void stop_for_a_while(Child& child, const std::function<void()>& meanwhile) {
  child.signal(SIGSTOP);
  std::this_thread::sleep_for(100ms);
  meanwhile();
  std::this_thread::sleep_for(1500ms);
  child.signal(SIGCONT);
}

TEST(OwnStall, WhatCameMeanwhileIsReceived) {
  Child listener(ieum_command({"listen", "-i", "1s", "127.0.0.1:0"}));
  Child peer(ieum_command({"connect", where_it_listens(listener)}));
  peer.write("one\n");
  EXPECT_EQ(listener.read_until("\n"), "one\n");
  stop_for_a_while(listener, [&] { peer.write("two\n"); });
  EXPECT_EQ(listener.read_until("\n"), "two\n");
  EXPECT_EQ(listener.wait(), 28);
}

TEST(OwnStall, WhatCameMeanwhileIsEchoed) {
  Child listener(ieum_command({"listen", "-i", "1s", "--echo", "127.0.0.1:0"}));
  Child peer(ieum_command({"connect", where_it_listens(listener)}));
  peer.write("one\n");
  EXPECT_EQ(peer.read_until("\n"), "one\n");
  stop_for_a_while(listener, [&] { peer.write("two\n"); });
  EXPECT_EQ(peer.read_until("\n"), "two\n");
  EXPECT_EQ(listener.wait(), 28);
}

TEST(OwnStall, ADatagramThatCameMeanwhileIsAnswered) {
  Child listener(ieum_command({"listen", "-i", "1s", "--echo", "-v", "udp://127.0.0.1:0"}));
  listener.read_error_until("bound to ");
  std::string address = listener.read_error_until("\n");
  address.pop_back();
  Child peer(ieum_command({"connect", "udp://" + address}));
  peer.write("one\n");
  EXPECT_EQ(peer.read_until("\n"), "one\n");
  stop_for_a_while(listener, [&] { peer.write("two\n"); });
  EXPECT_EQ(peer.read_until("\n"), "two\n");
  EXPECT_EQ(listener.wait(), 28);
}

TEST(OwnStall, ADatagramThatCameMeanwhileIsNoSilence) {
  const TestSocket server;
  Child client(ieum_command({"connect", "--linger", "1s", "udp://" + server.where()}));
  client.write("question\n");
  std::uint16_t from = 0;
  EXPECT_EQ(server.receive(&from), "question\n");
  client.close_input();
  std::this_thread::sleep_for(100ms);
  stop_for_a_while(client, [&] { server.send("answer\n", from); });
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(client.read_all(), "answer\n");
}

TEST(OwnStall, InputThatCameMeanwhileIsSent) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child peer(ieum_command({"connect", "--linger", "1s", where_it_listens(listener)}));
  peer.write("one\n");
  EXPECT_EQ(listener.read_until("\n"), "one\n");
  listener.close_input();  // the peer lingers from here on
  EXPECT_EQ(peer.read_all(), "");
  stop_for_a_while(peer, [&] {
    peer.write("two\n");
    peer.close_input();
  });
  EXPECT_EQ(listener.read_all(), "two\n");
  EXPECT_EQ(peer.wait(), 0) << peer.error_output();
}

/// Takes a client in and reads nothing until `over`.
Task<> accept_and_not_read(Listener& listener, Child& child, std::string_view cause) {
  StreamSocket peer = co_await listener.accept();
  auto wait = [&] { return child.read_error_until(cause); };
  const std::string said = co_await offload(wait);
  EXPECT_TRUE(said.ends_with(cause));
  co_await sleep(2500ms);  // it is said once
  co_await peer.reset();
}

std::size_t count_of(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Stalls, APeerThatDoesNotReadIsNamedOnce) {
  auto body = []() -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const std::string to = listener.address().to_string();
    Child child(ieum_command({"connect", "-v", to}), Input::file("/dev/zero"));
    co_await accept_and_not_read(listener, child, "does not read");
    EXPECT_EQ(child.wait(), 56);
    EXPECT_EQ(count_of(child.error_output(), "does not read"), 0U) << child.error_output();
  };
  succeed(body());
}

TEST(Stalls, AreEventsOfJson) {
  auto body = []() -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const std::string to = listener.address().to_string();
    Child child(ieum_command({"connect", "--json", to}), Input::file("/dev/zero"));
    co_await accept_and_not_read(listener, child, R"("cause":"peer_does_not_read")");
    EXPECT_EQ(child.wait(), 56);
    EXPECT_EQ(count_of(child.error_output(), "\"stalled\""), 0U) << child.error_output();
  };
  succeed(body());
}

TEST(Stalls, SilenceIsNone) {
  Child listener(ieum_command({"listen", "-v", "127.0.0.1:0"}));
  std::string address = where_it_listens(listener);
  address.resize(address.find(' '));
  Child peer(ieum_command({"connect", "-v", address}));
  std::this_thread::sleep_for(2500ms);
  peer.close_input();
  listener.close_input();
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(peer.wait(), 0);
  EXPECT_EQ(count_of(peer.error_output(), "\n"), 7U) << peer.error_output();
}

}  // namespace
}  // namespace ieum::test
