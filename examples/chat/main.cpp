// A line chat over TCP: many clients on one port, each told apart by a socket of its own; names,
// rooms and private messages.
//
//   chat [ADDRESS]         by default 127.0.0.1:7000; `*:7000` is open to the network
//   ncat 127.0.0.1 7000    joins it; so does `talk 127.0.0.1:7000`
//
// It shows how a server tells many clients one thing without waiting for the slowest of them
// (outbox.hpp), owns its sessions (`ieum::Server`), and ends well: at Ctrl-C or SIGTERM everyone is
// told, what waits for them still goes out, and after five seconds the rest is cut off. Nobody is
// who he says he is, and nothing is secret: there are no passwords here, and no TLS.
//
// Read in this order: main.cpp, hub, member, outbox; commands and text are without sockets.
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <ieum/ieum.hpp>

#include "hub.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::string_view usage =
    "usage: chat [ADDRESS]\n"
    "\n"
    "A line chat over TCP, by default on 127.0.0.1:7000. `*:7000` is open to the network.\n"
    "Join it with a client such as ncat; type /help there. Ctrl-C or SIGTERM ends it.\n";

constexpr ieum::Duration drain_max = 5s;
constexpr std::size_t refusals_max = 16;  // clients that are just being told that the chat is full

void say_where(const ieum::Address& address) {
  ieum::Address to = address;
  if (address.is_wildcard()) to = ieum::Address::ipv4_loopback(address.port());
  std::string host = to.to_string();
  host.resize(host.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  std::printf("The chat listens on %s. Join it with: ncat %s %u\n", address.to_string().c_str(),
              host.c_str(), unsigned{address.port()});
  std::fflush(stdout);
}

const char* plural(std::size_t count) { return count == 1 ? "" : "s"; }

ieum::Task<> end_on_signal(ieum::Signals& signals, chat::Hub& hub, ieum::Server& server,
                           ieum::Group& group) {
  group.start(server.run());
  co_await signals.next();
  hub.shut_down("The server is going down. (If your client stays, press Enter.)");
  const ieum::DrainReport report = co_await server.drain(drain_max);
  std::fprintf(stderr, "The chat has ended: %zu session%s finished, %zu cut off.\n",
               report.finished, plural(report.finished), report.cut);
}

ieum::Task<> program(ieum::Address address) {
  ieum::Signals signals = co_await ieum::Signals::create(SIGINT, SIGTERM);
  ieum::Listener listener = co_await ieum::Listener::bind(address);
  say_where(listener.address());

  chat::Hub hub;
  ieum::Server server(std::move(listener),
                      [&hub](ieum::StreamSocket socket) { return hub.session(std::move(socket)); },
                      {.sessions_max = chat::Hub::members_max + refusals_max});
  auto body = [&](ieum::Group& group) { return end_on_signal(signals, hub, server, group); };
  co_await ieum::with_group(body);
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "chat: %s\n", why.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view argument = argc > 1 ? argv[1] : "127.0.0.1:7000";
  if (argument == "--help" || argument == "-h") {
    std::fputs(usage.data(), stdout);
    return 0;
  }
  if (argument.starts_with('-')) {
    return refuse("unknown option '" + std::string(argument) +
                  "'; chat --help shows how to start it");
  }
  if (argc > 2) return refuse("one address is enough; chat --help shows how to start it");
  const ieum::Result<ieum::Address> address = ieum::Address::parse(argument);
  if (!address) return refuse(address.error().to_string());
  if (!address->is_ip()) return refuse("it speaks TCP: give an address such as 127.0.0.1:7000");
  return ieum::run_main(program(*address));
}
