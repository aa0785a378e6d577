// Outgoing: a line that many clients get, made once for each set of tags that they know.
#include "session/outgoing.hpp"

#include <charconv>
#include <cstdio>

#include "irc/text.hpp"

namespace ieum::hub {

std::string format_time(Time time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<Time> parse_time(std::string_view text) {
  // YYYY-MM-DDThh:mm:ss.sssZ
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  constexpr std::string_view form = "0000-00-00T00:00:00";
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == '0' ? !digit : text[i] != form[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t size) {
    return static_cast<int>(number_of(text.substr(at, size), 0));
  };
  int milliseconds = 0;
  std::string_view rest = text.substr(form.size());
  rest.remove_suffix(1);
  if (!rest.empty()) {
    if (rest.front() != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
    std::string digits(rest.substr(1));
    if (number_of(digits, 2'000'000'000) == 2'000'000'000) return std::nullopt;
    digits.resize(3, '0');
    milliseconds = static_cast<int>(number_of(digits, 0));
  }
  const std::chrono::year_month_day date(std::chrono::year(part(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(part(8, 2))));
  if (!date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60) return std::nullopt;
  return Time(std::chrono::sys_days(date) + std::chrono::hours(part(11, 2)) +
              std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2)) +
              std::chrono::milliseconds(milliseconds));
}

std::string unix_seconds(Time time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

Outgoing::Outgoing(Time time, std::string_view source, std::string_view command,
                   std::vector<std::string> params, bool trailing)
    : time_(time) {
  Message message;
  message.source = source;
  message.command = command;
  message.params = std::move(params);
  line_ = serialize(message, trailing);
}

Tags Outgoing::tags(const CapSet& caps) const {
  Tags tags;
  if (caps.has(Cap::server_time)) tags.push_back({"time", format_time(time_)});
  if (caps.has(Cap::account_tag) && !account.empty()) tags.push_back({"account", account});
  if (caps.has(Cap::message_tags)) {
    if (!id.empty()) tags.push_back({"msgid", id});
    if (bot) tags.push_back({"bot", ""});
    tags.insert(tags.end(), client_tags.begin(), client_tags.end());
  }
  return tags;
}

const Payload& Outgoing::payload(const CapSet& caps) {
  const std::size_t variant = (caps.has(Cap::server_time) ? 1U : 0U) |
                              (caps.has(Cap::account_tag) ? 2U : 0U) |
                              (caps.has(Cap::message_tags) ? 4U : 0U);
  Payload& payload = payloads_[variant];
  if (payload.size() == 0) payload = Payload(with_tags(tags(caps), line_));
  return payload;
}

}  // namespace ieum::hub
