#include "inspect/holder_text.hpp"

#include <pwd.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "inspect/findings.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

std::string user_name(std::uint32_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> strings{};
  if (::getpwuid_r(uid, &entry, strings.data(), strings.size(), &found) == 0 && found != nullptr) {
    return printable(entry.pw_name);
  }
  return fmt::format("user {}", uid);
}

bool is_receiving_call(std::string_view call) noexcept {
  return call.starts_with("recv") || call.starts_with("read") || call.starts_with("accept") ||
         call == "splice";
}

std::string_view epoll_words(std::uint32_t events) noexcept {
  const bool in = (events & EPOLLIN) != 0;
  const bool out = (events & EPOLLOUT) != 0;
  if (in && out) return "input and output";
  if (in) return "input";
  return out ? "output" : "nothing";
}

std::string title_of(const SocketProcess& process) {
  constexpr std::size_t words_max = 3;
  constexpr std::size_t columns_max = 40;
  std::string title;
  std::string_view rest = process.command_line;
  for (std::size_t count = 0; count < words_max && !rest.empty();) {
    const std::size_t end = rest.find_first_of(" \t\n");
    std::string_view word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (word.empty()) continue;
    // A path's last part says enough.
    const std::size_t slash = word.rfind('/');
    if (slash != std::string_view::npos && slash + 1 < word.size()) word.remove_prefix(slash + 1);
    if (count++ > 0) title += ' ';
    title += word;
  }
  if (title.empty()) title = process.name;
  title = printable(title);
  if (columns_of(title) <= columns_max) return title;
  std::size_t end = 0;
  for (std::size_t columns = 0; columns < columns_max; ++columns) {
    ++end;
    while (end < title.size() && (static_cast<unsigned char>(title[end]) & 0xc0U) == 0x80U) ++end;
  }
  return title.substr(0, end) + "…";
}

}  // namespace ieum::cli
