// Base64 (RFC 4648, section 4), strictly: SASL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ieum::hub {

[[nodiscard]] std::string encode_base64(std::string_view bytes);
/// Nothing if `text` is not what `encode_base64` writes.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ieum::hub
