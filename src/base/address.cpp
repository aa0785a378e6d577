// Address: text and back. The only place that knows the forms.
#include <ieum/address.hpp>

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include <ieum/result.hpp>

namespace ieum {

namespace {

Failure bad(std::string_view text, std::string_view why) {
  std::string detail = "\"";
  detail.append(text.substr(0, 40)).append(text.size() > 40 ? "…" : "").append("\" ").append(why);
  return fail(Error(std::errc::invalid_argument, "parse address").with_detail(detail));
}

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f || c == '%' || c == '?';
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    if (needs_escape(c)) {
      const auto byte = static_cast<unsigned char>(c);
      text += '%';
      text += hex[byte >> 4U];
      text += hex[byte & 15U];
    } else {
      text += c;
    }
  }
  return text;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    unsigned value = 0;
    const char* first = text.data() + i + 1;
    const auto [end, error] = std::from_chars(first, first + 2, value, 16);
    if (error != std::errc{} || end != first + 2) return std::nullopt;
    bytes += static_cast<char>(value);
    i += 2;
  }
  return bytes;
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint32_t> scope_of(std::string_view text) {
  if (auto index = number(text, UINT32_MAX)) return index;
  const unsigned index = if_nametoindex(std::string(text).c_str());
  if (index == 0) return std::nullopt;
  return index;
}

Result<Address> parse_unix(std::string_view text, std::string_view rest) {
  const bool abstract = rest.starts_with('@');
  const auto name = unescaped(rest.substr(abstract ? 1 : 0));
  if (!name) return bad(text, "has a % that is not followed by two hexadecimal digits");
  if (!abstract && name->empty()) {
    return bad(text, "has no path: write unix:/path or unix:@abstract");
  }
  if (!abstract && name->find('\0') != std::string::npos) {
    return bad(text, "has a zero byte in its path");
  }
  return abstract ? Address::unix_abstract(*name) : Address::unix_path(*name);
}

}  // namespace

Result<Address> Address::unix_path(std::string_view path) {
  if (path.empty()) return bad(path, "is no path: write unix:/path or unix:@abstract");
  if (path.find('\0') != std::string_view::npos) return bad("unix:", "has a zero byte in its path");
  if (path.size() > unix_name_bytes_max) {
    return fail(Error(std::errc::filename_too_long, "parse address")
                    .with_detail("a Unix socket's path has at most 107 bytes, this one has " +
                                 std::to_string(path.size())));
  }
  Address address;
  address.family_ = Family::unix_path;
  address.name_bytes_ = static_cast<std::uint8_t>(path.size());
  std::copy(path.begin(), path.end(), address.bytes_.begin());
  return address;
}

Result<Address> Address::unix_abstract(std::string_view name) {
  if (name.empty()) return bad("unix:@", "has no name after its @");
  if (name.size() > unix_name_bytes_max) {
    return fail(Error(std::errc::filename_too_long, "parse address")
                    .with_detail("an abstract name has at most 107 bytes, this one has " +
                                 std::to_string(name.size())));
  }
  Address address;
  address.family_ = Family::unix_abstract;
  address.name_bytes_ = static_cast<std::uint8_t>(name.size());
  std::copy(name.begin(), name.end(), address.bytes_.begin());
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix(text, text.substr(5));

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad(text, number(text, UINT16_MAX) ? "has no host: write HOST:PORT"
                                              : "has no port: write HOST:PORT");
  }
  const auto port = number(text.substr(colon + 1), UINT16_MAX);
  if (!port) return bad(text, "has no port from 0 to 65535 after its last colon");
  const auto port16 = static_cast<std::uint16_t>(*port);
  std::string_view host = text.substr(0, colon);
  if (host == "*") return ipv6({}, port16);

  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad(text, "lacks the ] of its IPv6 address");
    host = host.substr(1, host.size() - 2);
    std::uint32_t scope = 0;
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
      const auto index = scope_of(host.substr(percent + 1));
      if (!index) return bad(text, "names no network interface of this machine after its %");
      scope = *index;
      host = host.substr(0, percent);
    }
    std::array<std::uint8_t, 16> ip{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), ip.data()) != 1) {
      return bad(text, "holds no IPv6 address within its brackets");
    }
    return ipv6(ip, port16, scope);
  }

  std::array<std::uint8_t, 4> ip{};
  if (inet_pton(AF_INET, std::string(host).c_str(), ip.data()) != 1) {
    if (host.find(':') != std::string_view::npos) {
      return bad(text, "holds an IPv6 address without brackets: write [ADDRESS]:PORT");
    }
    return bad(text, "holds no IP address; names are not looked up here");
  }
  return ipv4(ip, port16);
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (family_) {
    case Family::none: return {};
    case Family::ipv4:
      inet_ntop(AF_INET, bytes_.data(), text.data(), text.size());
      return std::string(text.data()) + ":" + std::to_string(port_);
    case Family::ipv6: {
      inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
      std::string host = "[" + std::string(text.data());
      if (scope_ != 0) host += "%" + std::to_string(scope_);
      return host + "]:" + std::to_string(port_);
    }
    case Family::unix_path: {
      // A path that begins with @ would read as an abstract name.
      const std::string path = escaped(bytes());
      return path.starts_with('@') ? "unix:%40" + path.substr(1) : "unix:" + path;
    }
    case Family::unix_abstract: return "unix:@" + escaped(bytes());
  }
  return {};
}

bool Address::is_wildcard() const noexcept {
  return is_ip() && std::ranges::all_of(bytes(), [](char byte) { return byte == 0; });
}

std::string_view Address::bytes() const noexcept {
  const auto* data = reinterpret_cast<const char*>(bytes_.data());
  switch (family_) {
    case Family::none: return {};
    case Family::ipv4: return {data, 4};
    case Family::ipv6: return {data, 16};
    case Family::unix_path:
    case Family::unix_abstract: return {data, name_bytes_};
  }
  return {};
}

bool Address::operator==(const Address& other) const noexcept {
  return family_ == other.family_ && port_ == other.port_ && scope_ == other.scope_ &&
         bytes() == other.bytes();
}

}  // namespace ieum
