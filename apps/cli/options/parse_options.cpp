#include "options/parse_options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

struct Declared {
  const OptionSpec* spec;
  CLI::Option* option;
};

std::vector<Declared> declare(CLI::App& app, std::span<const OptionSpec> specs) {
  std::vector<Declared> all;
  app.set_help_flag();
  app.allow_extras();
  for (const OptionSpec& spec : specs) {
    const std::string names(spec.names);
    CLI::Option* option = spec.is_flag() ? app.add_flag(names) : app.add_option(names);
    if (spec.is_flag()) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (spec.is_flag()) option->disable_flag_override();
    if (spec.may_repeat) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    all.push_back({&spec, option});
  }
  return all;
}

/// CLI11's message begins with the option's name, and names no way out.
std::string explain_mismatch(const std::string& message, std::span<const Declared> declared) {
  const std::string name = message.substr(0, message.find_first_of(": "));
  for (const auto& [spec, option] : declared) {
    if (option->get_name() != name && !option->check_name(name) && !option->check_lname(name)) {
      continue;
    }
    if (spec->is_flag()) {
      return fmt::format("{} is a flag and takes no value", in_quotes(option->get_name()));
    }
    if (option->count() > 1) return fmt::format("{} may be given only once", in_quotes(name));
    return fmt::format("{} needs a value, {}", in_quotes(name), spec->value);
  }
  return shown(message);
}

/// Sorts what is no option of ours into words and the first unknown option.
void take_rest(const std::vector<std::string>& rest, GivenOptions& given) {
  bool words_only = false;
  for (const std::string& word : rest) {
    if (word == "--" && !words_only) {
      words_only = true;
    } else if (words_only || word.size() < 2 || !word.starts_with('-')) {
      given.words.push_back(word);
    } else if (given.unknown_option.empty()) {
      given.unknown_option = word;
    }
  }
}

}  // namespace

GivenOptions parse_options(std::span<const OptionSpec> specs, std::span<const std::string> words) {
  CLI::App app;
  const std::vector<Declared> declared = declare(app, specs);
  GivenOptions given;
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // it takes them reversed
  } catch (const CLI::ArgumentMismatch& mismatch) {
    given.error = explain_mismatch(mismatch.what(), declared);
  } catch (const CLI::ParseError& error) {
    given.error = fmt::format("cannot be parsed: {}", shown(error.what()));
  }
  for (const auto& [spec, option] : declared) {
    if (option->count() == 0) continue;
    given.options.push_back({.names = spec->names, .count = static_cast<int>(option->count())});
    if (!spec->is_flag()) given.options.back().texts = option->results();
  }
  take_rest(app.remaining(), given);
  return given;
}

}  // namespace ieum::cli
