// An echo client with a timeout: sends a text, and prints what comes back.
//
//   echo_client [ADDRESS [TEXT]]     by default 127.0.0.1:7007; TEXT should be short
//   ncat -lk -c cat 127.0.0.1 7007   a server to try it with, if echo_server does not run
//   ncat -lk 127.0.0.1 7007          one that never answers: after 3 seconds it is a time-out
//
// One deadline covers all that happens within it: connecting, sending, and waiting for the answer.
#include <cstdio>
#include <string>
#include <string_view>

#include <ieum/ieum.hpp>

using namespace std::chrono_literals;

ieum::Task<std::string> echo(std::string_view address, std::string_view text) {
  ieum::StreamSocket server = co_await ieum::StreamSocket::connect(address);
  co_await server.write_all(text);
  std::string answer(text.size(), '\0');
  co_await server.read_exact(std::as_writable_bytes(std::span(answer)));
  co_return answer;
}

ieum::Task<> program(std::string_view address, std::string_view text) {
  const std::string answer = co_await ieum::with_timeout(3s, echo(address, text));
  std::printf("%s\n", answer.c_str());
}

int main(int argc, char** argv) {
  const char* address = argc > 1 ? argv[1] : "127.0.0.1:7007";
  const char* text = argc > 2 ? argv[2] : "Hello, are you there?";
  return ieum::run_main(program(address, text));
}
