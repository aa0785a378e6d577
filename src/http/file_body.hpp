// FileBody: a file, or parts of one, as a response's body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ieum/descriptor.hpp>

namespace ieum::http::detail {

struct FileBody {
  /// Text, then bytes of the file.
  struct Part {
    std::string before;
    std::uint64_t at = 0;
    std::uint64_t bytes = 0;
  };
  std::shared_ptr<const Descriptor> file;
  std::vector<Part> parts;
  std::string after;

  [[nodiscard]] std::uint64_t length() const noexcept {
    std::uint64_t all = after.size();
    for (const Part& part : parts) all += part.before.size() + part.bytes;
    return all;
  }
};

}  // namespace ieum::http::detail
