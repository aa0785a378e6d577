// docs/command-uses.md: each line that it gives is one that the command takes, and each test that
// it names is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "command_line.hpp"
#include "subcommands.hpp"

namespace ieum::cli {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The words behind `ieum`, up to what is the shell's.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool begun = false;
  for (const char letter : std::string(line) + " ") {
    if (letter == '\'') {
      quoted = !quoted;
      begun = true;
    } else if (quoted || (letter != ' ' && letter != '<' && letter != '>')) {
      word += letter;
      begun = true;
    } else {
      if (begun) words.push_back(std::exchange(word, {}));
      begun = false;
      if (letter != ' ') break;
    }
  }
  words.erase(words.begin());
  return words;
}

TEST(CommandUses, each_line_is_one_that_the_command_takes) {
  const std::filesystem::path source(IEUM_SOURCE_DIR);
  const std::string table = content_of(source / "docs" / "command-uses.md");
  const std::regex code("`(ieum [^`]*)`");
  int lines = 0;
  for (std::sregex_iterator found(table.begin(), table.end(), code), end; found != end; ++found) {
    const std::string line = (*found)[1];
    const bool needs_tls = line.contains("tls://") || line.contains("ieum send");
    if (needs_tls && find_subcommand("certificate") == nullptr) continue;
    ++lines;
    const auto action = parse_command_line(words_of(line), {});
    EXPECT_TRUE(action) << line << ": " << (action ? "" : action.error());
  }
  EXPECT_GT(lines, 35);
}

TEST(CommandUses, each_test_is_there) {
  const std::filesystem::path source(IEUM_SOURCE_DIR);
  std::string tests;
  for (const char* folder : {"cli", "tls_command"}) {
    for (const auto& file : std::filesystem::directory_iterator(source / "tests" / folder)) {
      tests += content_of(file.path());
    }
  }
  std::istringstream table(content_of(source / "docs" / "command-uses.md"));
  const std::regex name("`([A-Z][A-Za-z]+)(\\.([A-Za-z]+))?`");
  int named = 0;
  for (std::string row; std::getline(table, row);) {
    const std::size_t last = row.rfind(" | ");
    if (!row.starts_with("| `") || last == std::string::npos) continue;
    const std::string cell = row.substr(last);
    for (std::sregex_iterator found(cell.begin(), cell.end(), name), end; found != end; ++found) {
      ++named;
      const std::string suite = (*found)[1];
      const std::string test = (*found)[3];
      const std::string wanted = "(" + suite + ", " + test;
      EXPECT_TRUE(tests.contains(wanted)) << wanted;
    }
  }
  EXPECT_GT(named, 40);
}

}  // namespace
}  // namespace ieum::cli
