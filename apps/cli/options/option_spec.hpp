// OptionSpec: an option as plain data. The parser, the help, the man pages and the completions are
// all made of the same specs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ieum::cli {

struct OptionSpec {
  std::string_view names{};  ///< "-w,--wait": the last one is the name that messages use
  std::string_view value{};  ///< what it takes, as "TIME"; empty: it is a flag
  std::string_view group{};  ///< its section of the help
  std::string help{};
  std::vector<std::string_view> choices{};  ///< all its values, if they are few
  bool may_repeat = false;                  ///< a value each time

  [[nodiscard]] bool is_flag() const noexcept { return value.empty(); }
};

/// "-w" and "--wait" of "-w,--wait".
[[nodiscard]] inline std::vector<std::string_view> split_names(std::string_view names) {
  std::vector<std::string_view> all;
  for (;;) {
    const std::size_t comma = names.find(',');
    all.push_back(names.substr(0, comma));
    if (comma == std::string_view::npos) return all;
    names.remove_prefix(comma + 1);
  }
}

/// The section that -v, --json and --help are in.
inline constexpr std::string_view diagnostics_group = "Diagnostics";

}  // namespace ieum::cli
