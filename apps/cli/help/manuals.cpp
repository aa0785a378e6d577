// What the manuals of `ieum connect` and `ieum listen`, and of `ieum` itself, say besides the
// options.
#include <utility>

#include <fmt/format.h>

#include "options/declaration_parts.hpp"

namespace ieum::cli {

namespace {

ManualSection addresses(Role role) {
  ManualSection section{.title = "Addresses"};
  const bool listens = role == Role::listen;
  section.entries = {
      {"HOST:PORT, tcp://HOST:PORT",
       listens ? "TCP. HOST is an address of this machine, a name, or * for all addresses, which "
                 ":PORT means as well; IPv6 within brackets, as [::1]:80. Port 0: the system "
                 "chooses one, and it is told."
               : "TCP. HOST is a name or an address, IPv6 within brackets, as [::1]:80; :PORT is "
                 "this machine. All addresses of a name are tried, each beside the one before it "
                 "after 250 ms, and the first connection wins (RFC 8305)."},
      {"unix:/PATH, unix:@NAME",
       "A Unix stream socket: a file, or a name in Linux's abstract namespace. A space, % and ? "
       "are "
       "written as %20, %25 and %3F."},
      {"-", listens ? "Standard input and output are the client, as under inetd."
                    : "Standard input and output are the peer: what comes in goes out, through "
                      "--hex, --timestamps and -o."},
      {"fd:N", listens ? "The listening socket that we were started with as descriptor N: with "
                         "systemd's socket activation, fd:3."
                       : "The connected socket that we were started with as descriptor N."},
  };
  section.entries.push_back(
      {"udp://HOST:PORT, unix-dgram:/PATH",
       listens ? "Datagrams, over UDP or a Unix socket: who sends first is the peer from then on, "
                 "others are ignored; with -k everybody is heard, and our input is not read. "
                 "--echo and --discard serve; --exec is for connections."
               : "Datagrams, over UDP or a Unix socket: there is no connection, and they may be "
                 "lost. Of a name's addresses the first is taken."});
  add_keys(section, role);
  section.paragraphs = {
      "Options of the socket itself follow its address as ?key=value, several with & between "
      "them: " +
      std::string(listens ? "'tcp://*:7000?rcvbuf=1M&keepalive=60'."
                          : "'tcp://example.com:80?ttl=5&nodelay=0'.")};
  return section;
}

}  // namespace

void add_keys(ManualSection& section, Role role) {
  for (const KeyInfo& key : keys()) {
    if ((key.roles & bit(role)) == 0) continue;
    section.entries.push_back({fmt::format("?{}={}", key.name, key.value),
                               fmt::format("{}: {}", scheme_names(key.schemes), key.meaning)});
  }
}

ManualSection exit_statuses(Role role) {
  ManualSection section{.title = "Exit status"};
  section.entries = {
      {"0", "All went well: both sides have finished."},
      {"1",
       "Something of this machine failed: standard input or output, a full disk, a lack of "
       "descriptors, a port that is taken, a command. Or the peer finished before our input, which "
       "had given something and was then silent (--linger)."},
      {"2", "The command line is wrong."},
      {"6", "The name was not found."},
      {"7", "No connection, or nobody receives datagrams: refused, or no way to the host."},
      {"28", "Timed out: -w, -i, or the system's own limit."},
      {"56", "The connection broke while talking."},
      {"130, 143", "Interrupted by Ctrl-C (SIGINT), or by SIGTERM."},
  };
  if (role == Role::listen)
    std::erase_if(section.entries, [](const auto& entry) { return entry.term == "7"; });
  section.paragraphs = {"Each failure is one sentence on standard error."};
  return section;
}

namespace {

ManualSection how_it_ends() {
  return {
      .title = "How it ends",
      .paragraphs = {
          "Each side may finish sending before the other. At the end of our input (Ctrl-D on a "
          "terminal) the connection is half-closed: the peer reads our end, and what it still "
          "has to say is received, without a limit of time (-i sets one). When the peer has "
          "finished, a pipe that is our output streams, and so do we: what our input gives without "
          "a "
          "pause is still sent, so that a "
          "file goes through to its end; an open terminal or a silent pipe does not keep us.",
          "Ctrl-C stops sending, half-closes, receives for at most a second more, and says what "
          "went each way. A second Ctrl-C ends at once.",
          "Datagrams: nobody tells us that the peer has finished. After the end of our input what "
          "still comes is received until nothing has come for --linger."}};
}

ManualSection see_also(std::string others) {
  return {.title = "See also", .paragraphs = {std::move(others)}};
}

}  // namespace

Manual connect_manual() {
  const ConnectDeclaration declaration;
  Manual manual{.name = "ieum connect",
                .purpose = declaration.app.get_description(),
                .synopsis = "ieum connect [OPTION...] ADDRESS"};
  manual.sections.push_back(
      {.title = "Description",
       .paragraphs = {"Connects to ADDRESS, sends standard input there and writes what comes to "
                      "standard output, both at the same time. Nothing but what is received is "
                      "written to standard output."}});
  for (ManualSection& section : option_sections(declaration.app)) {
    manual.sections.push_back(std::move(section));
  }
  manual.sections.push_back(addresses(Role::connect));
  manual.sections.push_back(how_it_ends());
  manual.sections.push_back(exit_statuses(Role::connect));
  manual.sections.push_back(
      {.title = "Examples",
       .entries = {
           {"ieum connect localhost:7000", "Talk with whatever listens there."},
           {"ieum connect --on-eof=keep hub:7000 < /dev/null > log", "Listen only."},
           {"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ieum connect example.com:80",
            "A request, and the whole answer."},
           {"ieum connect server:9000 < file", "Send a file; the other side: ieum listen."},
           {"ieum connect -z -w 2 host:22 && echo open", "Is a port open? Nothing is sent."},
           {"for port in $(seq 20 25); do ieum connect -z -v host:$port; done",
            "The same for several."},
           {"ieum connect -v unix:/run/app.sock", "A Unix socket, with each step told."},
           {"ieum connect --hex host:7", "See every byte, both ways."},
           {"ieum connect udp://192.0.2.7:7000", "Each line is a datagram."},
           {"ieum connect -s 192.0.2.1:5000 host:80", "From a source address and port."}}});
  manual.sections.push_back(see_also("ieum(1), ieum-listen(1), tcp(7), unix(7)"));
  return manual;
}

Manual listen_manual() {
  const ListenDeclaration declaration;
  Manual manual{.name = "ieum listen",
                .purpose = declaration.app.get_description(),
                .synopsis = "ieum listen [OPTION...] ADDRESS"};
  manual.sections.push_back(
      {.title = "Description",
       .paragraphs = {
           "Listens on ADDRESS, takes one client and stops listening; then what the client sends "
           "goes to standard output, and standard input to the client. With --echo, --discard or "
           "--exec it is served otherwise.",
           "With -k it goes on listening, and takes many clients at once. What they send goes to "
           "standard output as it comes; standard input goes to all who are connected at the time, "
           "and is read only while somebody is. A client that falls behind the others by 4 MiB is "
           "cut off: they never wait for it."}});
  for (ManualSection& section : option_sections(declaration.app)) {
    manual.sections.push_back(std::move(section));
  }
  manual.sections.push_back(addresses(Role::listen));
  manual.sections.push_back(how_it_ends());
  manual.sections.push_back(exit_statuses(Role::listen));
  manual.sections.push_back(
      {.title = "Environment",
       .entries = {{"IEUM_PEER_ADDRESS, IEUM_LOCAL_ADDRESS",
                    "Of a command of --exec: the two ends of its client's connection."}}});
  manual.sections.push_back(
      {.title = "Examples",
       .entries = {
           {"ieum listen :7000", "Talk with the first who connects, on any address of ours."},
           {"ieum listen :9000 > file", "Receive a file; the other side: ieum connect."},
           {"tar c folder | ieum listen :9000", "Send a folder to who connects."},
           {"ieum listen -k --echo localhost:7", "An echo server."},
           {"ieum listen -k --discard :9", "A server that takes all and says nothing."},
           {"ieum listen -k --exec 'date; uptime' localhost:13", "A command for each client."},
           {"ieum listen -k :7000", "Hear many clients, and speak to all of them."},
           {"ieum listen -k --echo udp://:7", "An echo server for datagrams."},
           {"ieum listen -v unix:/tmp/app.sock", "A Unix socket, with each step told."},
           {"ieum listen -k --exec 'ieum connect host:80' :8080",
            "Pass each client on to another server."}}});
  manual.sections.push_back(see_also("ieum(1), ieum-connect(1), tcp(7), unix(7)"));
  return manual;
}

Manual main_manual() {
  Manual manual{.name = "ieum",
                .purpose = "talk over sockets",
                .synopsis = "ieum COMMAND [OPTION...] [ARGUMENT]"};
  ManualSection commands{.title = "Commands"};
  for (const CommandSummary& command : summaries()) {
    commands.entries.push_back({command.name, command.purpose});
  }
  manual.sections.push_back(std::move(commands));
  manual.sections.push_back(
      {.title = "Examples",
       .entries = {{"ieum listen :7000", "Wait for a client; then what is typed goes to it."},
                   {"ieum connect localhost:7000", "Be that client, in another terminal."},
                   {"ieum connect --help", "All about a command."}}});
  manual.sections.push_back(
      {.title = "Environment",
       .entries = {{"IEUM_DRIVER",
                    "io_uring or epoll: how the system is asked. Default: the best "
                    "that works."},
                   {"NO_COLOR", "Set: no colours. Nor are there any with TERM=dumb."}}});
  manual.sections.push_back(see_also("ieum-connect(1), ieum-listen(1), ieum-cast(1)"));
  return manual;
}

}  // namespace ieum::cli
