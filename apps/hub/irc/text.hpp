// Text: UTF-8, and the case mapping by which names are the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::hub {

/// The case mapping that clients are told of: only A to Z and a to z are the same.
inline constexpr std::string_view casemapping = "ascii";

/// The name as it is compared: two names are the same if their keys are.
[[nodiscard]] std::string key_of(std::string_view name);
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

/// Well-formed (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// The longest beginning of `text` of at most `bytes_max` bytes that does not end within a
/// character; of what is no UTF-8, simply that many bytes.
[[nodiscard]] std::string_view cut(std::string_view text, std::size_t bytes_max) noexcept;

/// A letter's upper form, of ASCII.
[[nodiscard]] std::string upper(std::string_view text);

/// The parts between `separator`s, without empty ones.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// Holds nothing but printable text: no C0, no DEL.
[[nodiscard]] bool has_controls(std::string_view text) noexcept;

/// A whole number without a sign, of nothing but digits; else `otherwise`.
[[nodiscard]] std::size_t number_of(std::string_view text, std::size_t otherwise) noexcept;

}  // namespace ieum::hub
