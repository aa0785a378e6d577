// The options of resolv.conf: read anew each time, so that a change counts at once.
#include "net/names/resolv_conf.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace ieum::detail {

namespace {

constexpr const char* path = "/etc/resolv.conf";
constexpr std::string_view space = " \t\r\n";
constexpr int timeout_max_seconds = 30;
constexpr int attempts_max = 5;

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

/// Takes the first word off `line`; empty at its end.
std::string_view take_word(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(space), line.size());
  const std::size_t end = std::min(line.find_first_of(space, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

/// The number in "NAME:NUMBER", at most `max`; none unless it is at least 1.
std::optional<int> value_of(std::string_view word, std::string_view name, int max) {
  if (!word.starts_with(name)) return std::nullopt;
  int value = 0;
  const char* end = word.data() + word.size();
  const auto [rest, error] = std::from_chars(word.data() + name.size(), end, value);
  if (error == std::errc::result_out_of_range) return max;
  if (error != std::errc{} || rest != end || value < 1) return std::nullopt;
  return std::min(value, max);
}

}  // namespace

void ResolverOptions::take(std::string_view text) {
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    if (const auto seconds = value_of(word, "timeout:", timeout_max_seconds)) {
      timeout = std::chrono::seconds(*seconds);
    }
    if (const auto times = value_of(word, "attempts:", attempts_max)) attempts = times;
  }
}

ResolverOptions resolver_options() {
  ResolverOptions options;
  if (const File file(std::fopen(path, "re"), &std::fclose); file) {
    char* buffer = nullptr;
    std::size_t room = 0;
    for (ssize_t length = 0; (length = ::getline(&buffer, &room, file.get())) >= 0;) {
      std::string_view line(buffer, static_cast<std::size_t>(length));
      if (take_word(line) == "options") options.take(line);
    }
    std::free(buffer);
  }
  if (const char* environment = std::getenv("RES_OPTIONS")) options.take(environment);
  return options;
}

FileStamp resolv_conf_stamp() noexcept {
  struct stat status{};
  if (::stat(path, &status) < 0) return {};
  constexpr std::int64_t second = 1'000'000'000;
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .changed_at = status.st_mtim.tv_sec * second + status.st_mtim.tv_nsec};
}

}  // namespace ieum::detail
