#include "command_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "connect/connect.hpp"
#include "help/subcommand_manual.hpp"
#include "listen/listen.hpp"
#include "options/parse_options.hpp"
#include "subcommands.hpp"
#include "support/support.hpp"

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

/// What `parse` makes of the words behind the name of a subcommand.
template <class Command>
Command parsed(Parsed<Command> (*parse)(const GivenOptions&, const Environment&),
               const Words& words) {
  const Subcommand* subcommand = find_subcommand(words.front());
  if (subcommand == nullptr) {
    ADD_FAILURE() << "no such command";
    return {};
  }
  EXPECT_TRUE(parse_command_line(words, {}));
  const auto rest = std::span(words).subspan(1);
  const auto command = parse(parse_options(options_of(*subcommand), rest), {});
  if (!command) {
    ADD_FAILURE() << command.error();
    return {};
  }
  return *command;
}

std::string printed(const Words& words) {
  const auto action = parse_command_line(words, {});
  const PrintText* text = action ? std::get_if<PrintText>(&*action) : nullptr;
  if (text == nullptr) ADD_FAILURE() << "it prints nothing";
  return text == nullptr ? std::string{} : text->text;
}

std::string refused(const Words& words) {
  const auto action = parse_command_line(words, {});
  if (action) ADD_FAILURE() << "it was taken";
  return action ? std::string{} : action.error();
}

TEST(CommandLine, of_connect) {
  const auto command =
      parsed(parse_connect, {"connect", "-w", "2", "--idle=1.5", "-s", "127.0.0.1:5000", "-vv",
                             "--json", "--hex", "--timestamps", "-o", "file", "--on-eof", "keep",
                             "--linger", "200ms", "127.0.0.1:80"});
  EXPECT_EQ(command.common.endpoint.target, "127.0.0.1:80");
  EXPECT_EQ(command.common.wait, 2s);
  EXPECT_EQ(command.common.session.idle, 1500ms);
  EXPECT_EQ(command.common.session.linger, 200ms);
  EXPECT_EQ(command.common.session.on_eof, OnEof::keep);
  EXPECT_EQ(command.common.family, Family::ipv4) << "the source's";
  EXPECT_EQ(command.common.output_path, "file");
  EXPECT_EQ(command.common.log.verbosity, 2);
  EXPECT_TRUE(command.common.log.json);
  EXPECT_TRUE(command.common.rendering.hex);
  EXPECT_TRUE(command.common.rendering.timestamps);
  EXPECT_EQ(command.source->to_string(), "127.0.0.1:5000");
  EXPECT_FALSE(command.probe);
}

TEST(CommandLine, of_connect_has_defaults) {
  const auto command = parsed(parse_connect, {"connect", "localhost:80"});
  EXPECT_EQ(command.common.wait, 0s);
  EXPECT_EQ(command.common.session.idle, 0s);
  EXPECT_EQ(command.common.session.on_eof, OnEof::automatic);
  EXPECT_EQ(command.common.family, Family::none);
  EXPECT_EQ(command.common.output_path, "");
  EXPECT_EQ(command.common.log.verbosity, 0);
}

TEST(CommandLine, of_listen) {
  const auto command = parsed(parse_listen, {"listen", "-k", "--exec", "date; uptime", "-m", "5",
                                             "--backlog", "7", "-6", "*:0"});
  EXPECT_TRUE(command.keep);
  EXPECT_EQ(command.service, ListenCommand::Service::exec);
  EXPECT_EQ(command.command, "date; uptime");
  EXPECT_EQ(command.clients_max, 5U);
  EXPECT_EQ(command.backlog, 7);
  EXPECT_EQ(command.common.family, Family::ipv6);
  EXPECT_EQ(parsed(parse_listen, {"listen", ":1", "--echo"}).service, ListenCommand::Service::echo);
  EXPECT_EQ(parsed(parse_listen, {"listen", "-"}).common.endpoint.scheme, Scheme::standard);
}

