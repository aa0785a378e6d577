// RPL_ISUPPORT: what clients are told of limits and features.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ieum::hub {

/// All tokens, in alphabetical order, as `NICKLEN=32`.
[[nodiscard]] std::vector<std::string> isupport_tokens(std::string_view network);

}  // namespace ieum::hub
