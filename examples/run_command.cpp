// Serves a command: each client talks to a process of its own, as with inetd or `ncat -c`.
//
//   run_command ADDRESS COMMAND...      as: run_command 127.0.0.1:7007 bc
//   ncat 127.0.0.1 7007                 try it: type 1 + 1
//
// What the client sends is the command's input, what the command writes goes to the client. When
// one of the two has finished, the other is told. A client that vanishes takes its process with it,
// and all that the process has started.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

ieum::Task<> feed(ieum::StreamSocket& client, ieum::Process& process) {
  ieum::Result<std::uint64_t> fed = co_await ieum::attempt(ieum::copy(client, process.input()));
  if (!fed && fed.error() != std::errc::broken_pipe) co_await ieum::fail(fed.error());
  co_await process.input().shutdown_write();
}

ieum::Task<> both_ways(ieum::Group& group, ieum::StreamSocket& client, ieum::Process& process) {
  group.start(feed(client, process));
  co_await ieum::copy(process.output(), client);
  group.stop();  // the command has finished: what the client still sends is for nobody
}

ieum::Task<> talk(ieum::StreamSocket client, const std::vector<std::string>& command) {
  ieum::Process process =
      co_await ieum::Process::start(command, {.input = ieum::ProcessOptions::Standard::stream,
                                              .output = ieum::ProcessOptions::Standard::stream,
                                              .group = ieum::ProcessOptions::Group::own});
  auto body = [&](ieum::Group& group) { return both_ways(group, client, process); };
  co_await ieum::with_group(body);
  co_await client.shutdown_write();
  const ieum::ExitStatus status = co_await process.wait();
  if (!status.succeeded()) {
    std::fprintf(stderr, "%s %s\n", command[0].c_str(), status.to_string().c_str());
  }
}

ieum::Task<> program(const char* address, const std::vector<std::string>& command) {
  auto session = [&command](ieum::StreamSocket client) { return talk(std::move(client), command); };
  ieum::Listener listener = co_await ieum::Listener::bind(address);
  std::fprintf(stderr, "listening on %s\n", listener.address().to_string().c_str());
  co_await ieum::serve(std::move(listener), session);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: run_command ADDRESS COMMAND...\n");
    return 2;
  }
  const std::vector<std::string> command(argv + 2, argv + argc);
  return ieum::run_main(program(argv[1], command));
}
