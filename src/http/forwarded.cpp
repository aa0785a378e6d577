// Forwarded, X-Forwarded-For (RFC 7239), and the PROXY protocol (HAProxy's proxy-protocol.txt).
#include "http/forwarded.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "http/syntax.hpp"

namespace ieum::http::detail {

using namespace std::string_view_literals;

Result<Network> Network::parse(std::string_view text) {
  const auto refuse = [&] {
    return fail(Error(std::errc::invalid_argument, "parse network")
                    .with_name(text)
                    .with_detail("write an IP address, ADDRESS/BITS, or unix"));
  };
  if (text == "unix") return Network{};
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::optional<Address> address = parse_node(text.substr(0, slash));
  if (!address) return refuse();
  Network network{.address = *address, .bits = static_cast<unsigned>(address->bytes().size()) * 8};
  if (slash < text.size()) {
    const std::string_view bits = text.substr(slash + 1);
    unsigned count = 0;
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), count);
    if (error != std::errc() || end != bits.data() + bits.size() || count > network.bits) {
      return refuse();
    }
    network.bits = count;
  }
  return network;
}

bool Network::has(const Address& other) const noexcept {
  if (address.family() == Family::none) return other.is_unix() || other.family() == Family::none;
  std::string_view bytes = other.bytes();
  // IPv4 on an IPv6 socket.
  if (address.family() == Family::ipv4 && other.family() == Family::ipv6 &&
      bytes.starts_with("\0\0\0\0\0\0\0\0\0\0\xff\xff"sv)) {
    bytes.remove_prefix(12);
  } else if (address.family() != other.family()) {
    return false;
  }
  const std::string_view mine = address.bytes();
  for (unsigned bit = 0; bit < bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((static_cast<unsigned char>(mine[bit / 8]) ^ static_cast<unsigned char>(bytes[bit / 8])) &
         mask) != 0) {
      return false;
    }
  }
  return true;
}

bool is_in(const Address& address, std::span<const Network> networks) noexcept {
  return std::ranges::any_of(networks, [&](const Network& one) { return one.has(address); });
}

std::optional<Address> parse_node(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.size() > 60 || text.find('%') != text.npos) return std::nullopt;
  const std::size_t colons = static_cast<std::size_t>(std::ranges::count(text, ':'));
  std::string whole;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || (end + 1 < text.size() && text[end + 1] != ':')) return std::nullopt;
    whole = text.substr(0, end + 1);
  } else if (colons > 1) {
    whole.append("[").append(text).append("]");
  } else {
    whole = text.substr(0, std::min(text.find(':'), text.size()));
    if (whole.empty() || whole.find_first_not_of("0123456789.") != whole.npos) return std::nullopt;
  }
  const Result<Address> address = Address::parse(whole + ":0");
  if (!address || !address->is_ip()) return std::nullopt;
  return *address;
}

namespace {

struct Hop {
  std::optional<Address> from;
  std::string_view scheme;
};

std::string_view known_scheme(std::string_view text) noexcept {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  if (equal_ignoring_case(text, "https")) return "https";
  if (equal_ignoring_case(text, "http")) return "http";
  return {};
}

/// `for=1.2.3.4;proto=https;by=…`
Hop parse_element(std::string_view element) {
  Hop hop;
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = trimmed(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    const std::size_t mark = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(mark + 1, pair.size()));
    if (equal_ignoring_case(pair.substr(0, mark), "for")) hop.from = parse_node(value);
    if (equal_ignoring_case(pair.substr(0, mark), "proto")) hop.scheme = known_scheme(value);
  }
  return hop;
}

}  // namespace

