// What may be shown and what may be a name: pure functions over UTF-8, no sockets here.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace chat {

inline constexpr std::size_t name_characters_max = 20;

/// What somebody wrote, as it is safe on anybody else's terminal. Invalid UTF-8 becomes U+FFFD; a
/// control character becomes its visible sign (ESC: U+241B), a tab a space; what turns the
/// direction of writing or begins a new line becomes U+FFFD. At most three times as long as `text`.
std::string printable(std::string_view text);

/// Whether `name` may name a member or a room: letters of any of the larger scripts (Korean as
/// whole syllables), digits, `-` and `_`; at most `name_characters_max` of them.
bool is_name(std::string_view name);

/// Names that differ only in the case of a-z are the same name: the same key.
std::string key_of(std::string_view name);

/// The one of `words` that `word` was probably meant to be, or "".
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

/// Splits at the first space: "msg ann hi there" gives "msg" and "ann hi there".
struct FirstWord {
  std::string_view word;
  std::string_view rest;
};
FirstWord first_word(std::string_view text);

}  // namespace chat
