#include "options/given_options.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

const GivenOptions::Option* find(const GivenOptions& given, std::string_view name) {
  for (const GivenOptions::Option& option : given.options) {
    const std::vector<std::string_view> names = split_names(option.names);
    if (std::ranges::find(names, name) != names.end()) return &option;
  }
  return nullptr;
}

}  // namespace

int GivenOptions::count(std::string_view name) const noexcept {
  const Option* option = find(*this, name);
  return option == nullptr ? 0 : option->count;
}

std::string_view GivenOptions::text(std::string_view name) const noexcept {
  const Option* option = find(*this, name);
  return option == nullptr || option->texts.empty() ? std::string_view{} : option->texts.front();
}

std::vector<std::string> GivenOptions::texts(std::string_view name) const {
  const Option* option = find(*this, name);
  return option == nullptr ? std::vector<std::string>{} : option->texts;
}

std::string_view GivenOptions::first_of(std::span<const std::string_view> names) const noexcept {
  for (const std::string_view name : names) {
    if (has(name)) return name;
  }
  return {};
}

Parsed<Duration> read_duration(const GivenOptions& given, std::string_view name,
                               Duration otherwise) {
  if (!given.has(name)) return otherwise;
  const std::optional<Duration> duration = parse_duration(given.text(name));
  if (duration) return *duration;
  return UsageError(
      fmt::format("{} takes {}, not {}", name, duration_forms, in_quotes(given.text(name))));
}

Parsed<int> read_count(const GivenOptions& given, std::string_view name, int otherwise, int max) {
  if (!given.has(name)) return otherwise;
  const std::string_view text = given.text(name);
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end && number >= 1 && number <= max) return number;
  return UsageError(
      fmt::format("{} takes a number from 1 to {}, not {}", name, max, in_quotes(text)));
}

Parsed<std::string> read_word(const GivenOptions& given, const std::vector<std::string>& choices) {
  const std::string all = fmt::format("{}", fmt::join(choices, ", "));
  if (given.words.empty()) return UsageError(fmt::format("it takes one of {}", all));
  const std::string& word = given.words.front();
  if (std::ranges::find(choices, word) != choices.end()) return word;
  const std::vector<std::string_view> known(choices.begin(), choices.end());
  std::string meant = did_you_mean(word, known);
  if (meant.empty()) meant = fmt::format("; it takes one of {}", all);
  return UsageError(fmt::format("unknown argument {}{}", in_quotes(word), meant));
}

}  // namespace ieum::cli
