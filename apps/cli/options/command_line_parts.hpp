// What the parsers of several commands are made of.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "command_line.hpp"
#include "options/declaration.hpp"

namespace ieum::cli {

template <class T>
using Parsed = std::expected<T, std::string>;
using Refusal = std::unexpected<std::string>;

/// Lets CLI11 parse; the error is a sentence of ours.
[[nodiscard]] std::string parse_with(CLI::App& app, std::span<const std::string> words,
                                     const std::string& address);
[[nodiscard]] bool given(const CLI::App& app, const std::string& name);
[[nodiscard]] Parsed<Duration> read_duration(const CLI::App& app, const std::string& name,
                                             const std::string& text, Duration otherwise);
[[nodiscard]] Parsed<int> read_count(const CLI::App& app, const std::string& name,
                                     const std::string& text, int otherwise, int max);
[[nodiscard]] Parsed<CommonOptions> read_common(const CLI::App& app, const GivenCommon& words,
                                                Role role, const Surroundings& surroundings);

/// --size and --lines, of connect and listen; gives what is wrong, or nothing.
[[nodiscard]] std::string read_framing(const CLI::App& app, const GivenCommon& words,
                                       CommonOptions& common);
/// What connect or listen is given that datagrams have no use for, or nothing.
[[nodiscard]] std::string refuse_for_datagrams(const CLI::App& app);
/// All of `ieum cast` but its help.
[[nodiscard]] Parsed<Command> parse_cast(std::span<const std::string> words,
                                         const Surroundings& surroundings);

}  // namespace ieum::cli
