// LineSplitter: lines out of what comes, in whatever pieces. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ieum::hub {

/// Holds nothing while no line is begun. A line that is too long is given once, cut off at the
/// limit and more, so that it is refused as too long; the rest of it is thrown away as it comes.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  void add(std::string_view bytes);
  /// The next line, without its end, `\n` or `\r\n`; none: more must come first.
  [[nodiscard]] std::optional<std::string> next();

 private:
  std::size_t bytes_max_;
  std::string pending_;
  std::size_t from_ = 0;
  bool skipping_ = false;
};

}  // namespace ieum::hub
