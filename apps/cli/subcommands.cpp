#include "subcommands.hpp"

#include <array>

namespace ieum::cli {

#ifdef IEUM_HAS_TLS
#define IEUM_TLS_SUBCOMMANDS(entry) entry(send) entry(recv) entry(certificate)
#else
#define IEUM_TLS_SUBCOMMANDS(entry)
#endif

// One line for each: `connect` is the record `connect_subcommand` in connect/.
// clang-format off: it would join the lines
#define IEUM_SUBCOMMANDS(entry) \
  entry(connect) \
  entry(listen) \
  entry(relay) \
  entry(get) \
  entry(serve) \
  entry(cast) \
  entry(inspect) \
  entry(trace) \
  entry(bench) \
  IEUM_TLS_SUBCOMMANDS(entry) \
  entry(help) \
  entry(completion) \
  entry(manual)
// clang-format on

#define IEUM_DECLARE(name) extern const Subcommand name##_subcommand;
#define IEUM_ADDRESS(name) &name##_subcommand,

IEUM_SUBCOMMANDS(IEUM_DECLARE)

std::span<const Subcommand* const> subcommands() noexcept {
  static constexpr std::array table{IEUM_SUBCOMMANDS(IEUM_ADDRESS)};
  return table;
}

const Subcommand* find_subcommand(std::string_view name) noexcept {
  for (const Subcommand* subcommand : subcommands()) {
    if (subcommand->name == name) return subcommand;
  }
  return nullptr;
}

std::vector<std::string> subcommand_names() {
  std::vector<std::string> names;
  for (const Subcommand* subcommand : subcommands()) names.emplace_back(subcommand->name);
  return names;
}

std::vector<std::string> man_page_names() {
  std::vector<std::string> names;
  for (const Subcommand* subcommand : subcommands()) {
    if (subcommand->has_man_page) names.emplace_back(subcommand->name);
  }
  return names;
}

std::vector<OptionSpec> options_of(const Subcommand& subcommand) {
  std::vector<OptionSpec> options;
  if (subcommand.options != nullptr) options = subcommand.options();
  options.push_back({.names = "-h,--help", .group = diagnostics_group, .help = "Show this help."});
  return options;
}

}  // namespace ieum::cli