TEST(CommandLine, prints) {
  EXPECT_EQ(printed({"--version"}), "ieum 0.1.0\n");
  const std::string help = printed({"--help"});
  for (const Subcommand* subcommand : subcommands()) {
    const std::string name(subcommand->name);
    EXPECT_NE(help.find(name), std::string::npos) << name;
    const std::string own = printed({"help", name});
    EXPECT_EQ(own, printed({name, "--help"}));
    for (const OptionSpec& option : options_of(*subcommand)) {
      EXPECT_FALSE(option.help.empty()) << option.names;
      for (const std::string_view one : split_names(option.names)) {
        EXPECT_NE(own.find(one), std::string::npos) << name << one;
      }
    }
  }
}

TEST(CommandLine, help_stays_within_its_columns) {
  for (const int columns : {40, 72, 100}) {
    std::vector<Manual> manuals{main_manual()};
    for (const Subcommand* one : subcommands()) manuals.push_back(manual_of(*one));
    for (const Manual& manual : manuals) {
      const std::string text = to_text(manual, {.columns = columns});
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("    ") && line.find("  ieum ") == std::string::npos &&
            line.find(' ', 8) != std::string::npos && line.starts_with("        ")) {
          EXPECT_LE(line.size(), static_cast<std::size_t>(columns) + 4) << line;
        }
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
      }
    }
  }
}

TEST(CommandLine, says_what_is_wrong) {
  EXPECT_EQ(refused({}),
            "a command is missing: 'ieum connect' or 'ieum listen'; see 'ieum --help'");
  EXPECT_EQ(refused({"conect", "x:1"}), "unknown command 'conect'; did you mean 'connect'?");
  EXPECT_EQ(refused({"x:1"}), "'x:1' is not a command; did you mean 'ieum connect x:1'?");
  EXPECT_EQ(refused({"-l", "80"}), "unknown option '-l'; to listen, write 'ieum listen :80'");
  EXPECT_EQ(refused({"-l", "-k", "-u", "-p", "80"}),
            "unknown option '-l'; to listen, write 'ieum listen -k udp://:80'");
  EXPECT_EQ(refused({"-l", "unix"}), "unknown option '-l'; to listen, write 'ieum listen ADDRESS'");
  EXPECT_EQ(refused({"connect"}),
            "connect: an address is missing, as in 'ieum connect localhost:7000'");
  EXPECT_EQ(refused({"connect", "h", "80"}), "connect: unexpected argument '80'; write h:80");
  EXPECT_EQ(refused({"connect", "::1", "80"}), "connect: unexpected argument '80'; write [::1]:80");
  EXPECT_EQ(refused({"connect", "h", "http"}), "connect: unexpected argument 'http'; write h:http");
  EXPECT_EQ(refused({"h", "80"}), "unknown command 'h'; did you mean 'ieum connect h:80'?");
  EXPECT_EQ(refused({"host", "80"}),
            "unknown command 'host'; did you mean 'ieum connect host:80'?");
  EXPECT_EQ(refused({"-l", "-p", "80"}), "unknown option '-l'; to listen, write 'ieum listen :80'");
  EXPECT_EQ(refused({"-lvp", "80"}), "unknown option '-lvp'; to listen, write 'ieum listen :80'");
  EXPECT_EQ(refused({"-z", "h", "80"}),
            "unknown option '-z'; the command comes first, as 'ieum connect -z HOST:PORT'");
  EXPECT_EQ(refused({"-k", "80"}),
            "unknown option '-k'; the command comes first, as 'ieum listen -k HOST:PORT'");
  EXPECT_EQ(refused({"connect", "h:80", "--wiat", "3"}),
            "connect: unknown option '--wiat'; did you mean '--wait'?");
  EXPECT_EQ(refused({"connect", "-w"}), "connect: '--wait' needs a value, TIME");
  EXPECT_EQ(refused({"connect", "-w", "1", "-w", "2", "h:80"}),
            "connect: '--wait' may be given only once");
  EXPECT_EQ(refused({"connect", "--hex=1", "h:80"}),
            "connect: '--hex' is a flag and takes no value");
  EXPECT_EQ(refused({"connect", "-i", "soon", "h:80"}),
            "connect: --idle takes seconds, as 5 or 0.5, or 500ms, 2m, 1h, not 'soon'");
  EXPECT_EQ(refused({"connect", "-4", "-6", "h:80"}), "connect: -4 and -6 are mutually exclusive");
  EXPECT_EQ(refused({"connect", "-4", "unix:/x"}),
            "connect: -4 and -6 are for TCP and UDP addresses");
  EXPECT_EQ(refused({"connect", "-4", "[::1]:80"}),
            "connect: '[::1]:80' is an IPv6 address, which -4 excludes");
  EXPECT_EQ(refused({"connect", "-s", "127.0.0.1", "[::1]:80"}),
            "connect: --source and the address are of different families, IPv4 and IPv6");
  EXPECT_EQ(refused({"connect", "-w", "h:80"}),
            "connect: --wait takes seconds, as 5 or 0.5, or 500ms, 2m, 1h, not 'h:80'");
  EXPECT_EQ(refused({"listen", "-lk", ":80"}),
            "listen: unknown option '-lk'; this is 'ieum listen' already");
  EXPECT_EQ(refused({"connect", "h:20-25"}),
            "connect: 'h:20-25' is a range of ports; for each of them: for port in $(seq 20 25)");
  EXPECT_EQ(refused({"connect", "h:nosuch"}),
            "connect: 'h:nosuch' names a service that is not known here; write its port, a number "
            "from 1 to 65535");
  EXPECT_EQ(refused({"connect", "-z", "h:25-20"}),
            "connect: 'h:25-20' is no range of ports: the first number is to be the smaller one");
  EXPECT_EQ(refused({"listen", "9000"}), "listen: '9000' has no host; write :9000");
  EXPECT_EQ(refused({"connect", "-u", "h:80"}),
            "connect: unknown option '-u'; for datagrams, write udp://HOST:PORT as the address");
  EXPECT_EQ(refused({"listen", "--echo", "--discard", ":1"}),
            "listen: --echo, --discard and --exec are mutually exclusive");
  EXPECT_EQ(refused({"listen", "--echo", "-o", "f", ":1"}),
            "listen: --output cannot be combined with --echo, --discard or --exec");
  EXPECT_EQ(refused({"listen", "--exec", "", ":1"}),
            "listen: --exec takes a command, as --exec 'date; uptime'");
  EXPECT_EQ(refused({"listen", "-m", "0", "-k", ":1"}),
            "listen: --max-clients takes a number from 1 to 1000000, not '0'");
  EXPECT_EQ(refused({"completion", "bsh"}),
            "completion: unknown argument 'bsh'; did you mean 'bash'?");
}

