// Conditional requests and ranges (RFC 9110, sections 13 and 14). Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <ieum/http/fields.hpp>
#include <ieum/http/method.hpp>
#include <ieum/http/status.hpp>

namespace ieum::http::detail {

/// What is known of what would be sent.
struct Validators {
  std::string_view etag;  ///< with its quotation marks; strong
  std::chrono::sys_seconds modified;
};

/// What the conditions say: `ok`, `not_modified` or `precondition_failed`, in the order of RFC
/// 9110, section 13.2.2. If-Range is a matter of ranges.
[[nodiscard]] Status judge_conditions(const Fields& request, Method method, const Validators& of);

/// Bytes of a representation, from `at` on.
struct ByteRange {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  bool operator==(const ByteRange&) const = default;
};
/// Ranges asked for at once; with more, the whole is sent.
inline constexpr std::size_t ranges_max = 16;

struct Ranges {
  enum class Kind : std::uint8_t { whole, parts, unsatisfiable };
  Kind kind = Kind::whole;
  std::vector<ByteRange> parts;
};
/// What of `size` bytes is asked for. The whole if a range is malformed, of another unit or not of
/// this version (If-Range), or if the parts overlap or are too many.
[[nodiscard]] Ranges judge_ranges(const Fields& request, Method method, const Validators& of,
                                  std::uint64_t size);

/// Whether a client takes a content coding (section 12.5.3); none, unless it says so.
[[nodiscard]] bool accepts_coding(const Fields& request, std::string_view coding);

}  // namespace ieum::http::detail