Forwarded read_forwarded(const Fields& fields, const Address& peer,
                         std::span<const Network> trusted) {
  std::vector<Hop> hops;
  const bool is_standard = fields.has("Forwarded");
  const std::string list = fields.all(is_standard ? "Forwarded" : "X-Forwarded-For");
  std::string_view rest = list;
  for (;;) {
    const std::string_view element = next_element(rest);
    if (element.empty()) break;
    if (is_standard) {
      hops.push_back(parse_element(element));
    } else {
      hops.push_back({.from = parse_node(element), .scheme = {}});
    }
  }
  Forwarded result{.client = peer, .scheme = {}};
  if (!is_standard) {
    // Of a list, the last: our proxy's.
    std::string_view schemes = fields.get("X-Forwarded-Proto").value_or("");
    if (fields.count("X-Forwarded-Proto") == 1) {
      result.scheme = known_scheme(schemes.substr(schemes.rfind(',') + 1));
    }
  }
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!hop->scheme.empty()) result.scheme = hop->scheme;
    if (!hop->from) break;  // hidden, or nonsense: whoever has told us is the last whom we know
    result.client = *hop->from;
    if (!is_in(result.client, trusted)) break;
  }
  return result;
}

namespace {

constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;

ProxyHeader fault() { return {.state = ProxyHeader::State::fault, .size = 0, .client = {}}; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

/// `PROXY TCP4 1.2.3.4 5.6.7.8 1000 80`, at most 107 bytes with its end.
ProxyHeader read_version_1(std::string_view text) {
  const std::size_t end = text.substr(0, 107).find("\r\n");
  if (end == text.npos) return text.size() < 107 ? ProxyHeader{} : fault();
  std::string_view rest = text.substr(6, end - 6);
  std::array<std::string_view, 5> words{};
  std::size_t count = 0;
  while (!rest.empty() && count < words.size()) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    words[count++] = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  ProxyHeader header{.state = ProxyHeader::State::complete, .size = end + 2, .client = {}};
  if (words[0] == "UNKNOWN") return header;
  const bool is_v4 = words[0] == "TCP4";
  if ((!is_v4 && words[0] != "TCP6") || count != 5 || !rest.empty()) return fault();
  if ((words[1].find(':') == std::string_view::npos) != is_v4) return fault();
  std::optional<Address> client = parse_node(words[1]);
  const std::optional<std::uint16_t> port = parse_port(words[3]);
  if (!client || !port || !parse_node(words[2]) || !parse_port(words[4])) return fault();
  client->set_port(*port);
  header.client = client;
  return header;
}

std::uint16_t big_endian(std::string_view two) noexcept {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(two[0]) << 8U |
                                    static_cast<unsigned char>(two[1]));
}

ProxyHeader read_version_2(std::string_view text) {
  if (text.size() < 16) return {};
  const auto version = static_cast<unsigned char>(text[12]);
  const auto family = static_cast<unsigned char>(text[13]);
  const std::size_t length = big_endian(text.substr(14, 2));
  if ((version >> 4U) != 2 || (version & 0xfU) > 1) return fault();
  if (16 + length > ProxyHeader::bytes_max) return fault();
  if (text.size() < 16 + length) return {};
  ProxyHeader header{.state = ProxyHeader::State::complete, .size = 16 + length, .client = {}};
  if ((version & 0xfU) == 0) return header;  // LOCAL: a health check of the proxy's own
  const std::string_view addresses = text.substr(16, length);
  if (family == 0x11) {
    if (length < 12) return fault();
    std::array<std::uint8_t, 4> ip{};
    std::copy_n(addresses.begin(), 4, ip.begin());
    header.client = Address::ipv4(ip, big_endian(addresses.substr(8, 2)));
  } else if (family == 0x21) {
    if (length < 36) return fault();
    std::array<std::uint8_t, 16> ip{};
    std::copy_n(addresses.begin(), 16, ip.begin());
    header.client = Address::ipv6(ip, big_endian(addresses.substr(32, 2)));
  }
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view text) {
  if (text.substr(0, 12) == signature.substr(0, text.size())) {
    return text.size() < 12 ? ProxyHeader{} : read_version_2(text);
  }
  if (text.substr(0, 6) == "PROXY "sv.substr(0, text.size())) {
    return text.size() < 6 ? ProxyHeader{} : read_version_1(text);
  }
  return fault();
}

}  // namespace ieum::http::detail