// ---- Nothing that is typed may be more than wrong
// -------------------------------------------------

const std::vector<Words>& examples() {
  static const std::vector<Words> all{
      {"connect", "localhost:7000"},
      {"connect", "-z", "-w", "2", "host:22"},
      {"connect", "-v", "unix:/run/app.sock"},
      {"connect", "--hex", "--timestamps", "-o", "file", "[::1]:80"},
      {"connect", "-s", "192.0.2.1:5000", "-4", "tcp://host:80?nodelay=0&ttl=5&rcvbuf=64k"},
      {"connect", "--on-eof=keep", "--linger", "200ms", "-i", "1.5", "fd:3"},
      {"connect", "-vv", "--json", "-"},
      {"listen", ":7000"},
      {"listen", "-k", "--exec", "date; uptime", "-m", "5", "localhost:13"},
      {"listen", "-k", "--echo", "--backlog=7", "*:0"},
      {"listen", "--discard", "unix:@name?replace=1&unlink=0"},
      {"listen", "-6", "tcp://[::]:1?reuseport=1&ipv6only=1&keepalive=9"},
      {"completion", "bash"},
      {"manual", "listen"},
      {"help", "connect"},
      {"--help"},
      {"--version"},
  };
  return all;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Words next() {
    Words words = examples()[below(examples().size())];
    for (std::size_t times = 1 + below(4); times > 0; --times) mutate(words);
    return words;
  }

 private:
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  std::string any_word() {
    const Words& words = examples()[below(examples().size())];
    return words[below(words.size())];
  }

  void mutate(Words& words) {
    switch (below(6)) {
      case 0:
        words.insert(words.begin() + static_cast<std::ptrdiff_t>(below(words.size() + 1)),
                     any_word());
        return;
      case 1:
        if (!words.empty())
          words.erase(words.begin() + static_cast<std::ptrdiff_t>(below(words.size())));
        return;
      case 2:
        if (words.size() > 1) std::swap(words[below(words.size())], words[below(words.size())]);
        return;
      case 3:
        if (!words.empty()) words[below(words.size())].append(any_word());
        return;
      default:
        if (!words.empty()) mutate(words[below(words.size())]);
    }
  }
  void mutate(std::string& word) {
    constexpr std::string_view telling = "-=:/?&@[]%*.,'\"\\ \n\t\x1b\x7f\xff\xc3";
    const auto place = [&] { return static_cast<std::ptrdiff_t>(below(word.size() + 1)); };
    switch (below(6)) {
      case 0: word.insert(word.begin() + place(), telling[below(telling.size())]); return;
      case 1: word.insert(word.begin() + place(), static_cast<char>(below(256))); return;
      case 2:
        if (!word.empty()) word.erase(below(word.size()), 1 + below(4));
        return;
      case 3:
        if (!word.empty()) word[below(word.size())] = static_cast<char>(below(256));
        return;
      case 4: word.insert(below(word.size() + 1), below(40) == 0 ? 5000 : below(20), '9'); return;
      default: word.append(word);
    }
  }

  std::mt19937_64 random_;
};

