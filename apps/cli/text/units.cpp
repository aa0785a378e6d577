#include "text/units.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace ieum::cli {

std::optional<Duration> parse_duration(std::string_view text) {
  using Unit = std::pair<std::string_view, double>;
  constexpr std::array<Unit, 4> units{Unit{"ms", 1e6}, Unit{"s", 1e9}, Unit{"m", 60e9},
                                      Unit{"h", 3600e9}};
  constexpr double year = 366.0 * 24 * 3600e9;
  double nanoseconds = 1e9;
  for (const auto& [unit, length] : units) {
    if (text.ends_with(unit)) {
      text.remove_suffix(unit.size());
      nanoseconds = length;
      break;
    }
  }
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return {};
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return {};
  const double total = number * nanoseconds;
  if (!(total >= 1) || total > year) return {};
  return Duration(static_cast<Duration::rep>(total));
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  unsigned shift = 0;
  constexpr std::string_view units = "kMG";
  if (!text.empty()) {
    const char last = text.back() == 'K' ? 'k' : text.back();
    if (const std::size_t unit = units.find(last); unit != std::string_view::npos) {
      shift = 10 * static_cast<unsigned>(unit + 1);
      text.remove_suffix(1);
    }
  }
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return {};
  if (number > (UINT64_MAX >> shift)) return {};
  return number << shift;
}

std::string format_duration(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1e-3) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 100) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> units{"KiB", "MiB", "GiB", "TiB"};
  if (bytes == 1) return "1 byte";
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.3g} {}", amount, units[unit]);
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const std::time_t seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     microseconds % 1'000'000);
}

}  // namespace ieum::cli
