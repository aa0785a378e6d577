// Capabilities: what a client may ask for beyond plain IRC (IRCv3), in one table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ieum::hub {

enum class Cap : std::uint8_t {
  account_notify,
  account_tag,
  away_notify,
  batch,
  cap_notify,
  chghost,
  account_registration,
  chathistory,
  event_playback,
  message_redaction,
  read_marker,
  echo_message,
  extended_join,
  resume,
  invite_notify,
  labeled_response,
  message_tags,
  multi_prefix,
  sasl,
  server_time,
  setname,
  standard_replies,
  userhost_in_names,
};

struct CapInfo {
  Cap cap;
  std::string_view name;
  std::string_view value;  // for those who know values (CAP LS 302)
  std::string_view meaning;
};

/// In the order of `Cap`, and in alphabetical order but for drafts.
inline constexpr std::array capabilities{
    CapInfo{Cap::account_notify, "account-notify", "", "is told when others log in or out"},
    CapInfo{Cap::account_tag, "account-tag", "", "messages tell their sender's account"},
    CapInfo{Cap::away_notify, "away-notify", "", "is told when others are away"},
    CapInfo{Cap::batch, "batch", "", "lines that belong together come as a batch"},
    CapInfo{Cap::cap_notify, "cap-notify", "", "is told when capabilities come and go"},
    CapInfo{Cap::chghost, "chghost", "", "is told when another's user or host changes"},
    CapInfo{Cap::account_registration, "draft/account-registration",
            "before-connect,custom-account-name", "may REGISTER an account"},
    CapInfo{Cap::chathistory, "draft/chathistory", "", "may ask for what was said before"},
    CapInfo{Cap::event_playback, "draft/event-playback", "",
            "gets reactions and topics with what was said before"},
    CapInfo{Cap::message_redaction, "draft/message-redaction", "", "may REDACT messages"},
    CapInfo{Cap::read_marker, "draft/read-marker", "", "keeps the place up to which one has read"},
    CapInfo{Cap::echo_message, "echo-message", "", "gets its own messages back, as others do"},
    CapInfo{Cap::extended_join, "extended-join", "", "JOIN tells account and real name"},
    CapInfo{Cap::resume, "ieum/resume", "", "gets a secret by which to come back"},
    CapInfo{Cap::invite_notify, "invite-notify", "", "operators are told of invitations"},
    CapInfo{Cap::labeled_response, "labeled-response", "", "answers tell what they answer"},
    CapInfo{Cap::message_tags, "message-tags", "", "messages have tags"},
    CapInfo{Cap::multi_prefix, "multi-prefix", "", "NAMES and WHO show all prefixes"},
    CapInfo{Cap::sasl, "sasl", "PLAIN", "logs in before anything else"},
    CapInfo{Cap::server_time, "server-time", "", "lines tell when it was"},
    CapInfo{Cap::setname, "setname", "", "may change its real name"},
    CapInfo{Cap::standard_replies, "standard-replies", "", "knows FAIL, WARN and NOTE"},
    CapInfo{Cap::userhost_in_names, "userhost-in-names", "", "NAMES shows users and hosts"},
};

[[nodiscard]] constexpr const CapInfo* find_cap(std::string_view name) noexcept {
  for (const CapInfo& info : capabilities) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

class CapSet {
 public:
  constexpr CapSet() noexcept = default;
  [[nodiscard]] constexpr bool has(Cap cap) const noexcept { return (bits_ & bit(cap)) != 0; }
  constexpr void add(Cap cap) noexcept { bits_ |= bit(cap); }
  constexpr void remove(Cap cap) noexcept { bits_ &= ~bit(cap); }
  constexpr void clear() noexcept { bits_ = 0; }
  bool operator==(const CapSet&) const = default;

 private:
  static constexpr std::uint32_t bit(Cap cap) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(cap);
  }
  std::uint32_t bits_ = 0;
};

namespace detail {
consteval bool capabilities_are_in_order() {
  for (std::size_t i = 0; i < capabilities.size(); ++i) {
    if (static_cast<std::size_t>(capabilities.at(i).cap) != i) return false;
  }
  return capabilities.size() <= 32;
}
}  // namespace detail
static_assert(detail::capabilities_are_in_order());

}  // namespace ieum::hub
