#include "inspect/filter.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr std::array<std::string_view, 3> protocol_words{"tcp", "udp", "unix"};
constexpr std::array<std::string_view, 12> state_words{
    "listen",     "established", "syn-sent",  "syn-received", "fin-wait-1", "fin-wait-2",
    "close-wait", "last-ack",    "time-wait", "closing",      "closed",     "unconnected"};
constexpr std::array<std::string_view, 18> all_words{
    "tcp",        "udp",         "unix",      "stuck",        "leaking",    "listening",
    "listen",     "established", "syn-sent",  "syn-received", "fin-wait-1", "fin-wait-2",
    "close-wait", "last-ack",    "time-wait", "closing",      "closed",     "unconnected"};

template <class Range, class T>
bool holds(const Range& range, const T& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    if (letter == '_') letter = '-';
  }
  return result;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Why a word that can be meant for nothing but an address or a port is none; empty: it may be the
/// name of a program.
std::string wrong_address(const std::string& word) {
  if (word.starts_with(':')) {
    return fmt::format("{} is no port, which is 1 to 65535", in_quotes(word));
  }
  const std::size_t slash = word.find('/');
  if (slash != std::string::npos && bare_address(word.substr(0, slash))) {
    return fmt::format("{} is no prefix, as 10.0.0.0/8 or fd00::/8", in_quotes(word));
  }
  const std::size_t colon = word.rfind(':');
  if (colon != std::string::npos && bare_address(word.substr(0, colon))) {
    return fmt::format("{}: the port is 1 to 65535", in_quotes(word));
  }
  const bool is_ipv4 = word.find_first_not_of("0123456789./") == std::string::npos;
  const bool is_ipv6 = word.contains("::") &&
                       word.find_first_not_of("0123456789abcdefABCDEF:./") == std::string::npos;
  if (!is_ipv4 && !is_ipv6 && !word.starts_with('[')) return {};
  return fmt::format("{} is no address, as 127.0.0.1, ::1 or [::1]:80", in_quotes(word));
}

/// The path that a Unix socket was bound to, from the root on: one that was not given so was meant
/// from where its program is. Empty: it is no path, or that cannot be seen.
std::string whole_path(const SocketTable& table, std::uint32_t index, const Address& end) {
  namespace fs = std::filesystem;
  if (end.family() != Family::unix_path) return {};
  const fs::path path(std::string(end.bytes()));
  if (path.is_absolute()) return path.lexically_normal();
  const auto holders = table.holders(index);
  if (holders.empty()) return {};
  const int pid = table.processes()[holders.front().process].pid;
  std::error_code error;
  const fs::path folder = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
  return error ? std::string() : (folder / path).lexically_normal().string();
}

}  // namespace

Parsed<Filter> Filter::parse(std::span<const std::string> words) {
  Filter filter;
  for (const std::string& word : words) {
    const std::string wrong = filter.add(word);
    if (!wrong.empty()) return UsageError(wrong);
    filter.text_.append(filter.text_.empty() ? "" : " ").append(word);
  }
  return filter;
}

std::string Filter::add_number(const std::string& word) {
  const auto port = number_in<std::uint16_t>(word.substr(1));
  if (!port || *port == 0)
    return fmt::format("{} is no port, which is 1 to 65535", in_quotes(word));
  ports_.push_back(*port);
  return {};
}

