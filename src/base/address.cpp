// Address: text and back. HOST:PORT is read by HostPort.
#include <ieum/address.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include <ieum/error.hpp>
#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "base/words.hpp"

namespace ieum {

namespace {

Failure bad(std::string_view text, std::string_view why) {
  return fail(Error(std::errc::invalid_argument, "parse address")
                  .with_detail(detail::words(detail::quoted(text), " ", why)));
}

/// Any word for a terminal, which `unescaped` turns back into the same bytes.
std::string escaped(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string text;
  while (!bytes.empty()) {
    const char first = bytes[0];
    const bool plain = first != ' ' && first != '%' && first != '?';
    if (const std::size_t length = plain ? detail::printable_length(bytes) : 0; length > 0) {
      text.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
      continue;
    }
    const auto byte = static_cast<unsigned char>(first);
    text += '%';
    text += hex[byte >> 4U];
    text += hex[byte & 15U];
    bytes.remove_prefix(1);
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

  if (text.starts_with("*:")) {
    const Result<HostPort> any = HostPort::parse("0.0.0.0" + std::string(text.substr(1)));
    if (!any) return bad(text, "has no port from 0 to 65535 after its last colon");
    return any_family(any->port());
  }
  const Result<HostPort> place = HostPort::parse(text);
  if (place && place->address()) return *place->address();
  if (place || place.error() == Errc::name_invalid) {
    return bad(text, "holds no IP address; names are not looked up here");
  }
  return fail(place.error());
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
