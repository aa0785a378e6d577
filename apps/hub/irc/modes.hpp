// Modes: which there are, and what a MODE command asks for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::hub {

/// How a channel's mode uses a parameter (the groups of CHANMODES in RPL_ISUPPORT).
enum class ModeKind : std::uint8_t {
  list,    ///< adds to or removes from a list; without a parameter shows it
  always,  ///< a parameter to set and to unset
  to_set,  ///< a parameter to set only
  flag,    ///< none
  member,  ///< of a member: its nick
};

struct ChannelMode {
  char letter;
  ModeKind kind;
  std::string_view meaning;
};
/// All of them, in the order in which clients are told.
[[nodiscard]] std::span<const ChannelMode> channel_modes() noexcept;
[[nodiscard]] const ChannelMode* find_channel_mode(char letter) noexcept;
/// `beI,k,l,imnst`
[[nodiscard]] std::string chanmodes_token();
/// Letters of all modes, in alphabetical order: of channels, of users (RPL_MYINFO).
[[nodiscard]] std::string channel_mode_letters();
inline constexpr std::string_view user_mode_letters = "Bio";
[[nodiscard]] std::string channel_mode_letters_with_param();

struct ModeChange {
  bool adding = true;
  char letter = 0;
  std::string param;  // empty: none

  bool operator==(const ModeChange&) const = default;
};

/// What `modes` with its `params` asks for.
struct ModeRequest {
  std::vector<ModeChange> changes;
  std::vector<char> lists;          // shown, without a parameter
  std::vector<char> unknown;        // letters of no mode
  std::vector<char> without_param;  // that need one
};
/// At most `params_max` changes with a parameter; what goes beyond is left out.
[[nodiscard]] ModeRequest parse_channel_modes(std::string_view modes,
                                              std::span<const std::string> params,
                                              std::size_t params_max);

/// `+o-v ann bob`, as parameters: the first is of the letters.
[[nodiscard]] std::vector<std::string> mode_params(std::span<const ModeChange> changes);

}  // namespace ieum::hub
