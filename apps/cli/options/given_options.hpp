// GivenOptions: what a command line gives, still as text: options with their values, and the words
// beside them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/operation.hpp>

#include "options/option_spec.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

struct GivenOptions {
  struct Option {
    std::string_view names;  ///< as in its spec
    int count = 0;
    std::vector<std::string> texts{};  ///< its values
  };
  std::vector<Option> options{};  ///< those that were given
  std::vector<std::string> words{};
  std::string unknown_option{};  ///< the first that no spec has; empty: there is none
  std::string error{};           ///< why this is no command line, for a sentence; empty: it is one

  /// Each takes any of the option's names.
  [[nodiscard]] int count(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return count(name) > 0; }
  [[nodiscard]] std::string_view text(std::string_view name) const noexcept;
  /// All values of one that may be repeated.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  /// The first of `names` that was given; empty if none was.
  [[nodiscard]] std::string_view first_of(std::span<const std::string_view> names) const noexcept;
};

/// The value of an option that takes a time; `otherwise` if it was not given.
[[nodiscard]] Parsed<Duration> read_duration(const GivenOptions& given, std::string_view name,
                                             Duration otherwise);
/// The value of an option that takes a number from 1 to `max`; `otherwise` if it was not given.
[[nodiscard]] Parsed<int> read_count(const GivenOptions& given, std::string_view name,
                                     int otherwise, int max);
/// The first word beside the options, which must be one of `choices`.
[[nodiscard]] Parsed<std::string> read_word(const GivenOptions& given,
                                            const std::vector<std::string>& choices);

}  // namespace ieum::cli
