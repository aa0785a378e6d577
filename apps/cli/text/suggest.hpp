// The nearest of some words to one that is none of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ieum::cli {

/// The word of `known` that `word` is most likely a slip of: another case, a beginning of it, or a
/// few letters missing, added, changed or swapped. Empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

/// `text` for a sentence: printable, and cut after 60 bytes.
[[nodiscard]] std::string shown(std::string_view text);
/// The same within single quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "; did you mean '--idle'?", or empty.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace ieum::cli
