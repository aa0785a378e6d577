// Fuzzes the command line of `ieum`: the input is its words, a line each.
#include <cstdlib>
#include <string>
#include <vector>

#include "command_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (const char letter : std::string_view(data, size)) {
    if (letter == '\n') {
      words.emplace_back();
    } else {
      words.back().push_back(letter);
    }
  }
  const auto command = ieum::cli::parse_command_line(words, {});
  if (!command && command.error().find('\n') != std::string::npos) std::abort();
  return 0;
}
