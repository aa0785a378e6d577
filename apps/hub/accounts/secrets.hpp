// Secrets that the hub hands out, and what it keeps of them.
#pragma once

#include <string>
#include <string_view>

#include <ieum/result.hpp>

namespace ieum::hub {

/// 192 random bits, of letters, digits, - and _.
[[nodiscard]] Result<std::string> random_text();

/// What is kept of a secret that `random_text` made: 32 bytes of BLAKE2b. Nobody can guess 192
/// bits, so it needs no salt and no slow hash.
[[nodiscard]] std::string secret_hash(std::string_view secret);

}  // namespace ieum::hub
