// Processes, users and system calls in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ieum/socket_table.hpp>

namespace ieum::cli {

/// "alice", or "user 1000"; printable.
[[nodiscard]] std::string user_name(std::uint32_t uid);

/// A call that a thread is blocked in with a socket: it reads or accepts. Any other one writes.
[[nodiscard]] bool is_receiving_call(std::string_view call) noexcept;
/// Whether a call waits for descriptors that are in the program's memory.
[[nodiscard]] bool is_polling_call(std::string_view call) noexcept;

/// "input", "output", "input and output", "nothing": what an epoll is asked for.
[[nodiscard]] std::string_view epoll_words(std::uint32_t events) noexcept;

}  // namespace ieum::cli
