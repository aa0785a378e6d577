// A socket, or both ends of a connection, as lines for people.
#pragma once

#include <string>

#include "help/manual.hpp"
#include "inspect/items.hpp"

namespace ieum::cli {

void append_item(std::string& to, const Findings& findings, const Item& item,
                 const TextStyle& style);

/// `text` in bold, or in red, if the style has colours.
[[nodiscard]] std::string bold(std::string text, const TextStyle& style);
[[nodiscard]] std::string red(std::string text, const TextStyle& style);

}  // namespace ieum::cli
