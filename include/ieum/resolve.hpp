// resolve: a name's addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct ResolveOptions {
  /// Addresses of each family that are kept; further ones are left off.
  static constexpr std::size_t addresses_max = 64;
  /// Name servers of resolv.conf that are asked, the first ones (resolv.conf(5)).
  static constexpr std::size_t servers_max = 3;
  static constexpr int rounds_max = 10;
  static constexpr Duration server_timeout_default = std::chrono::seconds(2);
  static constexpr int rounds_default = 3;
  /// Names whose addresses a thread keeps, and how long at most.
  static constexpr std::size_t cached_names_max = 256;
  static constexpr Duration cached_time_max = std::chrono::hours(1);

  /// For the whole resolution; zero: until the servers have had their rounds.
  AnyDuration timeout{};
  /// `Family::ipv4` or `Family::ipv6`: only such addresses. `Family::none`: both.
  Family family = Family::none;
  /// A name server to ask instead of those of resolv.conf, for exactly this name: no search list.
  /// Port 0: 53.
  Address server{};
  /// How long a server may take before the next one is asked, 1 ms to 1 minute; doubled every
  /// round. None: `timeout:` of resolv.conf, else `server_timeout_default`.
  std::optional<AnyDuration> server_timeout{};
  /// How often each server is asked, at most `rounds_max`. None: `attempts:` of resolv.conf, else
  /// `rounds_default`.
  std::optional<int> rounds{};
  /// Names that name servers are asked for at the same time, of each thread; this one waits for its
  /// turn, in order. One that has had no answer for a quarter of the server's timeout, or less
  /// where many wait, gives its turn to the next and does not count; of these, twice as many go on,
  /// and others are asked for again after them. Each that goes on takes one descriptor for each
  /// server that was asked so far, and another if that had to be asked by TCP.
  std::size_t at_once_max = 64;
  /// Answers are kept as long as their records say, and taken from there.
  bool cache = true;

  bool operator==(const ResolveOptions& other) const = default;
};

/// The addresses of `host`, with `port`, best first (RFC 6724). In this order: an address
/// (`127.0.0.1`, `::1`, `fe80::1%eth0`, IPv6 also within brackets) is that address; `localhost`
/// and what ends in `.localhost` is the loopback address, whatever others say (RFC 6761);
/// /etc/hosts; the name servers of /etc/resolv.conf with its search list, by UDP, and by TCP if an
/// answer was truncated. Both files are read anew each time. Addresses are kept as long as the
/// servers say (`cached_names_max`, `cached_time_max`); who asks for what a runtime is asking for
/// already gets the same answer. A server that has not answered is asked last for 30 seconds.
///
/// A name is made of letters, digits, `-`, `_` and dots; international ones are given in their
/// ASCII form (`xn--…`). Modules of nsswitch.conf, as mDNS, are not asked:
/// docs/decisions/0005-names.md.
///
/// Never blocks the loop but for reading these files. A stop ends it at once, and closes its
/// sockets. Any number may run at the same time, see `at_once_max`. Errors, each with the name:
/// those of `Errc` that begin with `name_`, `timed_out`, `operation_canceled`,
/// `too_many_files_open`, `invalid_argument` (an option).
[[nodiscard]] Task<std::vector<Address>> resolve(std::string host, std::uint16_t port,
                                                 ResolveOptions options = {});

}  // namespace ieum
#pragma GCC visibility pop
