// The system calls that a trace stops at, and the words for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ieum::cli::trace {

enum class CallKind : std::uint8_t {
  create,
  create_pair,
  bind,
  listen,
  accept,
  connect,
  shut_down,
  send,
  receive,
  set_option,
  get_option,
  close,
  duplicate,  ///< dup2(2): closes what the number was before
  ring,       ///< io_uring_setup(2)
};

/// Where the bytes of a call are.
enum class Buffers : std::uint8_t { none, plain, vector, message, messages };

struct Call {
  long number;
  std::string_view name;
  CallKind kind;
  Buffers buffers = Buffers::none;

  /// The peer may see what it does before it returns, so its place is where it was called.
  [[nodiscard]] bool acts_at_once() const noexcept {
    return kind == CallKind::send || kind == CallKind::connect || kind == CallKind::shut_down ||
           kind == CallKind::close || kind == CallKind::duplicate;
  }
};

[[nodiscard]] std::span<const Call> traced_calls() noexcept;
/// None if it is not traced.
[[nodiscard]] const Call* find_call(long number) noexcept;
[[nodiscard]] const Call* find_call(std::string_view name) noexcept;

/// "SO_REUSEADDR"; empty: not one that is worth a row.
[[nodiscard]] std::string_view option_name(int level, int option) noexcept;

/// "ECONNREFUSED", or "error 999".
[[nodiscard]] std::string error_name(std::int64_t number);
/// "SIGPIPE"
[[nodiscard]] std::string signal_name(std::int64_t number);

}  // namespace ieum::cli::trace
