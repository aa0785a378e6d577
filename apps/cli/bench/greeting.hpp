// Greeting: the line with which a load tells `ieum bench --server` how to answer. A server that
// does not know it would take it for data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ieum::cli {

struct Greeting {
  static constexpr std::string_view prefix = "IEUM-BENCH 1 ";
  static constexpr std::size_t bytes_max = 80;  ///< of the line

  std::uint64_t message_bytes = 0;
  std::uint64_t answer_bytes = 0;

  /// With its line end.
  [[nodiscard]] std::string to_string() const;
  /// Of a line without its end; none if it is no greeting.
  [[nodiscard]] static std::optional<Greeting> parse(std::string_view line);
};

}  // namespace ieum::cli
