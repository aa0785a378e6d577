// Columns that text takes on a terminal, where Korean letters and emoji take two.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ieum::cli::trace {

/// Of printable UTF-8 (Unicode 15: UAX #11, wide and full width).
[[nodiscard]] std::size_t columns_of_wide(std::string_view text);

/// The beginning of `text` that fits into `columns`, ending with `…` if something is cut off (or
/// with "~" in ASCII).
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns, bool ascii);

/// `text` with blanks to exactly `columns`, cut if it is longer.
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t columns, bool ascii);
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t columns, bool ascii);

/// For --ascii: our own signs in ASCII, all others as \u{AC00}.
[[nodiscard]] std::string to_ascii(std::string_view text);

/// The beginning of bytes that went over a socket, as one line: printable UTF-8 stays, line ends
/// are \n, all else \xNN. A letter cut in two at the end is left out if `is_cut`.
[[nodiscard]] std::string escape_data(std::string_view bytes, bool is_cut);

}  // namespace ieum::cli::trace
