// HostPort: the one reader of hosts and ports.
#include <ieum/host_port.hpp>

#include <arpa/inet.h>
#include <net/if.h>

#include <array>
#include <cctype>
#include <charconv>

#include <ieum/error.hpp>
#include <ieum/result.hpp>

#include "base/words.hpp"

namespace ieum {

namespace {

Failure bad(std::string_view text, std::string_view why) {
  return fail(Error(std::errc::invalid_argument, "parse address")
                  .with_detail(detail::words(detail::quoted(text), " ", why)));
}

Failure no_name(std::string_view host, std::string_view why) {
  return fail(Error(Errc::name_invalid, "resolve").with_name(host).with_detail(why));
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

/// The interface that `text` names, or gives the index of.
std::optional<std::uint32_t> scope_of(std::string_view text) {
  if (auto index = number(text, UINT32_MAX)) return index;
  const unsigned index = if_nametoindex(std::string(text).c_str());
  if (index == 0) return std::nullopt;
  return index;
}

/// What `text` is: an IP address without brackets, or not.
struct Literal {
  enum class Kind : std::uint8_t { ip, no_interface, none };
  Kind kind = Kind::none;
  Address address;
};

Literal ipv6_literal(std::string_view text, std::uint16_t port) {
  const std::size_t percent = text.find('%');
  std::array<std::uint8_t, 16> ip{};
  if (inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), ip.data()) != 1) return {};
  std::uint32_t scope = 0;
  if (percent != std::string_view::npos) {
    const auto index = scope_of(text.substr(percent + 1));
    if (!index) return {Literal::Kind::no_interface, {}};
    scope = *index;
  }
  return {Literal::Kind::ip, Address::ipv6(ip, port, scope)};
}

Literal literal(std::string_view text, std::uint16_t port) {
  // The functions of the system would see only what stands before it.
  if (text.find('\0') != std::string_view::npos) return {};
  if (text.find(':') != std::string_view::npos) return ipv6_literal(text, port);
  std::array<std::uint8_t, 4> ip{};
  if (inet_pton(AF_INET, std::string(text).c_str(), ip.data()) != 1) return {};
  return {Literal::Kind::ip, Address::ipv4(ip, port)};
}

/// Why `host`, which is no address, can be no name; empty if it can.
std::string_view what_is_wrong(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return "it is empty";
  if (host.size() > HostPort::host_bytes_max) return "it has more than 253 bytes";
  std::size_t label = 0;
  bool number = true;
  for (const char c : host) {
    if (static_cast<unsigned char>(c) >= 0x80) return "write it in its ASCII form, as xn--…";
    if (c == '.') {
      if (label == 0) return "it has an empty part";
      label = 0;
      number = true;
      continue;
    }
    if (std::isalnum(c) == 0 && c != '-' && c != '_') {
      return "it has something else than letters, digits, - and _ in it";
    }
    if (std::isdigit(c) == 0) number = false;
    if (++label > HostPort::label_bytes_max) return "it has a part of more than 63 bytes";
  }
  if (label == 0) return "it has an empty part";
  if (number) return "it ends in a number, and is no IPv4 address";
  return {};
}

/// The port at the end of `text`, after `colon`.
Result<std::uint16_t> port_of(std::string_view text, std::size_t colon) {
  const std::string_view digits = text.substr(colon + 1);
  if (const auto port = number(digits, UINT16_MAX)) return static_cast<std::uint16_t>(*port);
  const bool word = !digits.empty() && std::isalpha(static_cast<unsigned char>(digits[0])) != 0;
  return bad(text, word ? "names a service: write its port as a number"
                        : "has no port from 0 to 65535 after its last colon");
}

/// Why the host of `text`, with colons in it and without brackets, is none.
std::string_view about_colons(std::string_view host) {
  return host.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos
             ? "holds an IPv6 address without brackets: write [ADDRESS]:PORT"
             : "has a colon in its host: write HOST:PORT or [ADDRESS]:PORT";
}

}  // namespace

Result<HostPort> HostPort::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad(text, number(text, UINT16_MAX) ? "has no host: write HOST:PORT"
                                              : "has no port: write HOST:PORT");
  }
  // First the host: of an address without its port, the last colon is not the one before it.
  const std::string_view host = text.substr(0, colon);
  if (text.starts_with('[') && text.ends_with(']')) {
    return bad(text, "has no port: write [ADDRESS]:PORT");
  }
  if (!host.starts_with('[') && host.find(':') != std::string_view::npos) {
    return bad(text, about_colons(host));
  }
  const Result<std::uint16_t> port = port_of(text, colon);
  if (!port) return fail(port.error());
  if (!host.starts_with('[')) return make(host, *port);
  if (!host.ends_with(']')) return bad(text, "lacks the ] of its IPv6 address");
  const Literal ip = literal(host.substr(1, host.size() - 2), *port);
  if (ip.kind == Literal::Kind::no_interface) {
    return bad(text, "names no network interface of this machine after its %");
  }
  if (ip.kind == Literal::Kind::none || ip.address.family() != Family::ipv6) {
    return bad(text, "holds no IPv6 address within its brackets");
  }
  return make(host, *port);
}

Result<HostPort> HostPort::make(std::string_view host, std::int64_t port) {
  if (port < 0 || port > UINT16_MAX) {
    return bad(std::to_string(port), "is no port: they go from 0 to 65535");
  }
  const bool brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']') &&
                        host.find(':') != std::string_view::npos;
  HostPort made;
  made.port_ = static_cast<std::uint16_t>(port);
  const Literal ip = literal(brackets ? host.substr(1, host.size() - 2) : host, made.port_);
  if (ip.kind == Literal::Kind::ip) {
    made.address_ = ip.address;
    const std::string text = ip.address.to_string();
    made.host_ = text.substr(0, text.rfind(':'));
    if (made.host_.starts_with('[')) made.host_ = made.host_.substr(1, made.host_.size() - 2);
    return made;
  }
  if (ip.kind == Literal::Kind::no_interface) {
    return no_name(host, "it is no IPv6 address with an interface of this machine");
  }
  if (host.find(':') != std::string_view::npos) {
    return no_name(host, "it has a colon, and is no IPv6 address");
  }
  if (const std::string_view wrong = what_is_wrong(host); !wrong.empty()) {
    return no_name(host, wrong);
  }
  made.host_ = host;
  return made;
}

std::string HostPort::to_string() const {
  return address_ ? address_->to_string() : host_ + ":" + std::to_string(port_);
}

}  // namespace ieum
