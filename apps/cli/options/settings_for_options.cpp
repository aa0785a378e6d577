#include "options/settings_for_options.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace ieum::cli {

namespace {

/// Options of `connect` and `listen` that are not about an end.
constexpr std::array<std::string_view, 20> foreign = {
    "output",  "append", "hex",  "timestamps", "verbose", "json",       "help",
    "linger",  "on-eof", "crlf", "lines",      "idle",    "keep",       "echo",
    "discard", "exec",   "pty",  "broker",     "probe",   "max-clients"};

std::string_view take_name(std::string_view text) {
  return text.substr(0, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"));
}

std::string_view take_capitals(std::string_view text) {
  if (!text.starts_with(' ')) return {};
  text.remove_prefix(1);
  const std::string_view word =
      text.substr(0, text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_:"));
  return word.size() > 1 ? word : std::string_view();
}

}  // namespace

const OptionSpec* find_setting(std::span<const OptionSpec> options, std::string_view name) {
  if (std::ranges::find(foreign, name) != foreign.end()) return nullptr;
  const std::string option = "--" + std::string(name);
  const auto found = std::ranges::find_if(options, [&](const OptionSpec& one) {
    const std::vector<std::string_view> names = split_names(one.names);
    return std::ranges::find(names, std::string_view(option)) != names.end();
  });
  return found == options.end() ? nullptr : &*found;
}

std::string with_settings(std::string_view sentence, std::span<const OptionSpec> options) {
  std::string result;
  std::size_t setting_end = 0;  // of the result
  while (!sentence.empty()) {
    const std::size_t at = std::min(sentence.find("--"), sentence.size());
    result += sentence.substr(0, at);
    sentence.remove_prefix(at);
    if (sentence.empty()) break;
    const std::string_view name = take_name(sentence.substr(2));
    const OptionSpec* const option = find_setting(options, name);
    if (option == nullptr) {
      result += sentence.substr(0, name.size() + 2);
      sentence.remove_prefix(name.size() + 2);
      continue;
    }
    sentence.remove_prefix(name.size() + 2);
    // Two in a row are of one address.
    const bool is_next = setting_end > 0 && result.size() == setting_end + 1;
    if (is_next) result.pop_back();
    result.append(is_next ? "&" : "?").append(name).append("=");
    const std::string_view value = option->is_flag() ? "" : take_capitals(sentence);
    result += option->is_flag() ? "1" : value.empty() ? option->value : value;
    sentence.remove_prefix(value.empty() ? 0 : value.size() + 1);
    setting_end = result.size();
  }
  return result;
}

}  // namespace ieum::cli
