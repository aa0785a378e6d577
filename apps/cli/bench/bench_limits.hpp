// What `ieum bench` holds at most.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ieum::cli {

inline constexpr int connections_max = 60'000;      ///< that are held at a time
inline constexpr int depth_max = 10'000;            ///< messages under way on each
inline constexpr int rate_max = 10'000'000;         ///< messages a second
inline constexpr int message_bytes_max = 16 << 20;  ///< of a message, and of an answer
inline constexpr std::size_t datagram_bytes_max = 65'507;
inline constexpr std::size_t connecting_at_once_max = 64;
inline constexpr std::size_t troubles_max = 100;  ///< kinds of errors that are told apart

}  // namespace ieum::cli
