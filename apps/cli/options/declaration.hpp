// Declaration: the options of each command, declared once; the parser, the help, the man pages and
// the completions are made of it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "help/completion.hpp"
#include "help/manual.hpp"

namespace ieum::cli {

/// What the options of `connect` and `listen` are given, as text: `read` makes a command of it.
struct GivenCommon {
  std::string address;
  bool ipv4 = false;
  bool ipv6 = false;
  bool hex = false;
  bool timestamps = false;
  bool json = false;
  int verbosity = 0;
  std::string wait;
  std::string idle;
  std::string linger;
  std::string on_eof;
  std::string output;
  std::string size;
  bool lines = false;
};

struct ConnectDeclaration {
  ConnectDeclaration();
  CLI::App app;
  GivenCommon given;
  std::string source;
  bool probe = false;
};

struct ListenDeclaration {
  ListenDeclaration();
  CLI::App app;
  GivenCommon given;
  bool keep = false;
  bool echo = false;
  bool discard = false;
  std::string exec;
  std::string backlog;
  std::string clients_max;
};

struct CastDeclaration {
  CastDeclaration();
  CLI::App app;
  GivenCommon given;
  bool receive = false;
  bool rtp = false;
  std::string rate;
  std::string payload_type;
};

/// A command that takes one word of few, as `completion bash`.
struct WordDeclaration {
  WordDeclaration(std::string_view name, std::string_view purpose,
                  std::vector<std::string> allowed);
  CLI::App app;
  std::string word;
  std::vector<std::string> allowed;
};
[[nodiscard]] WordDeclaration declare_help();
[[nodiscard]] WordDeclaration declare_completion();
[[nodiscard]] WordDeclaration declare_manual();

/// Every name that an option of `app` has: "-w", "--wait".
[[nodiscard]] std::vector<std::string> option_names(const CLI::App& app);

/// The commands, in the order in which the help lists them.
[[nodiscard]] std::vector<CommandSummary> summaries();

/// The manual of a command; of `ieum` itself if `name` is empty. It must exist.
[[nodiscard]] Manual manual_of(std::string_view name);

}  // namespace ieum::cli
