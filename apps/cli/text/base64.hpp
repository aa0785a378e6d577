// Base64 (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

namespace ieum::cli {

[[nodiscard]] std::string in_base64(std::string_view bytes);

}  // namespace ieum::cli
