// Talking to ncat and socat, in both roles.
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

constexpr ProcessOptions on_pipes{.input = ProcessOptions::Standard::stream,
                                  .output = ProcessOptions::Standard::stream};

/// A text that does not fit into any one buffer.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

/// Connects to a program that may not listen yet.
Task<StreamSocket> connect_patiently(Address to) {
  for (;;) {
    Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to));
    if (socket) co_return std::move(*socket);
    co_await sleep(5ms);
  }
}

/// Sends `text` to the program's standard input while what it says is read: gives that.
Task<std::string> talk(Process& program, std::string text) {
  std::string got;
  auto sending = [&]() -> Task<> {
    co_await program.input().write_all(text);
    co_await program.input().close();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    got = co_await read_to_end(program.output());
  };
  co_await with_group(body);
  co_return got;
}

/// A free port of the loopback address, a moment ago.
Task<Address> free_address() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  co_await listener.close();
  co_return address;
}

/// Our echo server and a program as its client.
Task<> expect_client(std::string listen_at, std::vector<std::string> command) {
  Listener listener = co_await Listener::bind(listen_at);
  const Address address = listener.address();
  for (std::string& argument : command) {
    if (argument == "PORT") argument = std::to_string(address.port());
    if (argument.ends_with(":PORT")) {
      argument.replace(argument.size() - 4, 4, std::to_string(address.port()));
    }
  }
  Server server(std::move(listener), echo);
  const std::string text = long_text();
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    Process program = co_await Process::start(command, on_pipes);
    got = co_await talk(program, text);
    const ExitStatus status = co_await program.wait();
    EXPECT_TRUE(status.succeeded()) << status.to_string();
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(got.size(), text.size());
  EXPECT_TRUE(got == text);
  EXPECT_EQ(server.counters().failed, 0U);
}

/// A program as an echo server and our client.
Task<> expect_server(Address address, std::vector<std::string> command) {
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await connect_patiently(address);
  const std::string text = long_text();
  std::string got;
  auto sending = [&]() -> Task<> {
    co_await socket.write_all(text);
    co_await socket.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    got = co_await read_to_end(socket);
  };
  co_await with_group(body);
  EXPECT_EQ(got.size(), text.size());
  EXPECT_TRUE(got == text);
}

TEST(OtherPrograms, ncat_as_a_client) {
  NEEDS("ncat", "ncat");
  expect_success_in_time(expect_client("127.0.0.1:0", {"ncat", "127.0.0.1", "PORT"}));
}

TEST(OtherPrograms, ncat_as_a_client_over_a_unix_socket) {
  NEEDS("ncat", "ncat");
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  expect_success_in_time(expect_client("unix:" + path, {"ncat", "-U", path}));
}

/// Its input is what we get, and what we send is its output; it ends at our half-close.
Task<> expect_ncat_server() {
  const Address address = co_await free_address();
  const std::string port = std::to_string(address.port());
  const std::vector<std::string> command{"ncat", "-l", "127.0.0.1", port};
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await connect_patiently(address);
  const std::string text = long_text();
  const std::string from_program = "from ncat\n" + text;
  std::string at_program;
  auto talking = [&]() -> Task<> { at_program = co_await talk(program, from_program); };
  auto body = [&](Group& group) -> Task<> {
    group.start(talking());
    const std::string at_socket = co_await read_text(socket, from_program.size());
    EXPECT_TRUE(at_socket == from_program);
    co_await socket.write_all(text);
    co_await socket.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_TRUE(at_program == text);
  const ExitStatus status = co_await program.wait();
  EXPECT_TRUE(status.succeeded()) << status.to_string();
}

TEST(OtherPrograms, ncat_as_a_server) {
  NEEDS("ncat", "ncat");
  expect_success_in_time(expect_ncat_server());
}

TEST(OtherPrograms, socat_as_a_client) {
  NEEDS("socat", "socat");
  expect_success_in_time(
      expect_client("127.0.0.1:0", {"socat", "-t30", "-", "TCP:127.0.0.1:PORT"}));
}

TEST(OtherPrograms, socat_as_a_client_over_an_abstract_unix_socket) {
  NEEDS("socat", "socat");
  const std::string name = "ieum-test-socat-" + std::to_string(::getpid());
  expect_success_in_time(
      expect_client("unix:@" + name, {"socat", "-t30", "-", "ABSTRACT-CONNECT:" + name}));
}

Task<> expect_socat_server() {
  const Address address = co_await free_address();
  const std::string port = std::to_string(address.port());
  const std::vector<std::string> command{"socat", "-t30", "TCP-LISTEN:" + port + ",bind=127.0.0.1",
                                         "EXEC:cat"};
  co_await expect_server(address, command);
}

TEST(OtherPrograms, socat_as_a_server) {
  NEEDS("socat", "socat");
  expect_success_in_time(expect_socat_server());
}

CO_TEST(OtherPrograms, cat_between_two_pipes) {
  const std::vector<std::string> command{"cat"};
  Process program = co_await Process::start(command, on_pipes);
  const std::string text = long_text();
  const std::string got = co_await talk(program, text);
  EXPECT_TRUE(got == text);
  const ExitStatus status = co_await program.wait();
  EXPECT_TRUE(status.succeeded()) << status.to_string();
}

}  // namespace
}  // namespace ieum::test
