// A ladder as a page: one file that needs no network and no script, whose text can be copied.
#pragma once

#include <string>
#include <string_view>

namespace ieum::cli::trace {

[[nodiscard]] std::string page_begin();
[[nodiscard]] std::string page_end();
/// Lines of a ladder, as text within HTML.
[[nodiscard]] std::string to_html(std::string_view lines);

}  // namespace ieum::cli::trace
