// The parts of the grammar that take more than a look at each character.
#include "http/syntax.hpp"

#include <algorithm>

namespace ieum::http::detail {

namespace {

bool is_port(std::string_view text) noexcept {
  if (text.size() > 5 || !are_of(text, characters::digit)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  return port <= 65535;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  std::size_t host = 0;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || end < 3) return false;
    for (const char c : text.substr(1, end - 1)) {
      if (!is_of(c, characters::hex) && c != ':' && c != '.') return false;
    }
    host = end + 1;
  } else {
    host = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, host);
    if (!are_of(name, characters::host)) return false;
    for (std::size_t at = name.find('%'); at != name.npos; at = name.find('%', at + 1)) {
      if (at + 2 >= name.size() || !is_of(name[at + 1], characters::hex) ||
          !is_of(name[at + 2], characters::hex)) {
        return false;
      }
    }
    if (host == 0 && !text.empty()) return false;  // a port without a host
  }
  const std::string_view rest = text.substr(host);
  return rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
}

}  // namespace ieum::http::detail
