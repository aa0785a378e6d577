// pass_between: what one end gives goes to the other, both ways at once, until both have finished.
#pragma once

#include <cstdint>
#include <optional>

#include "ends/end.hpp"
#include "report/event_log.hpp"

namespace ieum::cli {

/// One of the two: the end, and where its events go; null: they are not reported.
struct PassSide {
  End& end;
  EventLog* events;
};

struct PassOptions {
  Duration idle{};  ///< ends when nothing has been passed on for so long; zero: never
  /// An end that has none of its own does not keep the other, which has finished: it is over once
  /// nothing has come from it for so long.
  Duration linger = std::chrono::seconds(1);
};

/// How it ended.
struct PassResult {
  EndReason reason = EndReason::running;
  /// What broke it, and of whom.
  std::optional<Error> error{};
  Stage stage = Stage::receiving;
  const End* broken = nullptr;
  std::uint64_t a_to_b = 0;  ///< bytes
  std::uint64_t b_to_a = 0;
  std::uint64_t discarded = 0;  ///< of those that nobody took
};

/// Closes both ends, also when it is stopped. If one breaks, or cannot be closed well, the other
/// is aborted. The library's `relay` is for streams; here ends may keep messages apart, say no end
/// of theirs, or be over with a command, and each transfer is an event.
[[nodiscard]] Task<PassResult> pass_between(PassSide a, PassSide b, PassOptions options);

}  // namespace ieum::cli
