// Texts that stand in small files, or in the environment: secrets, header fields.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "report/failure.hpp"

namespace ieum::cli {

/// All of a file of at most 64 KiB, which `option` names.
[[nodiscard]] std::expected<std::string, Failure> read_small_file(const std::string& path,
                                                                  std::string_view option);

/// The first line of the file `from`; the value of the variable NAME if it is `env:NAME`. `option`
/// is the one that asks for it.
[[nodiscard]] std::expected<std::string, Failure> read_secret(std::string_view from,
                                                              std::string_view option);

}  // namespace ieum::cli
