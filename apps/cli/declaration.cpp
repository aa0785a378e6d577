#include "declaration.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "endpoint.hpp"

namespace ieum::cli {

namespace {

constexpr const char* life_group = "Connecting and ending";
constexpr const char* payload_group = "Output";
constexpr const char* telling_group = "Diagnostics";

const std::vector<std::string> on_eof_choices{"half-close", "close", "keep"};

void declare_common(CLI::App& app, GivenCommon& given, const char* wait, const char* group) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("ADDRESS", given.address);
  app.add_flag("-4", given.ipv4, "Only IPv4.")->disable_flag_override()->group(group);
  app.add_flag("-6", given.ipv6, "Only IPv6.")->disable_flag_override()->group(group);
  app.add_option("-w,--wait", given.wait, wait)->type_name("TIME")->group(group);
  app.add_option("-i,--idle", given.idle,
                 "End when nothing has come or gone for so long, with status 28.")
      ->type_name("TIME")
      ->group(group);
  app.add_option("--on-eof", given.on_eof,
                 "What the end of our input means. half-close (default): the peer is told, and we "
                 "receive until it has finished too. close: end as soon as all has arrived. keep: "
                 "the peer is not told, and we go on receiving.")
      ->type_name("half-close|close|keep")
      ->group(group);
  app.add_option("--linger", given.linger,
                 "When the peer has finished before our input: how long that may be silent before "
                 "we end, default 1s. What it gives without such a pause is still sent. A terminal "
                 "is not waited for.")
      ->type_name("TIME")
      ->group(group);
  app.add_option("-o,--output", given.output,
                 "Write what is received to FILE instead of standard output.")
      ->type_name("FILE")
      ->group(payload_group);
  app.add_flag("--hex", given.hex,
               "Show what is received (<) and what is sent (>) as a hexadecimal dump.")
      ->disable_flag_override()
      ->group(payload_group);
  app.add_flag("--timestamps", given.timestamps,
               "Put the time before each line, in UTC, with microseconds.")
      ->disable_flag_override()
      ->group(payload_group);
  app.add_flag("-v,--verbose", given.verbosity,
               "Tell each step of the socket's life on standard error. Twice (-vv): also each "
               "transfer, and the system call behind each step.")
      ->disable_flag_override()
      ->group(telling_group);
  app.add_flag("--json", given.json,
               "Tell the steps, and errors, as one JSON object a line on standard error; the "
               "members are described in docs/events.md.")
      ->disable_flag_override()
      ->group(telling_group);
  app.add_flag("-h,--help")
      ->disable_flag_override()
      ->description("This page.")
      ->group(telling_group);
}

/// "-w, --wait TIME"
std::string term_of(const CLI::Option& option) {
  std::string term;
  for (const std::string& name : option.get_snames()) term += (term.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) term += (term.empty() ? "--" : ", --") + name;
  if (option.get_items_expected_max() > 0) term += " " + option.get_type_name();
  return term;
}

/// A section for each group of options, in the order of declaration.
std::vector<ManualSection> option_sections(const CLI::App& app) {
  std::vector<ManualSection> sections;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    if (sections.empty() || sections.back().title != option->get_group()) {
      sections.push_back({.title = option->get_group()});
    }
    sections.back().entries.push_back({term_of(*option), option->get_description()});
  }
  return sections;
}

CommandSummary summary_of(const CLI::App& app) {
  CommandSummary summary{.name = app.get_name(), .purpose = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    CommandSummary::Option one{.description = option->get_description()};
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    if (option->get_items_expected_max() > 0) one.value = option->get_type_name();
    if (one.names.front() == "--on-eof") one.choices = on_eof_choices;
    summary.options.push_back(std::move(one));
  }
  return summary;
}

CommandSummary summary_of(const WordDeclaration& declaration) {
  CommandSummary summary = summary_of(declaration.app);
  summary.arguments = declaration.allowed;
  return summary;
}

// ---- The prose ----------------------------------------------------------------------------------

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
  std::string tcp;
  for (const KeyInfo& key : keys()) {
    if (!listens && !key.connects) continue;
    section.entries.push_back(
        {fmt::format("?{}={}", key.name, key.value),
         fmt::format("{}{}", key.scheme == Scheme::tcp ? "" : "unix: only. ", key.meaning)});
  }
  section.paragraphs = {
      "Options of the socket itself follow its address as ?key=value, several with & between "
      "them: " +
      std::string(listens ? "'tcp://*:7000?rcvbuf=1M&keepalive=60'."
                          : "'tcp://example.com:80?ttl=5&nodelay=0'.")};
  return section;
}

ManualSection exit_statuses(Role role) {
  ManualSection section{.title = "Exit status"};
  section.entries = {
      {"0", "All went well: both sides have finished."},
      {"1",
       "Something of this machine failed: standard input or output, a full disk, a lack of "
       "descriptors, a port that is taken, a command."},
      {"2", "The command line is wrong."},
      {"6", "The name was not found."},
      {"7", "No connection: refused, or no way to the host."},
      {"28", "Timed out: -w, -i, or the system's own limit."},
      {"56", "The connection broke while talking."},
      {"130, 143", "Interrupted by Ctrl-C (SIGINT), or by SIGTERM."},
  };
  if (role == Role::listen)
    std::erase_if(section.entries, [](const auto& entry) { return entry.term == "7"; });
  section.paragraphs = {"Each failure is one sentence on standard error."};
  return section;
}

