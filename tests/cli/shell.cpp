// What `ieum` gives to shells and to man: completion, and pages.
#include <sstream>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

std::string output_of(const std::vector<std::string>& command) {
  Child child(command, Input::nothing());
  std::string text = child.read_all();
  EXPECT_EQ(child.wait(), 0) << child.error_output();
  EXPECT_EQ(child.error_output(), "");
  return text;
}

/// What bash offers for the last of `words`, as readline has cut the line into words.
std::string offers(const std::vector<std::string>& words) {
  std::vector<std::string> command{
      "bash", "-c",
      "source <(\"$0\" completion bash); COMP_WORDS=(ieum \"$@\"); COMP_CWORD=$#; "
      "compopt() { :; }; _ieum; printf '%s ' \"${COMPREPLY[@]}\"",
      IEUM_COMMAND};
  command.insert(command.end(), words.begin(), words.end());
  return " " + output_of(command);
}

TEST(Completion, OffersCommands) {
  const std::string all = offers({""});
  for (const char* word : {" connect ", " listen ", " help ", " completion ", " manual "}) {
    EXPECT_TRUE(all.contains(word)) << word << all;
  }
  EXPECT_EQ(offers({"con"}), " connect ");
  EXPECT_EQ(offers({"l"}), " listen ");
}

TEST(Completion, OffersTheOptionsOfACommand) {
  EXPECT_EQ(offers({"connect", "--on"}), " --on-eof ");
  EXPECT_EQ(offers({"listen", "--ec"}), " --echo ");
  EXPECT_EQ(offers({"connect", "--ec"}), "  ");
  const std::string listening = offers({"listen", "-"});
  for (const char* option : {" -k ", " --keep ", " --exec ", " --max-clients ", " --json "}) {
    EXPECT_TRUE(listening.contains(option)) << option << listening;
  }
}

TEST(Completion, OffersValues) {
  EXPECT_EQ(offers({"connect", "--on-eof", ""}), " half-close close keep ");
  EXPECT_EQ(offers({"connect", "--on-eof", "=", "k"}), " keep ");
  EXPECT_EQ(offers({"connect", "--on-eof", "="}), " half-close close keep ");
  EXPECT_EQ(offers({"connect", "-w", ""}), "  ");  // a time is the user's to give
  EXPECT_EQ(offers({"completion", "z"}), " zsh ");
  EXPECT_EQ(offers({"manual", "con"}), " connect ");
  const TemporaryFile file("");
  EXPECT_EQ(offers({"connect", "-o", file.path().substr(0, file.path().size() - 1)}),
            " " + file.path() + " ");
}

TEST(Completion, IsNothingThatAShellRefuses) {
  for (const char* name : {"bash", "zsh", "fish"}) {
    const TemporaryFile script(output_of(ieum_command({"completion", name})));
    if (!has_program(name)) continue;
    EXPECT_EQ(output_of({name, "-n", script.path()}), "") << name;
  }
}

TEST(Completion, EveryOptionIsInEveryScript) {
  for (const char* name : {"bash", "zsh", "fish"}) {
    const std::string script = output_of(ieum_command({"completion", name}));
    for (const char* option :
         {"on-eof", "linger", "timestamps", "max-clients", "backlog", "probe"}) {
      EXPECT_TRUE(script.contains(option)) << name << ": " << option;
    }
  }
}

TEST(ManPages, PassTheManProgram) {
  for (const std::string& name : {std::string("connect"), std::string("listen"), std::string()}) {
    std::vector<std::string> words{"manual"};
    if (!name.empty()) words.push_back(name);
    const std::string source = output_of(ieum_command(words));
    EXPECT_TRUE(source.starts_with(".TH IEUM")) << source.substr(0, 100);
    for (const char* section : {"\n.SH NAME\n", "\n.SH SYNOPSIS\n", "\n.SH EXAMPLES\n"}) {
      EXPECT_TRUE(source.contains(section)) << section;
    }
    if (!has_program("man")) continue;
    const TemporaryFile page(source);
    const std::string text =
        output_of({"env", "LC_ALL=C.UTF-8", "MANWIDTH=80", "MANROFFOPT=", "man", "--warnings", "-P",
                   "cat", "-l", page.path()});
    if (!name.empty()) {
      EXPECT_TRUE(text.contains("EXIT STATUS")) << text;
    }
    EXPECT_TRUE(text.contains("EXAMPLES")) << text;
  }
}

TEST(Help, FitsTheTerminalsWidth) {
  for (const std::size_t columns : {60U, 80U, 100U}) {
    const std::string text =
        output_of({"env", "COLUMNS=" + std::to_string(columns), IEUM_COMMAND, "listen", "--help"});
    std::istringstream lines(text);
    bool in_example = false;  // a command line is not cut
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.front() != ' ') in_example = line == "EXAMPLES";
      if (!in_example) {
        EXPECT_LE(line.size(), columns) << line;
      }
    }
  }
}

TEST(Help, IsTheSameByEachWay) {
  const std::string text = output_of(ieum_command({"connect", "--help"}));
  EXPECT_EQ(output_of(ieum_command({"connect", "-h"})), text);
  EXPECT_EQ(output_of(ieum_command({"help", "connect"})), text);
  EXPECT_TRUE(text.starts_with("ieum connect: connect to an address and talk\n"));
  for (const char* status : {"0", "1", "2", "6", "7", "28", "56", "130, 143"}) {
    EXPECT_TRUE(text.contains("\n    " + std::string(status) + "\n")) << status;
  }
}

}  // namespace
}  // namespace ieum::test
