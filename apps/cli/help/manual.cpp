#include "help/manual.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

class TextWriter {
 public:
  explicit TextWriter(const TextStyle& style) : style_(style) {}

  void title(std::string_view text) {
    if (!text_.empty()) text_ += '\n';
    text_ += bold(text) + "\n";
  }
  void paragraph(std::string_view text, std::size_t indent) {
    append_wrapped(text_, text, static_cast<std::size_t>(style_.columns), indent, indent);
  }
  void line(std::string_view text, std::size_t indent) {
    text_.append(indent, ' ').append(text).append("\n");
  }
  void blank() { text_ += '\n'; }
  [[nodiscard]] std::string bold(std::string_view text) const {
    return style_.bold ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
  }
  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  TextStyle style_;
  std::string text_;
};

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return result;
}

/// `text` for roff: backslashes, minus signs, quotes; a line must not begin with a control
/// character.
std::string roff(std::string_view text) {
  std::string result;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) result += "\\&";
  for (const char letter : text) {
    switch (letter) {
      case '\\': result += "\\e"; break;
      case '-': result += "\\-"; break;
      case '\'': result += "\\(aq"; break;
      case '`': result += "\\(ga"; break;
      case '^': result += "\\(ha"; break;
      case '~': result += "\\(ti"; break;
      default: result += letter;
    }
  }
  return result;
}

}  // namespace

std::string to_text(const Manual& manual, const TextStyle& style) {
  constexpr std::size_t indent = 4;
  TextWriter writer(style);
  writer.paragraph(fmt::format("{}: {}", manual.name, manual.purpose), 0);
  writer.title("USAGE");
  writer.line(manual.synopsis, indent);
  for (const ManualSection& section : manual.sections) {
    writer.title(upper(section.title));
    bool first = true;
    for (const std::string& paragraph : section.paragraphs) {
      if (!first) writer.blank();
      first = false;
      writer.paragraph(paragraph, indent);
    }
    if (!first && !section.entries.empty()) writer.blank();
    for (const ManualSection::Entry& entry : section.entries) {
      writer.line(writer.bold(entry.term), indent);
      if (!entry.text.empty()) writer.paragraph(entry.text, 2 * indent);
    }
  }
  return std::move(writer).take();
}

std::string to_man_page(const Manual& manual, const std::string& version) {
  std::string page_name = manual.name;
  std::ranges::replace(page_name, ' ', '-');
  std::string page =
      fmt::format(".TH {} 1 \"\" \"ieum {}\" \"ieum manual\"\n", upper(page_name), version);
  page += fmt::format(".SH NAME\n{} \\- {}\n", roff(page_name), roff(manual.purpose));
  page += fmt::format(".SH SYNOPSIS\n.B {}\n", roff(manual.synopsis));
  for (const ManualSection& section : manual.sections) {
    page += fmt::format(".SH {}\n", roff(upper(section.title)));
    bool first = true;
    for (const std::string& paragraph : section.paragraphs) {
      if (!first) page += ".PP\n";
      first = false;
      page += roff(paragraph) + "\n";
    }
    for (const ManualSection::Entry& entry : section.entries) {
      page += fmt::format(".TP\n.B {}\n{}\n", roff(entry.term), roff(entry.text));
    }
  }
  return page;
}

}  // namespace ieum::cli
