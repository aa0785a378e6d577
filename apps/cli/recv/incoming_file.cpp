#include "recv/incoming_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

namespace ieum::cli {

namespace {

constexpr std::uint64_t writeback_bytes = std::uint64_t{8} << 20U;

std::string part_name(const std::string& name) {
  Sha256 hash;
  hash.add(std::as_bytes(std::span(name)));
  return ".ieum-" + to_hex(hash.digest()).substr(0, 16) + ".part";
}

std::unexpected<Error> failed(const char* operation) {
  return fail(Error::from_errno(errno, operation));
}

}  // namespace

IncomingFile::IncomingFile(std::string name, std::uint64_t size, std::uint32_t mode,
                           std::int64_t modified_ns)
    : name_(std::move(name)),
      part_(part_name(name_)),
      size_(size),
      mode_(mode & 0777U),
      modified_ns_(modified_ns) {}

Result<> IncomingFile::hash_all(int number, std::uint64_t size) {
  std::vector<std::byte> room(std::size_t{1} << 20U);
  hash_ = Sha256();
  for (offset_ = 0; offset_ < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(room.size(), size - offset_);
    const ssize_t count = ::pread(number, room.data(), wanted, static_cast<off_t>(offset_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read");
    if (count == 0) break;
    hash_.add(std::span(room).first(static_cast<std::size_t>(count)));
    offset_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<char> IncomingFile::look(const SafeFolder& folder) {
  const Result<SafeFolder::Place> place = folder.find(name_, SafeFolder::Missing::make);
  if (!place) return fail(place.error());
  const int in = place->folder.number();
  struct stat status{};
  constexpr int how = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  if (::fstatat(in, place->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(status.st_mode)) return 'x';
    if (static_cast<std::uint64_t>(status.st_size) != size_) return 'd';
    const Descriptor whole(::openat(in, place->name.c_str(), how));
    if (!whole.is_open()) return failed("open");
    const Result<> hashed = hash_all(whole.number(), size_);
    if (!hashed) return fail(hashed.error());
    return 'c';
  }
  const Descriptor part(::openat(in, part_.c_str(), how));
  if (!part.is_open()) return 'n';
  if (::fstat(part.number(), &status) < 0 || !S_ISREG(status.st_mode)) return 'n';
  const std::uint64_t there = std::min(static_cast<std::uint64_t>(status.st_size), size_);
  const Result<> hashed = hash_all(part.number(), there);
  if (!hashed) return fail(hashed.error());
  return 'p';
}

Result<> IncomingFile::begin(const SafeFolder& folder, std::uint64_t from) {
  const Result<SafeFolder::Place> place = folder.find(name_, SafeFolder::Missing::make);
  if (!place) return fail(place.error());
  constexpr int how = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  file_ = Descriptor(::openat(place->folder.number(), part_.c_str(), how, 0600));
  if (!file_.is_open()) return failed("open");
  if (::flock(file_.number(), LOCK_EX | LOCK_NB) < 0) {
    return fail(Error(std::errc::device_or_resource_busy, "open"));
  }
  if (from == 0) hash_ = Sha256();
  offset_ = from;
  on_its_way_ = from;
  if (::ftruncate(file_.number(), static_cast<off_t>(from)) < 0) return failed("write");
  return {};
}

Result<> IncomingFile::write(std::span<const std::byte> data) {
  hash_.add(data);
  while (!data.empty()) {
    const ssize_t count =
        ::pwrite(file_.number(), data.data(), data.size(), static_cast<off_t>(offset_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write");
    offset_ += static_cast<std::uint64_t>(count);
    data = data.subspan(static_cast<std::size_t>(count));
  }
  // The disk begins at once, not only when all is there and somebody waits for it.
  if (offset_ - on_its_way_ >= writeback_bytes) {
    ::sync_file_range(file_.number(), static_cast<off_t>(on_its_way_),
                      static_cast<off_t>(offset_ - on_its_way_), SYNC_FILE_RANGE_WRITE);
    on_its_way_ = offset_;
  }
  return {};
}

Result<> IncomingFile::end() {
  const timespec modified{.tv_sec = modified_ns_ / 1'000'000'000,
                          .tv_nsec = modified_ns_ % 1'000'000'000};
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, modified};
  const mode_t mask = ::umask(0);  // of the whole process, but nothing else makes files now
  ::umask(mask);
  if (::fchmod(file_.number(), (mode_ | 0600U) & ~mask) < 0) return failed("write");
  static_cast<void>(::futimens(file_.number(), times));  // one that is out of range stays
  const int number = file_.release();
  if (::close(number) < 0 && errno != EINTR) return failed("write");
  return {};
}

void IncomingFile::remove(const SafeFolder& folder) {
  file_.close();
  const Result<SafeFolder::Place> place = folder.find(name_, SafeFolder::Missing::fail);
  if (place) ::unlinkat(place->folder.number(), part_.c_str(), 0);
}

Result<> IncomingFile::sync(const SafeFolder& folder) const {
  const Result<SafeFolder::Place> place = folder.find(name_, SafeFolder::Missing::fail);
  if (!place) return fail(place.error());
  const std::string& now = is_same_ ? place->name : part_;
  const Descriptor file(
      ::openat(place->folder.number(), now.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open() || ::fsync(file.number()) < 0) return failed("write");
  return {};
}

Result<> IncomingFile::publish(const SafeFolder& folder, bool overwrites) const {
  if (is_same_) return {};
  const Result<SafeFolder::Place> place = folder.find(name_, SafeFolder::Missing::fail);
  if (!place) return fail(place.error());
  const int in = place->folder.number();
  const unsigned how = overwrites ? 0 : RENAME_NOREPLACE;
  if (::renameat2(in, part_.c_str(), in, place->name.c_str(), how) == 0) return {};
  if (errno != EINVAL || overwrites) return failed("rename");
  // A file system without RENAME_NOREPLACE.
  if (::linkat(in, part_.c_str(), in, place->name.c_str(), 0) < 0) return failed("rename");
  ::unlinkat(in, part_.c_str(), 0);
  return {};
}

Result<> IncomingFile::sync_folders(const SafeFolder& folder) const {
  std::string inside = name_;
  for (;;) {
    const Result<SafeFolder::Place> place = folder.find(inside, SafeFolder::Missing::fail);
    if (!place) return fail(place.error());
    if (::fsync(place->folder.number()) < 0) return failed("write");
    const std::size_t slash = inside.rfind('/');
    if (slash == std::string::npos) return {};
    inside.resize(slash);
  }
}

}  // namespace ieum::cli
