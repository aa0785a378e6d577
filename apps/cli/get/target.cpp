#include "get/target.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <ieum/result.hpp>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr const char* attribute = "user.ieum.version";
constexpr mode_t mode_of_new = 0666;  // less the umask

Failure cannot(const char* operation, const std::string& name) {
  return explain_failure(Stage::writing_output, Error::from_errno(errno, operation),
                         {.where = name});
}

std::expected<Target, Failure> refuse_existing(const std::string& path) {
  return std::unexpected(
      Failure{Status::other,
              fmt::format("{} is there already; --overwrite replaces it, -o gives another name",
                          in_quotes(path))});
}

/// A file by another name: what a symbolic link leads to is written, not the link.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), ::free);
  return real != nullptr ? real.get() : path;
}

}  // namespace

std::expected<Target, Failure> Target::open(const std::string& path, bool overwrites) {
  if (path.empty()) {
    Result<DescriptorStream> stream = DescriptorStream::standard_output();
    if (!stream) {
      return std::unexpected(
          explain_failure(Stage::writing_output, stream.error(), {.where = "standard output"}));
    }
    const bool is_polled = stream->is_polled();
    Target target("standard output", Descriptor(), std::nullopt);
    // A regular file is written to at once: a thread for it would only cost.
    if (is_polled) target.stream_.emplace(*std::move(stream));
    return target;
  }
  struct stat status{};
  const bool is_there = ::lstat(path.c_str(), &status) == 0;
  if (is_there && !overwrites) return refuse_existing(path);
  const bool is_other = ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  if (is_other) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!file.is_open()) return std::unexpected(cannot("open", path));
    Result<DescriptorStream> stream =
        DescriptorStream::open(file.number(), DescriptorStream::Direction::output);
    if (!stream) {
      return std::unexpected(
          explain_failure(Stage::writing_output, stream.error(), {.where = path}));
    }
    Target target(path, std::move(file), std::nullopt);
    if (stream->is_polled()) target.stream_.emplace(*std::move(stream));
    return target;
  }
  Target target(is_there ? resolved(path) : path, Descriptor(), std::nullopt);
  target.is_file_ = true;
  target.overwrites_ = overwrites;
  if (is_there) target.mode_ = status.st_mode & 0777U;
  return target;
}

bool Target::is_terminal() const noexcept {
  return !is_file_ && !file_.is_open() && ::isatty(1) == 1;
}

Target::Kept Target::kept() const {
  Kept kept;
  if (!is_file_) return kept;
  const Descriptor part(
      ::open(part_name().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!part.is_open() || ::fstat(part.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return kept;
  }
  std::array<char, 1024> value{};
  const ssize_t size = ::fgetxattr(part.number(), attribute, value.data(), value.size());
  if (size <= 0) return kept;
  kept.validator.assign(value.data(), static_cast<std::size_t>(size));
  kept.bytes = static_cast<std::uint64_t>(status.st_size);
  return kept;
}

std::optional<Failure> Target::begin(std::uint64_t at, const std::string& validator) {
  bytes_ = at;
  if (!is_file_) return std::nullopt;
  const std::string part = part_name();
  if (!file_.is_open()) {
    file_ = Descriptor(
        ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode_of_new));
    if (!file_.is_open()) return cannot("open", part);
    if (::flock(file_.number(), LOCK_EX | LOCK_NB) != 0) {
      file_.close();
      return Failure{Status::other,
                     fmt::format("{} is being written by another ieum", in_quotes(part))};
    }
  }
  // Whatever was there beyond what is gone on with.
  if (::ftruncate(file_.number(), static_cast<off_t>(at)) != 0) return cannot("write", part);
  if (::lseek(file_.number(), static_cast<off_t>(at), SEEK_SET) < 0) return cannot("write", part);
  if (at > 0) return std::nullopt;
  // Without it, a later run begins anew; some file systems have none.
  has_validator_ = !validator.empty() && ::fsetxattr(file_.number(), attribute, validator.data(),
                                                     validator.size(), 0) == 0;
  if (!has_validator_) static_cast<void>(::fremovexattr(file_.number(), attribute));
  return std::nullopt;
}

Task<> Target::write(ConstBuffer data) {
  if (stream_) {
    co_await stream_->write_all(data);
    bytes_ += data.size();
    co_return;
  }
  const int number = file_.is_open() ? file_.number() : STDOUT_FILENO;
  while (!data.empty()) {
    const ssize_t count = ::write(number, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error error = Error::from_errno(errno, "write");
      co_await fail(error);
    }
    data = data.subspan(static_cast<std::size_t>(count));
    bytes_ += static_cast<std::uint64_t>(count);
  }
}

std::optional<Failure> Target::finish() {
  if (!is_file_ || !file_.is_open()) return std::nullopt;
  const std::string part = part_name();
  if (mode_ != 0) static_cast<void>(::fchmod(file_.number(), mode_));
  static_cast<void>(::fremovexattr(file_.number(), attribute));
  // Some file systems tell only now that there is no room.
  const int number = file_.release();
  if (::close(number) != 0 && errno != EINTR) return cannot("write", part);
  const unsigned flags = overwrites_ ? 0 : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, name_.c_str(), flags) == 0) {
    return std::nullopt;
  }
  if (errno == EINVAL) {  // a file system that cannot promise that
    if (::link(part.c_str(), name_.c_str()) == 0) {
      ::unlink(part.c_str());
      return std::nullopt;
    }
  }
  if (errno == EEXIST) {
    return Failure{Status::other,
                   fmt::format("{} has come meanwhile from somewhere else; what was received is {}",
                               in_quotes(name_), in_quotes(part))};
  }
  return cannot("rename", part);
}

bool Target::abandon() noexcept {
  if (!is_file_ || !file_.is_open()) return false;
  if (bytes_ == 0) ::unlink(part_name().c_str());
  file_.close();
  return bytes_ > 0 && kept().bytes > 0;
}

Failure Target::explain(const Error& error) const {
  return explain_failure(Stage::writing_output, error, {.where = is_file_ ? part_name() : name_});
}

}  // namespace ieum::cli
