// Line ends: each LF as CR LF (--crlf), as the protocols of the Internet have them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::cli {

class LineEnds {
 public:
  /// `data` with a CR before each LF that has none; valid until the next call. Where a read ends
  /// does not matter.
  [[nodiscard]] ConstBuffer to_crlf(ConstBuffer data) {
    changed_.clear();
    changed_.reserve(data.size() + data.size() / 16 + 1);
    for (const std::byte byte : data) {
      if (byte == std::byte{'\n'} && last_ != std::byte{'\r'}) changed_.push_back(std::byte{'\r'});
      changed_.push_back(byte);
      last_ = byte;
    }
    return changed_;
  }

 private:
  std::byte last_{};
  std::vector<std::byte> changed_;
};

}  // namespace ieum::cli
