#include "text/wrap.hpp"

#include <algorithm>

namespace ieum::cli {

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

void append_wrapped(std::string& to, std::string_view text, std::size_t columns, std::size_t indent,
                    std::size_t hanging) {
  std::size_t column = 0;
  std::size_t margin = indent;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (column > 0 && column + 1 + columns_of(word) > columns) {
      while (to.ends_with(' ')) to.pop_back();
      to += '\n';
      column = 0;
      margin = hanging;
    }
    if (column == 0) {
      to.append(margin, ' ');
      column = margin;
    } else {
      to += ' ';
      ++column;
    }
    to += word;
    column += columns_of(word);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  to += '\n';
}

}  // namespace ieum::cli
