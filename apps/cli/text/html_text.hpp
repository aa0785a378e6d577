// Pages that need no network and no script: how they begin and end, and text within them.
#pragma once

#include <string>
#include <string_view>

namespace ieum::cli {

/// Up to the body's content. `style` is CSS.
[[nodiscard]] std::string html_begin(std::string_view title, std::string_view style);
[[nodiscard]] std::string_view html_end();
/// Text, or the value of an attribute, as HTML has it.
[[nodiscard]] std::string to_html_text(std::string_view text);

}  // namespace ieum::cli
