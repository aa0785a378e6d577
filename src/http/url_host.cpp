// The host of a URL, as the WHATWG's URL Standard reads it (section 3.5). Pure functions.
#include "http/url_host.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <ieum/http/url.hpp>

namespace ieum::http {

namespace {

Failure wrong(std::string_view why) {
  return fail(Error(std::errc::invalid_argument, "parse URL").with_detail(why));
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
unsigned hex_value(char c) noexcept {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// ---- IPv4 --------------------------------------------------------------------------------------

/// Decimal, octal with a leading 0, hexadecimal with 0x; at most 2^32, which is too much anyway.
std::optional<std::uint64_t> ipv4_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int base = 10;
  if (text.size() >= 2 && text[0] == '0') {
    const bool hex = text[1] == 'x' || text[1] == 'X';
    base = hex ? 16 : 8;
    text.remove_prefix(hex ? 2 : 1);
    if (text.empty()) return 0;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error != std::errc{}) return std::uint64_t{1} << 32U;
  return std::min(value, std::uint64_t{1} << 32U);
}

/// Then the host is an IPv4 address, or wrong.
bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  const std::string_view last = host.substr(host.rfind('.') + 1);
  if (!last.empty() && std::ranges::all_of(last, is_digit)) return true;
  return last.size() >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') &&
         ipv4_number(last).has_value();
}

Result<std::string> ipv4(std::string_view host) {
  std::vector<std::string_view> parts = split(host, '.');
  if (parts.back().empty() && parts.size() > 1) parts.pop_back();
  if (parts.size() > 4) return wrong("its host is no IPv4 address: more than four numbers");
  std::uint64_t address = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::optional<std::uint64_t> number = ipv4_number(parts[i]);
    if (!number) return wrong("its host ends in a number, and is no IPv4 address");
    const bool is_last = i + 1 == parts.size();
    const std::uint64_t limit = is_last ? std::uint64_t{1} << (8 * (4 - i)) : 256;
    if (*number >= limit) return wrong("its host is no IPv4 address: a number is too large");
    address += is_last ? *number : *number << (8 * (3 - i));
  }
  std::string text;
  for (int i = 3; i >= 0; --i) {
    text += std::to_string((address >> static_cast<unsigned>(8 * i)) & 0xffU);
    if (i > 0) text += '.';
  }
  return text;
}

// ---- IPv6 --------------------------------------------------------------------------------------

using Pieces = std::array<std::uint16_t, 8>;

/// The dotted end of an IPv6 address, strictly decimal, into two pieces.
bool read_dotted(std::string_view text, std::span<std::uint16_t> into) {
  const std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() != 4 || into.size() < 2) return false;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string_view part = parts[i];
    if (part.empty() || part.size() > 3 || !std::ranges::all_of(part, is_digit)) return false;
    if (part.size() > 1 && part[0] == '0') return false;
    unsigned value = 0;
    std::from_chars(part.data(), part.data() + part.size(), value);
    if (value > 255) return false;
    into[i / 2] = static_cast<std::uint16_t>((into[i / 2] << 8U) | value);
  }
  return true;
}

/// The pieces of `text`, without `::`; none if it is wrong. An empty text has none.
std::optional<std::size_t> read_pieces(std::string_view text, bool may_be_dotted, Pieces& pieces) {
  if (text.empty()) return 0;
  std::size_t count = 0;
  const std::vector<std::string_view> parts = split(text, ':');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    if (count == pieces.size()) return std::nullopt;
    if (may_be_dotted && i + 1 == parts.size() && part.find('.') != std::string_view::npos) {
      if (!read_dotted(part, std::span(pieces).subspan(count))) return std::nullopt;
      return count + 2;
    }
    if (part.empty() || part.size() > 4 || !std::ranges::all_of(part, is_hex)) return std::nullopt;
    unsigned value = 0;
    for (const char c : part) value = value * 16 + hex_value(c);
    pieces[count++] = static_cast<std::uint16_t>(value);
  }
  return count;
}

std::optional<Pieces> read_ipv6(std::string_view text) {
  Pieces pieces{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto count = read_pieces(text, true, pieces);
    return count == pieces.size() ? std::optional(pieces) : std::nullopt;
  }
  Pieces tail{};
  const auto before = read_pieces(text.substr(0, gap), false, pieces);
  const auto after = read_pieces(text.substr(gap + 2), true, tail);
  if (!before || !after || *before + *after >= pieces.size()) return std::nullopt;
  std::fill(pieces.begin() + static_cast<std::ptrdiff_t>(*before), pieces.end(), 0);
  std::copy_n(tail.begin(), *after, pieces.end() - static_cast<std::ptrdiff_t>(*after));
  return pieces;
}

/// With the first of the longest runs of two zeros or more left out (RFC 5952).
std::string write_ipv6(const Pieces& pieces) {
  std::size_t gap = pieces.size();
  std::size_t gap_size = 1;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::size_t size = 0;
    while (i + size < pieces.size() && pieces[i + size] == 0) ++size;
    if (size > gap_size) {
      gap = i;
      gap_size = size;
    }
  }
  std::string text = "[";
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i == gap) {
      text += i == 0 ? "::" : ":";
      i += gap_size - 1;
      continue;
    }
    std::array<char, 4> digits{};
    const auto [end, error] =
        std::to_chars(digits.data(), digits.data() + digits.size(), pieces[i], 16);
    text.append(digits.data(), end);
    if (i + 1 < pieces.size()) text += ':';
  }
  return text + "]";
}

// ---- Names -------------------------------------------------------------------------------------

bool is_forbidden(unsigned char c) noexcept {
  return c <= 0x20 || c == 0x7f ||
         std::string_view("#/:<>?@[\\]^|%").contains(static_cast<char>(c));
}

}  // namespace

Result<std::string> parse_url_host(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return wrong("its host lacks the ] of an IPv6 address");
    const std::optional<Pieces> pieces = read_ipv6(text.substr(1, text.size() - 2));
    if (!pieces) return wrong("its host holds no IPv6 address within its brackets");
    return write_ipv6(*pieces);
  }
  std::string host = Url::decode(text);
  for (char& c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) return wrong("its host is not in ASCII: write it as xn--…");
    if (is_forbidden(byte)) return wrong("its host has a character that no host may have");
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  if (host.empty()) return wrong("it has no host");
  if (ends_in_number(host)) return ipv4(host);
  return host;
}

}  // namespace ieum::http
