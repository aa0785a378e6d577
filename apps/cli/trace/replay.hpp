// Replay: reads a recording, which may come from anywhere.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "trace/event.hpp"

namespace ieum::cli::trace {

/// Longer lines are no events.
inline constexpr std::size_t recorded_line_bytes_max = std::size_t{1} << 20U;

/// Gives the events of a recording's text, from its beginning to its end. Or a sentence: about the
/// first line that is no event, or that the recording was cut off, as by a full disk; what was
/// there before that has been given, and its end too.
[[nodiscard]] std::expected<void, std::string> replay(std::string_view text, const EventSink& sink);
/// The same of a file; "-" is standard input.
[[nodiscard]] std::expected<void, std::string> replay_file(const std::string& path,
                                                           const EventSink& sink);

}  // namespace ieum::cli::trace
