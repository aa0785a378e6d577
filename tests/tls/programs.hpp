// Other programs as the peers of our sessions: what the tests with them share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/child.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {

inline constexpr ProcessOptions on_pipes{.input = ProcessOptions::Standard::stream,
                                         .output = ProcessOptions::Standard::stream,
                                         .error = ProcessOptions::Standard::null};

/// About 3 MB.
inline const std::string& long_text() {
  static const std::string text = [] {
    std::string made;
    for (int i = 0; i < 200'000; ++i) made += "a line, " + std::to_string(i) + "\n";
    return made;
  }();
  return text;
}

/// Sends `text` to the program's standard input while what it says is read: gives that.
inline Task<std::string> talk(Process& program, const std::string& text) {
  std::string got;
  auto sending = [&]() -> Task<> {
    const Result<> sent = co_await attempt(program.input().write_all(text));
    static_cast<void>(sent);  // what it has not taken, the test sees
    co_await program.input().close();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    got = co_await read_to_end(program.output());
  };
  co_await with_group(body);
  co_return got;
}

/// Our server, which does `serve` with so many clients one after another, and a program as all of
/// them: what it says.
template <class Serve>
Task<std::string> client_program(const TlsServerContext& context, std::vector<std::string> command,
                                 std::string input, Serve serve, int expected_status = 0,
                                 int times = 1) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string port = std::to_string(listener.address().port());
  for (std::string& argument : command) {
    const std::size_t at = argument.find("PORT");
    if (at != std::string::npos) argument.replace(at, 4, port);
  }
  auto serving = [&]() -> Task<> {
    for (int i = 0; i < times; ++i) {
      StreamSocket socket = co_await listener.accept();
      Result<TlsStream> stream = co_await attempt(TlsStream::server(std::move(socket), context));
      if (stream) co_await serve(*stream);
    }
  };
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    Process program = co_await Process::start(command, on_pipes);
    got = co_await talk(program, input);
    const ExitStatus status = co_await program.wait();
    EXPECT_EQ(status.code, expected_status) << status.to_string();
  };
  co_await with_group(body);
  co_return got;
}

/// Connects to a program that may not listen yet.
inline Task<StreamSocket> connect_patiently(std::uint16_t port) {
  for (;;) {
    Result<StreamSocket> socket =
        co_await attempt(StreamSocket::connect(Address::ipv4_loopback(port)));
    if (socket) co_return std::move(*socket);
    co_await sleep(5ms);
  }
}

inline Task<> echo_all(TlsStream& stream) {
  while (Lease data = co_await stream.receive()) co_await stream.write_all(data);
  co_await stream.close();
}

/// Sends `text` and its end while what comes back is read: gives that.
inline Task<std::string> send_and_read(TlsStream& stream, const std::string& text) {
  std::string got;
  auto sending = [&]() -> Task<> {
    co_await stream.write_all(text);
    co_await stream.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    got = co_await read_to_end(stream);
  };
  co_await with_group(body);
  co_return got;
}

/// As openssl's programs take them.
inline std::vector<std::string> versions() { return {"-tls1_2", "-tls1_3"}; }
inline std::string version_name(const std::string& version) {
  return version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3";
}

}  // namespace ieum::test
