// Wrapped text: words in lines of limited width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ieum::cli {

/// Columns that UTF-8 text takes; ours has no wide characters.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// Appends `text` as lines of at most `columns`, the first indented by `indent`, others by
/// `hanging`. A word that is longer has a line of its own.
void append_wrapped(std::string& to, std::string_view text, std::size_t columns, std::size_t indent,
                    std::size_t hanging);

}  // namespace ieum::cli
