// Names: what nicks, channels, users, keys and accounts may be called; masks.
#pragma once

#include <string>
#include <string_view>

namespace ieum::hub {

/// `#name`: any UTF-8 but spaces, commas, controls, '*', '?', and BELL.
[[nodiscard]] bool is_channel(std::string_view name) noexcept;
/// Begins as a channel's does, whatever follows.
[[nodiscard]] inline bool looks_like_channel(std::string_view name) noexcept {
  return name.starts_with('#');
}
/// Letters, digits, and `[]\`_^{|}-`, or any character beyond ASCII; no digit or '-' at first.
[[nodiscard]] bool is_nick(std::string_view name) noexcept;
/// As a nick, and '.', '-' and '~' as well, at any place.
[[nodiscard]] bool is_user(std::string_view name) noexcept;
[[nodiscard]] bool is_key(std::string_view key) noexcept;
[[nodiscard]] bool is_account(std::string_view name) noexcept;

/// A name that a client gave, as a parameter of the answer: `*` if it could not be one.
[[nodiscard]] std::string_view shown(std::string_view name) noexcept;

/// `*` stands for any text, `?` for any one character; ASCII letters of either case are the same.
[[nodiscard]] bool matches(std::string_view mask, std::string_view text) noexcept;
/// `nick!user@host` of what a client gave: `nick`, `user@host`, `nick!user`, `*.example.com`.
[[nodiscard]] std::string full_mask(std::string_view mask);

}  // namespace ieum::hub
