#include "text/numbers.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace ieum::cli {

std::string format_latency(Duration latency) {
  struct Unit {
    double nanoseconds;
    std::string_view name;
  };
  constexpr std::array units{Unit{1, "ns"}, Unit{1e3, "µs"}, Unit{1e6, "ms"}, Unit{1e9, "s"}};
  constexpr double next_unit = 999.5;  // which three digits would round up
  const auto nanoseconds = static_cast<double>(latency.count());
  for (const Unit& unit : units) {
    const double number = nanoseconds / unit.nanoseconds;
    if (number >= next_unit && &unit != &units.back()) continue;
    return number < next_unit ? fmt::format("{:.3g} {}", number, unit.name)
                              : fmt::format("{:.0f} {}", number, unit.name);
  }
  return {};
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace ieum::cli
