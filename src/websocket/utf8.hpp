// Utf8: whether a text is UTF-8, told as it comes (RFC 3629).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <ieum/operation.hpp>

namespace ieum::websocket::detail {

/// Takes a text in pieces, however they are split.
class Utf8 {
 public:
  /// False as soon as no continuation could make it valid; then stays so.
  bool add(ConstBuffer bytes) noexcept;
  /// All that has come is whole.
  [[nodiscard]] bool is_whole() const noexcept { return state_ == 0; }
  void restart() noexcept { state_ = 0; }

 private:
  std::uint8_t state_ = 0;
};

[[nodiscard]] inline bool is_utf8(ConstBuffer bytes) noexcept {
  Utf8 utf8;
  return utf8.add(bytes) && utf8.is_whole();
}

}  // namespace ieum::websocket::detail
