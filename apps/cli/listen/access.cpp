#include "listen/access.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/resolve.hpp>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

/// An address alone, with brackets or without; none if it is something else.
std::optional<Address> address_of(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const Result<HostPort> place = HostPort::make(text, 0);
  return place ? place->address() : std::nullopt;
}

/// `item` as a prefix or a name into `list`; gives why it is neither.
std::string read_item(std::string_view item, AccessList& list) {
  const std::size_t slash = item.find('/');
  const std::optional<Address> address = address_of(item.substr(0, slash));
  if (slash == std::string_view::npos) {
    if (address) {
      list.prefixes.push_back(Prefix::of(*address));
      return {};
    }
    if (item.find(':') == std::string_view::npos && HostPort::make(item, 0)) {
      list.names.emplace_back(item);
      return {};
    }
    return "is no address, prefix or name";
  }
  if (!address) return "has no address before its '/'";
  unsigned bits = 0;
  const std::string_view number = item.substr(slash + 1);
  const char* const end = number.data() + number.size();
  const auto [rest, error] = std::from_chars(number.data(), end, bits);
  if (error != std::errc{} || rest != end || bits > Prefix::bits_max(*address)) {
    return fmt::format("has no number from 0 to {} after its '/'", Prefix::bits_max(*address));
  }
  list.prefixes.push_back({*address, bits});
  return {};
}

Task<std::vector<Prefix>> look_up(AccessList list, Duration limit) {
  ResolveOptions options;
  options.timeout = limit;
  for (const std::string& name : list.names) {
    const std::vector<Address> found = co_await resolve(name, 0, options);
    for (const Address& address : found) list.prefixes.push_back(Prefix::of(address));
  }
  co_return list.prefixes;
}

}  // namespace

Parsed<AccessList> parse_access_list(std::string_view option, std::string_view text) {
  AccessList list;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::string wrong = read_item(item, list);
    if (!wrong.empty()) {
      return UsageError(fmt::format(
          "{} takes addresses, prefixes and names, as 192.0.2.0/24,::1,example.com; {} {}", option,
          in_quotes(item), wrong));
    }
    if (comma == std::string_view::npos) return list;
    text.remove_prefix(comma + 1);
  }
}

Task<Access> Access::make(AccessList allowed, AccessList denied, Duration limit) {
  Access access;
  access.allows_all_ = allowed.is_empty();
  access.allowed_ = co_await look_up(std::move(allowed), limit);
  access.denied_ = co_await look_up(std::move(denied), limit);
  co_return access;
}

bool Access::admits(const Address& peer) const noexcept {
  const auto holds = [&peer](const Prefix& prefix) { return prefix.contains(peer); };
  if (std::ranges::any_of(denied_, holds)) return false;
  return allows_all_ || std::ranges::any_of(allowed_, holds);
}

}  // namespace ieum::cli
