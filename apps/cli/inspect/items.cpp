#include "inspect/items.hpp"

#include <algorithm>
#include <tuple>

namespace ieum::cli {

std::vector<std::uint32_t> select_sockets(const Findings& findings, const Filter& filter) {
  std::vector<std::uint32_t> indexes;
  const auto count = static_cast<std::uint32_t>(findings.table().sockets().size());
  for (std::uint32_t i = 0; i < count; ++i) {
    if (filter.matches(findings, i)) indexes.push_back(i);
  }
  return indexes;
}

std::vector<Item> select_items(const Findings& findings, const Filter& filter) {
  std::vector<Item> items;
  for (const std::uint32_t i : select_sockets(findings, filter)) {
    const std::uint32_t other = findings.socket(i).other_end;
    if (other == SocketEntry::npos) {
      items.push_back({.first = i});
    } else if (i < other || findings.socket(other).other_end != i ||
               !filter.matches(findings, other)) {
      items.push_back({.first = i, .second = other});
    }
  }
  std::ranges::sort(items, {}, [&](const Item& item) {
    const bool stuck =
        findings[item.first].is_stuck || (item.has_both() && findings[item.second].is_stuck);
    const SocketInfo& info = findings.socket(item.first).info;
    const bool listens = info.is_listener();
    return std::tuple(!stuck, !listens, listens ? info.local.port() : 0, item.first);
  });
  return items;
}

}  // namespace ieum::cli
