#include "session/secret.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include <ieum/descriptor.hpp>

#include "report/reason.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{64} * 1024;

std::unexpected<Failure> cannot_read(std::string_view option, std::string_view path,
                                     std::string_view why) {
  return std::unexpected(
      Failure{Status::other, fmt::format("{}: cannot read {}: {}", option, in_quotes(path), why)});
}

}  // namespace

std::expected<std::string, Failure> read_small_file(const std::string& path,
                                                    std::string_view option) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) return cannot_read(option, path, reason_of(errno));
  std::string text(file_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {  // a pipe, as of bash's <(…), gives it piece by piece
    const ssize_t count = ::read(file.number(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(option, path, reason_of(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > file_bytes_max) {
    return cannot_read(option, path,
                       fmt::format("it has more than {}", format_bytes(file_bytes_max)));
  }
  text.resize(size);
  return text;
}

std::expected<std::string, Failure> read_secret(std::string_view from, std::string_view option) {
  constexpr std::string_view environment = "env:";
  if (from.starts_with(environment)) {
    const std::string name(from.substr(environment.size()));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
      return std::unexpected(Failure{
          Status::usage, fmt::format("{}: the environment has no {}", option, in_quotes(name))});
    }
    return value;
  }
  std::expected<std::string, Failure> line = read_small_file(std::string(from), option);
  if (!line) return line;
  line->resize(std::min(line->find('\n'), line->size()));
  if (line->ends_with('\r')) line->pop_back();
  return line;
}

}  // namespace ieum::cli