std::string Filter::add(const std::string& word) {
  const std::string plain = lower(word);
  if (word.empty()) return "a word must not be empty";
  if (is_number(word)) {
    return fmt::format("{0} can be a port or a process: write :{0} or pid:{0}", shown(word));
  }
  if (holds(protocol_words, plain)) {
    protocols_.push_back(plain);
  } else if (plain == "stuck") {
    stuck_ = true;
  } else if (plain == "leaking") {
    leaking_ = true;
  } else if (plain == "listening" || holds(state_words, plain)) {
    states_.push_back(plain == "listening" ? "listen" : plain);
  } else if (plain.starts_with("pid:")) {
    const auto pid = number_in<int>(plain.substr(4));
    if (!pid || *pid <= 0) return fmt::format("{} is no process, as pid:123", in_quotes(word));
    pids_.push_back(*pid);
  } else if (word.starts_with(':') && is_number(std::string_view(word).substr(1))) {
    return add_number(word);
  } else if (plain == "localhost" || plain.starts_with("localhost:")) {
    prefixes_.push_back({Address::ipv4({127, 0, 0, 0}, 0), 8});
    prefixes_.push_back({Address::ipv6_loopback(0), 128});
    if (plain != "localhost") return add_number(word.substr(word.find(':')));
  } else if (const auto prefix = Prefix::parse(word)) {
    prefixes_.push_back(*prefix);
  } else if (const auto address = Address::parse(word); address && !address->is_any_family()) {
    addresses_.push_back(*address);
  } else if (word.starts_with("*:") && is_number(std::string_view(word).substr(2))) {
    return add_number(word.substr(1));
  } else if (word.starts_with('/')) {
    const auto path = Address::unix_path(word);
    if (!path) return fmt::format("{} is no path of a Unix socket", in_quotes(word));
    addresses_.push_back(*path);
  } else if (std::string wrong = wrong_address(word); !wrong.empty()) {
    return wrong;
  } else if (const std::size_t colon = word.rfind(':');
             colon != std::string::npos && is_number(std::string_view(word).substr(colon + 1))) {
    return fmt::format("{}: names are not looked up here; write the address, or :{} alone",
                       in_quotes(word), shown(word.substr(colon + 1)));
  } else {
    programs_.push_back(word);
    if (hint_.empty()) hint_ = did_you_mean(plain, all_words);
  }
  return {};
}

bool Filter::takes(std::string_view protocol) const noexcept {
  return protocols_.empty() || holds(protocols_, protocol);
}

bool Filter::matches_ends(const SocketTable& table, std::uint32_t index) const {
  const SocketInfo& info = table.sockets()[index].info;
  const bool names_paths = std::ranges::any_of(addresses_, &Address::is_unix);
  for (const Address* end : {&info.local, &info.peer}) {
    const bool port = ports_.empty() || (end->is_ip() && holds(ports_, end->port()));
    const bool host =
        (prefixes_.empty() && addresses_.empty()) || holds(addresses_, *end) ||
        (names_paths && end->family() == Family::unix_path &&
         std::ranges::any_of(addresses_,
                             [&](const Address& one) {
                               return one.is_unix() &&
                                      one.bytes() == whole_path(table, index, *end);
                             })) ||
        std::ranges::any_of(prefixes_, [&](const Prefix& prefix) { return prefix.contains(*end); });
    if (port && host) return true;
  }
  return false;
}

bool Filter::matches_path(const SocketTable& table, std::uint32_t index) const {
  const SocketInfo& info = table.sockets()[index].info;
  for (const Address* end : {&info.local, &info.peer}) {
    if (end->family() != Family::unix_path || programs_.empty()) continue;
    const std::string_view path = end->bytes();
    const std::string whole = whole_path(table, index, *end);
    for (const std::string& word : programs_) {
      if (path == word || path.ends_with("/" + word)) return true;
      std::error_code error;
      const auto here = std::filesystem::absolute(word, error).lexically_normal();
      if (!error && !whole.empty() && here == whole) return true;
    }
  }
  return false;
}

bool Filter::matches_process(const SocketTable& table, std::uint32_t index) const {
  if (pids_.empty() && programs_.empty()) return true;
  const bool by_path = matches_path(table, index);
  if (by_path && pids_.empty()) return true;
  for (const SocketHolder& holder : table.holders(index)) {
    const SocketProcess& process = table.processes()[holder.process];
    if (!pids_.empty() && !holds(pids_, process.pid)) continue;
    const std::string title = title_of(process);
    const bool named =
        programs_.empty() || by_path || std::ranges::any_of(programs_, [&](const auto& word) {
          return process.name.contains(word) || title.contains(word);
        });
    if (named) return true;
  }
  return false;
}

bool Filter::matches(const Findings& findings, std::uint32_t index) const {
  const SocketEntry& socket = findings.socket(index);
  if (stuck_ || leaking_) {
    const Finding& finding = findings[index];
    if (!(stuck_ && finding.is_stuck) && !(leaking_ && finding.is_leaking)) return false;
  }
  if (!takes(protocol_of(socket.info))) return false;
  if (!states_.empty() && !holds(states_, state_of(socket))) return false;
  return matches_ends(findings.table(), index) && matches_process(findings.table(), index);
}

}  // namespace ieum::cli
