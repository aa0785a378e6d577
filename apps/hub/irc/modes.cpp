// Modes: which there are, and what a MODE command asks for.
#include "irc/modes.hpp"

#include <algorithm>
#include <array>

namespace ieum::hub {

namespace {

constexpr std::array table{
    ChannelMode{'b', ModeKind::list, "banned: may not join or speak"},
    ChannelMode{'e', ModeKind::list, "excepted from bans"},
    ChannelMode{'I', ModeKind::list, "may join without an invitation"},
    ChannelMode{'k', ModeKind::always, "a key is needed to join"},
    ChannelMode{'l', ModeKind::to_set, "at most so many members"},
    ChannelMode{'i', ModeKind::flag, "by invitation only"},
    ChannelMode{'m', ModeKind::flag, "only operators and voiced members speak"},
    ChannelMode{'n', ModeKind::flag, "only members speak"},
    ChannelMode{'r', ModeKind::flag, "registered: keeps topic, modes and access while empty"},
    ChannelMode{'s', ModeKind::flag, "not shown to others"},
    ChannelMode{'t', ModeKind::flag, "only operators set the topic"},
    ChannelMode{'o', ModeKind::member, "an operator of the channel"},
    ChannelMode{'v', ModeKind::member, "voiced"},
};

std::string letters_if(auto condition) {
  std::string letters;
  for (const ChannelMode& mode : table) {
    if (condition(mode)) letters += mode.letter;
  }
  std::ranges::sort(letters);
  return letters;
}

}  // namespace

std::span<const ChannelMode> channel_modes() noexcept { return table; }

const ChannelMode* find_channel_mode(char letter) noexcept {
  const auto* const found = std::ranges::find(table, letter, &ChannelMode::letter);
  return found == table.end() ? nullptr : found;
}

std::string chanmodes_token() {
  std::string token;
  for (const ModeKind kind : {ModeKind::list, ModeKind::always, ModeKind::to_set, ModeKind::flag}) {
    if (kind != ModeKind::list) token += ',';
    for (const ChannelMode& mode : table) {
      if (mode.kind == kind) token += mode.letter;
    }
  }
  return token;
}

std::string channel_mode_letters() {
  return letters_if([](const ChannelMode&) { return true; });
}

std::string channel_mode_letters_with_param() {
  return letters_if([](const ChannelMode& mode) { return mode.kind != ModeKind::flag; });
}

ModeRequest parse_channel_modes(std::string_view modes, std::span<const std::string> params,
                                std::size_t params_max) {
  ModeRequest request;
  bool adding = true;
  std::size_t next = 0;
  for (const char letter : modes) {
    if (letter == '+' || letter == '-') {
      adding = letter == '+';
      continue;
    }
    const ChannelMode* mode = find_channel_mode(letter);
    if (mode == nullptr) {
      if (std::ranges::find(request.unknown, letter) == request.unknown.end())
        request.unknown.push_back(letter);
      continue;
    }
    const bool takes_param = mode->kind == ModeKind::flag     ? false
                             : mode->kind == ModeKind::to_set ? adding
                                                              : true;
    if (!takes_param) {
      request.changes.push_back({adding, letter, {}});
    } else if (next < params.size() && !params[next].empty()) {
      const std::string& param = params[next++];
      if (next <= params_max) request.changes.push_back({adding, letter, param});
    } else if (mode->kind == ModeKind::list) {
      ++next;
      if (std::ranges::find(request.lists, letter) == request.lists.end())
        request.lists.push_back(letter);
    } else if (mode->kind == ModeKind::always && !adding) {
      ++next;
      request.changes.push_back({adding, letter, "*"});  // a key is taken away without naming it
    } else {
      ++next;
      request.without_param.push_back(letter);
    }
  }
  return request;
}

std::vector<std::string> mode_params(std::span<const ModeChange> changes) {
  std::vector<std::string> result(1);
  char sign = 0;
  for (const ModeChange& change : changes) {
    const char wanted = change.adding ? '+' : '-';
    if (sign != wanted) result.front() += sign = wanted;
    result.front() += change.letter;
    if (!change.param.empty()) result.push_back(change.param);
  }
  return result;
}

}  // namespace ieum::hub
