// What the terminals of standard output and error can do.
#pragma once

namespace ieum::cli {

/// It is a terminal on which a line can be drawn over.
[[nodiscard]] bool draws_lines(int descriptor);

/// It is a terminal that takes colours, and nobody has asked for none: NO_COLOR (no-color.org),
/// TERM=dumb.
[[nodiscard]] bool takes_color(int descriptor);

/// Columns for text: the terminal's, else COLUMNS, else 80; from 40 to 100.
[[nodiscard]] int text_columns(int descriptor);

}  // namespace ieum::cli
