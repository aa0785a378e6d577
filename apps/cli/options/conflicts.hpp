// Conflicts: which options exclude each other, or have no effect, as a table that one function
// evaluates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "options/endpoint.hpp"
#include "options/given_options.hpp"

namespace ieum::cli {

/// Holds if all that it names is so; what it leaves out does not matter. "?ttl" is a key of the
/// address.
struct Conflict {
  std::vector<std::string_view> options;    ///< one of these is given, or `count_min` of them
  std::string_view sentence;                ///< "{}" stands for the first of them that is given
  std::vector<std::string_view> with{};     ///< one of these is given too
  std::vector<std::string_view> without{};  ///< none of these is given
  std::uint32_t schemes = ~0U;              ///< the address is of one of these kinds (`bit`)
  std::size_t count_min = 1;
};

/// The sentence of the first conflict that holds; empty if none does.
[[nodiscard]] std::string find_conflict(std::span<const Conflict> conflicts,
                                        const GivenOptions& given, const Endpoint& endpoint);

// Kinds of addresses.
inline constexpr std::uint32_t datagram_schemes =
    bit(Scheme::udp) | bit(Scheme::unix_datagram) | bit(Scheme::multicast);
inline constexpr std::uint32_t ip_schemes =
    bit(Scheme::tcp) | bit(Scheme::tls) | bit(Scheme::udp) | bit(Scheme::multicast);
/// What a connection is made to.
inline constexpr std::uint32_t connection_schemes =
    bit(Scheme::tcp) | bit(Scheme::tls) | bit(Scheme::unix_stream);

}  // namespace ieum::cli
