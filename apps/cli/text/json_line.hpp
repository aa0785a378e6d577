// A JSON object as one line that no terminal obeys.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ieum::cli {

/// With its newline. What is no UTF-8, in a file's name, say, becomes U+FFFD. If the rest could
/// command a terminal, all that is not ASCII is escaped.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& object);

}  // namespace ieum::cli
