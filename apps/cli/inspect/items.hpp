// What is shown of a table, and in which order.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/filter.hpp"
#include "inspect/findings.hpp"

namespace ieum::cli {

/// A socket, or a connection whose both ends are here.
struct Item {
  std::uint32_t first = 0;
  std::uint32_t second = SocketEntry::npos;

  [[nodiscard]] bool has_both() const noexcept { return second != SocketEntry::npos; }
};

/// The connections of which an end matches, and the other sockets that do: what is stuck, then
/// listeners, then the rest.
[[nodiscard]] std::vector<Item> select_items(const Findings& findings, const Filter& filter);

/// The sockets that match, in the table's order.
[[nodiscard]] std::vector<std::uint32_t> select_sockets(const Findings& findings,
                                                        const Filter& filter);

}  // namespace ieum::cli