bool is_one_clear_sentence(const std::string& text) {
  constexpr std::size_t bytes_max = 600;
  return text.size() > 10 && text.size() <= bytes_max && !text.ends_with('.') &&
         std::ranges::none_of(text, [](char letter) {
           const auto byte = static_cast<unsigned char>(letter);
           return byte < 0x20 || byte == 0x7f;
         });
}

/// Under a sanitizer each takes ten times as long.
int mutated_count() { return test::sanitized && !test::long_form() ? 20'000 : 100'000; }

TEST(CommandLine, mutated_ones_are_taken_or_refused_in_one_clear_sentence) {
  const std::uint64_t seed = test::seed();
  Mutator mutator(seed);
  std::size_t taken = 0;
  const int count = mutated_count();
  for (int i = 0; i < count; ++i) {
    const Words words = mutator.next();
    const auto command = parse_command_line(words, {});
    if (command) {
      ++taken;
    } else if (!is_one_clear_sentence(command.error())) {
      ADD_FAILURE() << command.error() << "\n  of: " << testing::PrintToString(words);
    }
  }
  EXPECT_GT(taken, static_cast<std::size_t>(count) / 100) << "they are mutated beyond recognition";
  EXPECT_LT(taken, static_cast<std::size_t>(count) * 9 / 10);
}

TEST(CommandLine, mutated_addresses_are_taken_or_refused_in_one_clear_sentence) {
  const std::vector<std::string> addresses{"localhost:80",
                                           "[::1]:80",
                                           "[fe80::1%lo]:80",
                                           "*:0",
                                           "tcp://h:1?nodelay=0&ttl=5",
                                           "unix:/a/b",
                                           "unix:@a%20b",
                                           "fd:3",
                                           "udp://h:1",
                                           "mcast://239.1.2.3:1?if=lo"};
  std::mt19937_64 random(test::seed());
  for (int i = mutated_count(); i > 0; --i) {
    std::string text = addresses[random() % addresses.size()];
    for (std::uint64_t times = 1 + random() % 3; times > 0; --times) {
      const auto place = static_cast<std::size_t>(random() % (text.size() + 1));
      if (random() % 3 == 0)
        text.erase(place, random() % 3);
      else
        text.insert(place, 1 + random() % 2, static_cast<char>(random() % 256));
    }
    const auto endpoint = parse_endpoint(text, random() % 2 == 0 ? Role::connect : Role::listen);
    if (!endpoint && !is_one_clear_sentence(endpoint.error())) {
      ADD_FAILURE() << endpoint.error() << "\n  of: " << testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace ieum::cli
