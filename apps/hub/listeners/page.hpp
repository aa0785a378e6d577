// The page, as the build has put it into the program (apps/hub/web/build.mjs).
#pragma once

#include <span>
#include <string_view>

namespace ieum::hub {

struct PageFile {
  std::string_view path;  // `/app-1A2B3C.js`
  std::string_view type;
  std::string_view etag;  // with its quotes
  std::string_view brotli;
  std::string_view gzip;
  bool is_immutable = false;  // its name changes with what is in it
};

/// None if the hub was built without it.
[[nodiscard]] std::span<const PageFile> page_files() noexcept;

}  // namespace ieum::hub
