// Setting: one ?key=value of an address.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "options/scheme.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

/// What `?key=value` may set.
enum class Key : std::uint8_t {
  nodelay,
  keepalive,
  sndbuf,
  rcvbuf,
  tos,
  ttl,
  reuseport,
  ipv6only,
  replace,
  unlink,
  mode,
  owner,
  interface,
  source,
  loop,
  write,
  speed,
  raw,
};

/// A key as it is documented: the parser, the help and the suggestions read the same table.
struct KeyInfo {
  Key key;
  std::string_view name;
  std::string_view value;  ///< "0|1", "SECONDS"
  std::uint32_t schemes;   ///< a bit for each (`bit`)
  std::uint32_t roles;     ///< the same
  std::int64_t min;        ///< of a number; a text if both are 0
  std::int64_t max;
  std::string_view meaning;
};
[[nodiscard]] std::span<const KeyInfo> keys() noexcept;

struct Setting {
  Key key;
  int value = 0;
  std::string text{};  ///< as it was written
};

/// Reads what stands after the `?`: `key=value&key=value`.
[[nodiscard]] Parsed<std::vector<Setting>> parse_settings(std::string_view query, Scheme scheme,
                                                          Role role);

}  // namespace ieum::cli
