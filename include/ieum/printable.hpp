// Text from elsewhere, for a line on a terminal.
#pragma once

#include <string>
#include <string_view>

#pragma GCC visibility push(default)
namespace ieum {

/// `text` as one line that shows what it holds: each byte that is not printable as `\xNN`.
/// Printable is well-formed UTF-8 without controls (C0, DEL, C1), separators of lines and
/// paragraphs, and what changes the direction of writing: so no text that a peer has sent can
/// command a terminal or be shown in another order. For readers; it cannot be turned back, since a
/// backslash stands for itself. Messages of errors (`Error`) hold to the same rule.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace ieum
#pragma GCC visibility pop
