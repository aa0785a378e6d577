// An echo server in ten lines: any number of clients at a time, each gets back what it sends.
//
//   echo_server [ADDRESS]      by default 127.0.0.1:7007; it runs until Ctrl-C
//   ncat 127.0.0.1 7007        try it: type a line
//
// It reads as if nothing could fail. Where something does, the task ends at that `co_await`: a
// client that vanishes ends its own session only; a port that is taken ends the program, with one
// sentence.
#include <ieum/ieum.hpp>

ieum::Task<> echo(ieum::StreamSocket client) {
  while (ieum::Lease data = co_await client.receive())  // empty: the client finished sending
    co_await client.write_all(data);
}

ieum::Task<> program(const char* address) {
  co_await ieum::serve(co_await ieum::Listener::bind(address), echo);
}

int main(int argc, char** argv) {
  return ieum::run_main(program(argc > 1 ? argv[1] : "127.0.0.1:7007"));
}
