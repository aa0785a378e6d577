// Manual: a command's documentation, as text for a terminal and as a man page.
#pragma once

#include <string>
#include <vector>

namespace ieum::cli {

struct ManualSection {
  struct Entry {
    std::string term;
    std::string text;
  };
  std::string title{};
  std::vector<std::string> paragraphs{};
  std::vector<Entry> entries{};
};

struct Manual {
  std::string name{};     ///< "ieum connect"
  std::string purpose{};  ///< one line
  std::string synopsis{};
  std::vector<ManualSection> sections{};
};

/// What a command's manual says besides its name, its synopsis and its options.
struct ManualText {
  std::vector<std::string> description{};
  std::vector<ManualSection> sections{};
  std::string see_also{};  ///< besides our own pages: "tcp(7), unix(7)"
};

struct TextStyle {
  int columns = 80;
  bool bold = false;  ///< titles and terms, by SGR sequences
};
[[nodiscard]] std::string to_text(const Manual& manual, const TextStyle& style);
/// For man(1): man(7) macros, section 1.
[[nodiscard]] std::string to_man_page(const Manual& manual, const std::string& version);

}  // namespace ieum::cli
