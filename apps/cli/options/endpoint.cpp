#include "options/endpoint.hpp"

#include <charconv>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/http/form.hpp>
#include <ieum/result.hpp>

#include "options/foreign_form.hpp"
#include "options/service_name.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

bool is_port(std::string_view text) {
  return HostPort::parse(fmt::format("host:{}", text)).has_value();
}

std::string about_missing_port(std::string_view text, Role role) {
  if (!is_port(text)) {
    const bool is_host = HostPort::make(text, 0).has_value();
    return fmt::format("{} has no port; write HOST:PORT, as {}:80", in_quotes(text),
                       is_host ? text : "localhost");
  }
  if (role == Role::listen) return fmt::format("{} has no host; write :{}", in_quotes(text), text);
  return fmt::format("{} has no port; write HOST:PORT, as localhost:{}", in_quotes(text), text);
}

std::string about_port(std::string_view text, std::string_view port) {
  const std::size_t dash = port.find('-');
  if (dash != std::string_view::npos && is_port(port.substr(0, dash)) &&
      is_port(port.substr(dash + 1))) {
    return fmt::format("{} is a range of ports; for each of them: for port in $(seq {} {})",
                       in_quotes(text), port.substr(0, dash), port.substr(dash + 1));
  }
  if (is_service_name(port)) {
    return fmt::format(
        "{} names a service that is not known here; write its port, a number from 1 "
        "to 65535",
        in_quotes(text));
  }
  return fmt::format("{} needs a port, a number from 1 to 65535, after its colon", in_quotes(text));
}

/// What to do about `text`, which is no HOST:PORT for the reason that `error` tells.
std::string explain_host_port(std::string_view text, Role role, const Error& error) {
  if (text.empty()) return "an address must not be empty; write HOST:PORT";
  if (text.find('/') != std::string_view::npos) {
    return fmt::format(
        "{} has a '/': it is HOST:PORT and nothing more; a Unix socket is "
        "unix:/PATH",
        in_quotes(text));
  }
  if (text.find('@') != std::string_view::npos) {
    return fmt::format("{} names a user, which an address does not have; write HOST:PORT",
                       in_quotes(text));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return about_missing_port(text, role);
  if (colon == text.rfind(':') && !is_port(text.substr(colon + 1))) {
    return about_port(text, text.substr(colon + 1));
  }
  if (error == Errc::name_invalid) {
    return fmt::format("{} has no valid host before its port: {}", in_quotes(text), error.detail());
  }
  return std::string(error.detail());
}

/// Reads HOST:PORT into `endpoint`. Gives why it is none; empty if it is one.
std::string read_host_port(std::string_view text, Role role, Endpoint& endpoint) {
  endpoint.target = text;
  // As Go and others have it: no host is this host, or every address of it.
  if (text.starts_with(':') && text.rfind(':') == 0) {
    endpoint.target.insert(0, role == Role::listen ? "*" : "localhost");
  }
  const std::size_t colon = endpoint.target.rfind(':');
  const std::string name = colon == std::string::npos ? "" : endpoint.target.substr(colon + 1);
  if (is_service_name(name) && colon == endpoint.target.find(':')) {
    const auto port = port_of_service(name, endpoint.has_datagrams());
    if (port) endpoint.target = fmt::format("{}:{}", endpoint.target.substr(0, colon), *port);
  }
  std::string place = endpoint.target;
  if (place.starts_with("*:")) place.replace(0, 1, "0.0.0.0");
  const Result<HostPort> read = HostPort::parse(place);
  if (!read) return explain_host_port(text, role, read.error());
  endpoint.port = read->port();
  if (role == Role::listen || endpoint.port != 0) return {};
  return fmt::format("{} has port 0, where nobody can listen", in_quotes(endpoint.target));
}

Parsed<std::string> unix_target(std::string_view text, std::string_view whole) {
  std::string target = "unix:" + std::string(text);
  const Result<Address> address = Address::parse(target);
  if (address) return target;
  if (address.error().detail().empty()) {
    return UsageError(
        fmt::format("{} is longer than the {} bytes that the name of a Unix socket may have",
                    in_quotes(whole), Address::unix_name_bytes_max));
  }
  return UsageError(std::string(address.error().detail()));
}

Parsed<int> descriptor_of(std::string_view text, std::string_view whole) {
  std::uint16_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end) return number;
  return UsageError(fmt::format("{} does not name a descriptor; write fd:3", in_quotes(whole)));
}

