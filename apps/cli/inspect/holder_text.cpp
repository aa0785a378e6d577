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

namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// A path's last part says enough.
std::string_view last_part(std::string_view word) {
  const std::size_t slash = word.rfind('/');
  return slash == std::string_view::npos || slash + 1 == word.size() ? word
                                                                     : word.substr(slash + 1);
}

struct Interpreter {
  std::string_view name;   ///< or how that begins: python3.12
  std::string_view takes;  ///< its options whose value is the next word
  std::string_view runs;   ///< those that take the place of a script
};
constexpr std::array interpreters{
    Interpreter{"python", " -W -X --check-hash-based-pycs ", " -c -m "},
    Interpreter{"pypy", " -W -X ", " -c -m "},
    Interpreter{"perl", " -I -M -m ", " -e -E "},
    Interpreter{"ruby", " -I -r -C -E ", " -e "},
    Interpreter{"node", " -r --require --import --loader -C --conditions ",
                " -e -p --eval --print inspect "},
    Interpreter{"php", " -c -d -z ", " -r -B -R -F -E -S "},
    Interpreter{"java", " -cp -classpath --class-path -p --module-path --add-modules ",
                " -jar -m --module "},
    Interpreter{"bash", " -o -O --rcfile --init-file ", " -c "},
    Interpreter{"dash", " -o ", " -c "},
    Interpreter{"sh", " -o ", " -c "},
};

bool lists(std::string_view list, std::string_view word) {
  return list.contains(fmt::format(" {} ", word));
}

/// The word after the program that a title goes on with. Of an interpreter that is its script, or
/// the option that stands for one.
std::size_t skip_options(const std::vector<std::string_view>& words) {
  const std::string_view program = last_part(words.front());
  const auto found = std::ranges::find_if(interpreters, [&](const Interpreter& one) {
    return program.starts_with(one.name) &&
           program.find_first_not_of("0123456789.", one.name.size()) == std::string_view::npos;
  });
  if (found == interpreters.end()) return 1;
  for (std::size_t at = 1; at < words.size(); ++at) {
    const std::string_view word = words[at];
    const bool has_several = word.size() > 2 && word[0] == '-' && word[1] != '-';
    const bool ends_so = has_several && lists(found->runs, fmt::format("-{}", word.back()));
    if (!word.starts_with('-') || lists(found->runs, word)) return at;
    if (ends_so && found->name != "java" && found->name != "node") return at;  // -Im, -euc
    if (lists(found->takes, word)) ++at;
  }
  return 1;  // options alone: an interpreter for whoever sits in front of it
}

}  // namespace

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

bool is_polling_call(std::string_view call) noexcept {
  return call == "poll" || call == "ppoll" || call == "select" || call == "pselect6";
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
  const std::vector<std::string_view> words = words_of(process.command_line);
  std::size_t at = 0;
  for (std::size_t count = 0; count < words_max && at < words.size(); ++count) {
    if (count > 0) title += ' ';
    title += last_part(words[at]);
    // What an interpreter runs says more than how it does so.
    at = count == 0 ? skip_options(words) : at + 1;
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
