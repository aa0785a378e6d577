#include "sqlite/run_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace ieum::hub {

namespace {

// One line of fixed length, so that each write replaces the one before.
constexpr std::size_t line_bytes = 42;

}  // namespace

std::expected<RunFile, std::string> RunFile::open(const std::string& database_path) {
  const std::string path = path_of(database_path);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected(path + ": " + std::strerror(errno));
  RunFile file(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) {
    return std::unexpected(database_path + " is in use by another ieum-hub");
  }
  return std::unexpected(path + ": " + std::strerror(errno));
}

RunFile::RunFile(RunFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

RunFile::~RunFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<RunFile::Figures> RunFile::read() const {
  std::array<char, line_bytes + 1> line{};
  if (::pread(descriptor_, line.data(), line_bytes, 0) != static_cast<ssize_t>(line_bytes)) {
    return {};
  }
  unsigned long long run = 0;
  unsigned long long entries = 0;
  if (std::sscanf(line.data(), "%20llu %20llu\n", &run, &entries) != 2) return {};
  return Figures{run, entries};
}

bool RunFile::write(const Figures& figures, bool sync) const noexcept {
  std::array<char, line_bytes + 1> line{};
  std::snprintf(line.data(), line.size(), "%020llu %020llu\n",
                static_cast<unsigned long long>(figures.run),
                static_cast<unsigned long long>(figures.entries));
  if (::pwrite(descriptor_, line.data(), line_bytes, 0) != static_cast<ssize_t>(line_bytes)) {
    return false;
  }
  return !sync || ::fsync(descriptor_) == 0;
}

}  // namespace ieum::hub
