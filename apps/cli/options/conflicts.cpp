#include "options/conflicts.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

bool is_given(std::string_view name, const GivenOptions& given, const Endpoint& endpoint) {
  if (!name.starts_with('?')) return given.has(name);
  const auto key = std::ranges::find(keys(), name.substr(1), &KeyInfo::name);
  return key != keys().end() && endpoint.has_setting(key->key);
}

}  // namespace

std::string find_conflict(std::span<const Conflict> conflicts, const GivenOptions& given,
                          const Endpoint& endpoint) {
  const auto is_one = [&](std::string_view name) { return is_given(name, given, endpoint); };
  for (const Conflict& conflict : conflicts) {
    if ((conflict.schemes & bit(endpoint.scheme)) == 0) continue;
    if (!conflict.with.empty() && std::ranges::none_of(conflict.with, is_one)) continue;
    if (std::ranges::any_of(conflict.without, is_one)) continue;
    const auto count = static_cast<std::size_t>(std::ranges::count_if(conflict.options, is_one));
    if (count < conflict.count_min) continue;
    std::string_view name = *std::ranges::find_if(conflict.options, is_one);
    if (name.starts_with('?')) name.remove_prefix(1);
    return fmt::format(fmt::runtime(conflict.sentence), name);
  }
  return {};
}

}  // namespace ieum::cli
