// FileBody: a file, or parts of one, as a response's body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ieum/descriptor.hpp>

namespace ieum::http::detail {

/// How far a file is looked for: only where the kernel has it in its memory, so that it takes no
/// longer than another call, or also on the disk, which is for the pool's threads.
enum class Reach : std::uint8_t { memory, disk };

/// Reads `into.size()` bytes at this place, fewer at the file's end. -EAGAIN: they are not all in
/// memory; or another -errno.
[[nodiscard]] std::int64_t read_file(const Descriptor& file, std::span<char> into, std::uint64_t at,
                                     Reach reach) noexcept;

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
