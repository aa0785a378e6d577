// Outgoing: a line that many clients get, made once for each set of tags that they know.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/send_queue.hpp>

#include "irc/caps.hpp"
#include "irc/message.hpp"
#include "log/entry.hpp"

namespace ieum::hub {

/// `2026-11-28T14:00:00.000Z` (the server-time tag).
[[nodiscard]] std::string format_time(Time time);
/// Nothing if it is none.
[[nodiscard]] std::optional<Time> parse_time(std::string_view text);
[[nodiscard]] std::string unix_seconds(Time time);

class Outgoing {
 public:
  Outgoing(Time time, std::string_view source, std::string_view command,
           std::vector<std::string> params, bool trailing = false);

  std::string id;       // msgid; empty: it has none
  std::string account;  // of who sent it; empty: none
  Tags client_tags;
  bool bot = false;

  /// What a client with these capabilities gets, shared by all that have the same ones.
  [[nodiscard]] const Payload& payload(const CapSet& caps);
  [[nodiscard]] Tags tags(const CapSet& caps) const;
  /// Without tags.
  [[nodiscard]] const std::string& line() const noexcept { return line_; }

 private:
  Time time_;
  std::string line_;
  std::array<Payload, 8> payloads_;
};

}  // namespace ieum::hub
