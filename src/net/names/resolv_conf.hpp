// What /etc/resolv.conf says that c-ares does not read (resolv.conf(5)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// `timeout:` and `attempts:` of resolv.conf's options, within the system's limits.
struct ResolverOptions {
  std::optional<Duration> timeout;
  std::optional<int> attempts;

  /// Takes what the words of `text` say, as the option line has them.
  void take(std::string_view text);
};

/// Reads the file, and then the environment's RES_OPTIONS.
[[nodiscard]] ResolverOptions resolver_options();

/// Tells whether the file has changed.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t changed_at = 0;  // nanoseconds
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
[[nodiscard]] FileStamp resolv_conf_stamp() noexcept;

}  // namespace ieum::detail
