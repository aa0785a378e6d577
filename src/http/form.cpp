// Percent-encoding and forms.
#include <ieum/http/form.hpp>

#include <algorithm>

#include "http/syntax.hpp"

namespace ieum::http {

namespace {

/// Decodes what can be; false if there was a percent sign that begins no code.
bool decode(std::string_view text, bool plus_is_space, std::string& to) {
  bool good = true;
  to.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (plus_is_space && text[i] == '+') {
      to += ' ';
    } else if (text[i] != '%') {
      to += text[i];
    } else if (i + 2 < text.size() &&
               detail::are_of(text.substr(i + 1, 2), detail::characters::hex)) {
      to += static_cast<char>(detail::hex_value(text[i + 1]) * 16 + detail::hex_value(text[i + 2]));
      i += 2;
    } else {
      good = false;
      to += '%';
    }
  }
  return good;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  if (!decode(text, false, decoded)) return std::nullopt;
  return decoded;
}

std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t mark = std::min(pair.find('='), pair.size());
    auto& [name, value] = pairs.emplace_back();
    decode(pair.substr(0, mark), true, name);
    decode(pair.substr(std::min(mark + 1, pair.size())), true, value);
  }
  return pairs;
}

}  // namespace ieum::http
