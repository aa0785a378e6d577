#include "help/subcommand_manual.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "subcommands.hpp"

namespace ieum::cli {

namespace {

/// "-w, --wait TIME"
std::string term_of(const OptionSpec& option) {
  std::string term = fmt::format("{}", fmt::join(split_names(option.names), ", "));
  if (!option.is_flag()) term.append(" ").append(option.value);
  return term;
}

/// A section for each group, in the order in which they first come.
std::vector<ManualSection> option_sections(const std::vector<OptionSpec>& options) {
  std::vector<ManualSection> sections;
  for (const OptionSpec& option : options) {
    auto section = std::ranges::find(sections, option.group, &ManualSection::title);
    if (section == sections.end()) {
      section = sections.insert(section, ManualSection{.title = std::string(option.group)});
    }
    section->entries.push_back({term_of(option), option.help});
  }
  return sections;
}

/// Our other pages, then `others`.
ManualSection see_also(std::string_view own_name, std::string_view others) {
  std::vector<std::string> pages;
  if (!own_name.empty()) pages.emplace_back("ieum(1)");
  for (const std::string& name : man_page_names()) {
    if (name != own_name) pages.push_back(fmt::format("ieum-{}(1)", name));
  }
  if (!others.empty()) pages.emplace_back(others);
  return {.title = "See also", .paragraphs = {fmt::format("{}", fmt::join(pages, ", "))}};
}

}  // namespace

Manual manual_of(const Subcommand& subcommand) {
  ManualText text = subcommand.manual();
  Manual manual{.name = fmt::format("ieum {}", subcommand.name),
                .purpose = std::string(subcommand.purpose),
                .synopsis = fmt::format("ieum {} [OPTION...]", subcommand.name)};
  if (!subcommand.arguments.term.empty()) {
    manual.synopsis.append(" ").append(subcommand.arguments.term);
  }
  manual.sections.push_back({.title = "Description", .paragraphs = std::move(text.description)});
  std::ranges::move(option_sections(options_of(subcommand)), std::back_inserter(manual.sections));
  std::ranges::move(text.sections, std::back_inserter(manual.sections));
  manual.sections.push_back(see_also(subcommand.name, text.see_also));
  return manual;
}

Manual main_manual() {
  Manual manual{.name = "ieum",
                .purpose = "talk over sockets",
                .synopsis = "ieum COMMAND [OPTION...] [ARGUMENT]"};
  ManualSection commands{.title = "Commands"};
  for (const Subcommand* subcommand : subcommands()) {
    commands.entries.push_back({std::string(subcommand->name), std::string(subcommand->purpose)});
  }
  manual.sections.push_back(std::move(commands));
  manual.sections.push_back(
      {.title = "Examples",
       .entries = {{"ieum listen :7000", "Wait for a client, and send it what you type."},
                   {"ieum connect localhost:7000", "Be that client, in another terminal."},
                   {"ieum connect --help", "Read all about a command."}}});
  manual.sections.push_back(
      {.title = "Environment",
       .entries = {
           {"IEUM_DRIVER",
            "io_uring or epoll: the system interface for sockets. Default: the best that works."},
           {"NO_COLOR", "If set, no colours are used; nor are they with TERM=dumb."}}});
  manual.sections.push_back(see_also({}, {}));
  return manual;
}

}  // namespace ieum::cli
