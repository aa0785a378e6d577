// A client without a coroutine in sight: each operation is run to its end before the next begins.
// Sends each line of standard input to a server that answers line by line, and prints the answers.
//
//   blocking_client [ADDRESS]        by default 127.0.0.1:7007, where echo_server listens
//   ncat -lk -c cat 127.0.0.1 7007   a server to try it with, if echo_server does not run
//
// `ieum::run(op)` blocks until `op` has ended and gives a Result: a value or an Error. It is the
// same API that tasks await, deadlines included.
#include <cstdio>
#include <iostream>
#include <string>

#include <ieum/ieum.hpp>

using namespace std::chrono_literals;

constexpr std::size_t answer_bytes_max = 64 * 1024;

int complain(const ieum::Error& error) {
  std::fprintf(stderr, "%s\n", error.to_string().c_str());
  return EXIT_FAILURE;
}

int main(int argc, char** argv) {
  const char* address = argc > 1 ? argv[1] : "127.0.0.1:7007";
  ieum::Result<ieum::StreamSocket> server =
      ieum::run(ieum::StreamSocket::connect(address, {.timeout = 3s}));
  if (!server) return complain(server.error());

  std::string line;
  std::string received;
  while (std::getline(std::cin, line)) {
    line += '\n';
    ieum::Result<> sent = ieum::run(ieum::with_timeout(3s, server->write_all(line)));
    if (!sent) return complain(sent.error());

    ieum::Result<std::size_t> bytes =
        ieum::run(ieum::with_timeout(3s, server->read_until(received, "\n", answer_bytes_max)));
    if (!bytes) return complain(bytes.error());
    if (*bytes == 0) return complain({ieum::Errc::end_of_stream, "read", server->peer_address()});
    std::cout << received.substr(0, *bytes) << std::flush;
    received.erase(0, *bytes);
  }

  ieum::Result<> closed = ieum::run(server->close());
  return closed ? EXIT_SUCCESS : complain(closed.error());
}
