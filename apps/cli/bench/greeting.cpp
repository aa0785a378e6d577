#include "bench/greeting.hpp"

#include <charconv>

#include <fmt/format.h>

#include "bench/bench_limits.hpp"

namespace ieum::cli {

namespace {

std::optional<std::uint64_t> take_size(std::string_view& text) {
  std::uint64_t size = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{} || size == 0 || size > message_bytes_max) return {};
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return size;
}

}  // namespace

std::string Greeting::to_string() const {
  return fmt::format("{}answer {} with {}\n", prefix, message_bytes, answer_bytes);
}

std::optional<Greeting> Greeting::parse(std::string_view line) {
  constexpr std::string_view verb = "answer ";
  constexpr std::string_view between = " with ";
  if (!line.starts_with(prefix)) return {};
  line.remove_prefix(prefix.size());
  if (!line.starts_with(verb)) return {};
  line.remove_prefix(verb.size());
  const auto message = take_size(line);
  if (!message || !line.starts_with(between)) return {};
  line.remove_prefix(between.size());
  const auto answer = take_size(line);
  if (!answer || !line.empty()) return {};
  return Greeting{.message_bytes = *message, .answer_bytes = *answer};
}

}  // namespace ieum::cli