bool is_group(const Address& address) noexcept {
  const auto first = address.is_ip() ? static_cast<unsigned char>(address.bytes().front()) : 0U;
  return address.family() == Family::ipv4 ? first >= 224 && first < 240 : first == 0xff;
}

}  // namespace

std::optional<int> Endpoint::setting(Key key) const noexcept {
  for (const Setting& setting : settings) {
    if (setting.key == key) return setting.value;
  }
  return {};
}

std::string_view Endpoint::text_setting(Key key) const noexcept {
  for (const Setting& setting : settings) {
    if (setting.key == key) return setting.text;
  }
  return {};
}

std::string Endpoint::to_string() const {
  switch (scheme) {
    case Scheme::standard: return "-";
    case Scheme::descriptor: return fmt::format("fd:{}", descriptor);
    default: return target;
  }
}

Parsed<Endpoint> parse_endpoint(std::string_view text, Role role) {
  const std::string_view whole = text;
  if (text.find('\0') != std::string_view::npos) {
    return UsageError(fmt::format("{} contains a zero byte", in_quotes(text)));
  }
  std::string foreign = explain_foreign_form(text, role);
  if (!foreign.empty()) return UsageError(std::move(foreign));
  Parsed<Scheme> scheme = Scheme::standard;
  if (text != "-") scheme = take_scheme(text, role);
  if (!scheme) return UsageError(scheme.error());
  std::string unfit = refuse_scheme(*scheme, role);
  if (!unfit.empty()) return UsageError(std::move(unfit));
  if (*scheme == Scheme::standard) return Endpoint{.scheme = *scheme};
  if (*scheme == Scheme::command || *scheme == Scheme::command_on_terminal) {
    if (text.empty()) return UsageError(fmt::format("{} lacks a command", in_quotes(whole)));
    return Endpoint{.scheme = *scheme, .target = std::string(text)};  // ? is the shell's
  }
  const std::size_t question = text.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : text.substr(question + 1);
  text = text.substr(0, question);
  auto settings = parse_settings(query, *scheme, role);
  if (!settings) return UsageError(fmt::format("in {}: {}", in_quotes(whole), settings.error()));

  Endpoint endpoint{.scheme = *scheme, .settings = *std::move(settings)};
  if (endpoint.scheme == Scheme::descriptor) {
    const auto number = descriptor_of(text, whole);
    if (!number) return UsageError(number.error());
    endpoint.descriptor = *number;
    return endpoint;
  }
  if (is_local(endpoint.scheme)) {
    const auto path = http::percent_decode(text);
    if (!path || path->empty() || path->contains('\0')) {
      return UsageError(fmt::format("{} names no file; write a space, % or ? as %20, %25 or %3F",
                                    in_quotes(whole)));
    }
    endpoint.target = *path;
    return endpoint;
  }
  if (endpoint.is_unix()) {
    auto target = unix_target(text, whole);
    if (!target) return UsageError(target.error());
    endpoint.target = *std::move(target);
    return endpoint;
  }
  std::string reason = read_host_port(text, role, endpoint);
  if (!reason.empty()) return UsageError(std::move(reason));
  if (endpoint.scheme == Scheme::multicast) {
    const Result<Address> group = Address::parse(endpoint.target);
    if (!group || !is_group(*group)) {
      return UsageError(
          fmt::format("{} is not a multicast group; write an address from 224.0.0.0 to "
                      "239.255.255.255, or one that begins with ff, as [ff02::1234]:5000",
                      in_quotes(whole)));
    }
  }
  return endpoint;
}

Parsed<Address> parse_source(std::string_view text) {
  // A port alone, of any address: `:5000`, for IPv6 `[::]:5000`.
  const bool port_alone = text.starts_with(':') && text.rfind(':') == 0;
  Result<HostPort> place =
      HostPort::parse(port_alone ? fmt::format("0.0.0.0{}", text) : std::string(text));
  if (!place || !place->address()) place = HostPort::make(text, 0);
  if (place && place->address()) return *place->address();
  return UsageError(
      fmt::format("{} is not a local address; write one as 192.0.2.1, "
                  "192.0.2.1:5000, [2001:db8::1]:5000, or a port alone as :5000",
                  in_quotes(text)));
}

}  // namespace ieum::cli
