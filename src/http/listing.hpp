// A directory's listing as a page. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::http::detail {

struct ListedFile {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;
  std::chrono::sys_seconds modified{};
};

/// HTML; `path` is the decoded path of the directory, which ends with a slash. Names are escaped,
/// whatever they hold; `foot`, HTML, is put behind the table. Says so if the list `is_cut`.
[[nodiscard]] std::string listing_page(std::string_view path, std::vector<ListedFile> files,
                                       bool is_cut, std::string_view foot);

}  // namespace ieum::http::detail