ManualSection how_it_ends() {
  return {
      .title = "How it ends",
      .paragraphs = {
          "Each side may finish sending before the other. At the end of our input (Ctrl-D on a "
          "terminal) the connection is half-closed: the peer reads our end, and what it still "
          "has to say is received, without a limit of time (-i sets one). When the peer has "
          "finished, so have we: what our input gives without a pause is still sent, so that a "
          "file goes through to its end; an open terminal or a silent pipe does not keep us.",
          "Ctrl-C stops sending, half-closes, receives for at most a second more, and says what "
          "went each way. A second Ctrl-C ends at once."}};
}

ManualSection see_also(std::string others) {
  return {.title = "See also", .paragraphs = {std::move(others)}};
}

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
           {"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ieum connect example.com:80",
            "A request, and the whole answer."},
           {"ieum connect server:9000 < file", "Send a file; the other side: ieum listen."},
           {"ieum connect -z -w 2 host:22 && echo open", "Is a port open? Nothing is sent."},
           {"for port in $(seq 20 25); do ieum connect -z -v host:$port; done",
            "The same for several."},
           {"ieum connect -v unix:/run/app.sock", "A Unix socket, with each step told."},
           {"ieum connect --hex host:7", "See every byte, both ways."},
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
           {"ieum listen -v unix:/tmp/app.sock", "A Unix socket, with each step told."},
           {"mkfifo back; ieum listen :8080 < back | ieum connect host:80 > back",
            "Pass a client on to another server."}}});
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
  manual.sections.push_back(see_also("ieum-connect(1), ieum-listen(1)"));
  return manual;
}

Manual word_manual(const WordDeclaration& declaration, std::string_view argument,
                   std::vector<std::string> paragraphs) {
  Manual manual{.name = "ieum " + declaration.app.get_name(),
                .purpose = declaration.app.get_description(),
                .synopsis = fmt::format("ieum {} {}", declaration.app.get_name(), argument)};
  manual.sections.push_back({.title = "Description", .paragraphs = std::move(paragraphs)});
  return manual;
}

}  // namespace

// ---- The declarations
// -----------------------------------------------------------------------------

ConnectDeclaration::ConnectDeclaration() : app("connect to an address and talk", "connect") {
  declare_common(app, given,
                 "How long connecting may take, looking up the name included. Default: as long as "
                 "the system tries, about two minutes.",
                 life_group);
  app.add_option("-s,--source", source,
                 "Connect from this address of ours, and port: 192.0.2.1, 192.0.2.1:5000, "
                 "[2001:db8::1]:5000.")
      ->type_name("ADDRESS")
      ->group(life_group);
  app.add_flag("-z,--probe", probe, "Connect and close at once: see whether somebody listens.")
      ->disable_flag_override()
      ->group(life_group);
}

ListenDeclaration::ListenDeclaration()
    : app("wait for a client and talk, or serve many", "listen") {
  constexpr const char* service_group = "Serving";
  app.add_flag("-k,--keep", keep, "Go on listening: many clients, at once.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_flag("--echo", echo, "Send back what comes.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_flag("--discard", discard, "Take what comes, and say nothing.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_option(
         "-e,--exec", exec,
         "Run COMMAND with /bin/sh for each client: what the client sends is its input, its "
         "output goes to the client.")
      ->type_name("COMMAND")
      ->group(service_group);
  app.add_option("-m,--max-clients", clients_max,
                 "With -k: so many at a time, default 10000; others wait.")
      ->type_name("N")
      ->group(service_group);
  app.add_option("-b,--backlog", backlog,
                 "How many clients the system keeps waiting until we take them, default 4096 "
                 "(listen(2)).")
      ->type_name("N")
      ->group(service_group);
  declare_common(app, given, "Without -k: how long to wait for a client. Default: for ever.",
                 life_group);
}

WordDeclaration::WordDeclaration(std::string_view name, std::string_view purpose,
                                 std::vector<std::string> words)
    : app(std::string(purpose), std::string(name)), allowed(std::move(words)) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("WORD", word);
  app.add_flag("-h,--help")
      ->disable_flag_override()
      ->description("This page.")
      ->group(telling_group);
}

WordDeclaration declare_help() {
  return {"help", "explain a command", {"connect", "listen", "completion", "manual", "help"}};
}
WordDeclaration declare_completion() {
  return {"completion", "print a completion script for a shell",
          std::vector<std::string>(std::begin(shells), std::end(shells))};
}
WordDeclaration declare_manual() {
  return {"manual", "print a man page, for man -l -", {"connect", "listen"}};
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CommandSummary::Option& option : summary_of(app).options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::vector<CommandSummary> summaries() {
  return {summary_of(ConnectDeclaration().app), summary_of(ListenDeclaration().app),
          summary_of(declare_help()), summary_of(declare_completion()),
          summary_of(declare_manual())};
}

Manual manual_of(std::string_view name) {
  if (name == "connect") return connect_manual();
  if (name == "listen") return listen_manual();
  if (name == "help") {
    return word_manual(declare_help(), "[COMMAND]", {"Explains a command, or lists them all."});
  }
  if (name == "completion") {
    return word_manual(
        declare_completion(), "bash|zsh|fish",
        {"Prints a script that completes commands and options. For bash: source <(ieum "
         "completion bash). For zsh: source <(ieum completion zsh). For fish: ieum "
         "completion fish | source. An installation puts them where the shells look."});
  }
  if (name == "manual") {
    return word_manual(declare_manual(), "[connect|listen]",
                       {"Prints the man page of a command, or of ieum itself, as man(7) source. To "
                        "read it: ieum manual connect | man -l -"});
  }
  return main_manual();
}

}  // namespace ieum::cli
