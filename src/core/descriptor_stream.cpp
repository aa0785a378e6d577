// DescriptorStream: three ways to serve a descriptor without touching its flags.
#include <ieum/descriptor_stream.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <ieum/descriptor.hpp>
#include <ieum/offload.hpp>

#include "core/this_loop.hpp"
#include "driver/driver.hpp"

namespace ieum {

namespace {

/// Bytes that a pipe which polls writable takes without blocking (PIPE_BUF, pipe(7)).
constexpr std::size_t polled_write_max = 4096;

/// The same file, opened again with flags of our own: -1 where the system refuses.
int open_again(int descriptor, DescriptorStream::Direction direction) noexcept {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", descriptor);
  const int access = direction == DescriptorStream::Direction::input ? O_RDONLY : O_WRONLY;
  return ::open(path.data(), access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

std::int64_t or_errno(ssize_t result) noexcept { return result < 0 ? -errno : result; }

}  // namespace

Result<DescriptorStream> DescriptorStream::open(int descriptor, Direction direction) {
  const char* operation = direction == Direction::input ? "open input" : "open output";
  detail::Loop& loop = detail::this_loop();
  struct stat status{};
  if (::fstat(descriptor, &status) < 0) return fail(Error::from_errno(errno, operation));
  const int access = ::fcntl(descriptor, F_GETFL) & O_ACCMODE;
  if (access == (direction == Direction::input ? O_WRONLY : O_RDONLY)) {
    return fail(Error::from_errno(EBADF, operation)
                    .with_detail("it is open in the other direction only"));
  }
  const bool terminal = S_ISCHR(status.st_mode) && ::isatty(descriptor) == 1;
  if (S_ISFIFO(status.st_mode) || terminal) {
    const int again = open_again(descriptor, direction);
    if (again < 0 && (errno == EMFILE || errno == ENFILE)) {
      return fail(Error::from_errno(errno, operation));
    }
    if (again >= 0) {
      const int handle = loop.driver().adopt(again);
      if (handle >= 0) return DescriptorStream(loop, descriptor, direction, Way::own_handle, handle);
      ::close(again);
    }
    return DescriptorStream(loop, descriptor, direction, Way::polled, -1);
  }
  const bool polls = !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode) &&
                     !S_ISDIR(status.st_mode);
  return DescriptorStream(loop, descriptor, direction, polls ? Way::polled : Way::pool, -1);
}

DescriptorStream::DescriptorStream(DescriptorStream&& other) noexcept
    : Stream(std::move(other)),
      loop_(other.loop_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      handle_(std::exchange(other.handle_, -1)),
      direction_(other.direction_),
      way_(other.way_) {}

DescriptorStream::~DescriptorStream() {
  if (handle_ >= 0) loop_->driver().discard(handle_);
}

const char* DescriptorStream::name() const noexcept {
  if (direction_ == Direction::input) return descriptor_ == 0 ? "read standard input" : "read";
  return descriptor_ == 1 ? "write standard output" : descriptor_ == 2 ? "write standard error" : "write";
}

detail::HandleRequest DescriptorStream::request(Operation::Kind kind, int handle) const noexcept {
  return {.kind = kind, .handle = handle, .loop = loop_, .name = name()};
}

void DescriptorStream::begin_read(detail::StreamIo& io, std::span<std::byte> into) {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  const bool possible = direction_ == Direction::input && descriptor_ >= 0;
  if (possible && way_ == Way::polled) return io.use(polled_read(into));
  if (possible && way_ == Way::pool) return io.use(pool_read(into));
  detail::HandleRequest read = request(Operation::Kind::receive, possible ? handle_ : -1);
  read.data = into.data();
  read.size = into.size();
  io.use(read);
}

void DescriptorStream::begin_write(detail::StreamIo& io, const detail::WriteRequest& write) {
  const bool possible = direction_ == Direction::output && descriptor_ >= 0;
  if (possible && way_ == Way::polled) return io.use(polled_write(write));
  if (possible && way_ == Way::pool) return io.use(pool_write(write));
  const bool gathers = write.parts.data() != nullptr;
  detail::HandleRequest send = request(Operation::Kind::send, possible ? handle_ : -1);
  send.whole = write.whole;
  send.data = const_cast<std::byte*>(write.data.data());
  send.size = gathers ? write.parts.size() : write.data.size();
  send.parts = write.parts.data();
  io.use(send);
}

Task<std::size_t> DescriptorStream::polled_read(std::span<std::byte> into) {
  co_await wait_readable(descriptor_);
  detail::HandleRequest read = request(Operation::Kind::receive, descriptor_);
  read.data = into.data();
  read.size = into.size();
  detail::HandleIo<std::size_t> reading(read);
  const std::size_t count = co_await std::move(reading);
  co_return count;
}

Task<std::size_t> DescriptorStream::polled_write(detail::WriteRequest write) {
  const std::span<const ConstBuffer> parts =
      write.parts.data() != nullptr ? write.parts : std::span<const ConstBuffer>(&write.data, 1);
  std::size_t total = 0;
  for (ConstBuffer part : parts) {
    while (!part.empty()) {
      co_await wait_writable(descriptor_);
      detail::HandleRequest send = request(Operation::Kind::send, descriptor_);
      send.data = const_cast<std::byte*>(part.data());
      send.size = std::min(part.size(), polled_write_max);
      detail::HandleIo<std::size_t> sending(send);
      const std::size_t count = co_await std::move(sending);
      total += count;
      part = part.subspan(count);
      if (!write.whole) co_return total;
    }
  }
  co_return total;
}

Task<std::size_t> DescriptorStream::pool_read(std::span<std::byte> into) {
  const int descriptor = descriptor_;
  auto read = [descriptor, into] { return or_errno(::read(descriptor, into.data(), into.size())); };
  auto work = offload(read);
  const std::int64_t count = co_await std::move(work);
  if (count < 0) co_await fail(Error::from_errno(static_cast<int>(-count), name()));
  co_return static_cast<std::size_t>(count);
}

Task<std::size_t> DescriptorStream::pool_write_part(ConstBuffer part) {
  const int descriptor = descriptor_;
  auto write = [descriptor, part] { return or_errno(::write(descriptor, part.data(), part.size())); };
  auto work = offload(write);
  const std::int64_t count = co_await std::move(work);
  if (count < 0) co_await fail(Error::from_errno(static_cast<int>(-count), name()));
  co_return static_cast<std::size_t>(count);
}

Task<std::size_t> DescriptorStream::pool_write(detail::WriteRequest write) {
  const std::span<const ConstBuffer> parts =
      write.parts.data() != nullptr ? write.parts : std::span<const ConstBuffer>(&write.data, 1);
  std::size_t total = 0;
  for (ConstBuffer part : parts) {
    while (!part.empty()) {
      const std::size_t count = co_await pool_write_part(part);
      total += count;
      part = part.subspan(count);
      if (!write.whole) co_return total;
    }
  }
  co_return total;
}

Task<> DescriptorStream::shutdown_write() {
  if (direction_ != Direction::output) co_await fail(Error::from_errno(EBADF, "shut down"));
  co_await close();
}

Task<> DescriptorStream::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor < 0) co_await fail(Error::from_errno(EBADF, "close"));
  if (handle_ >= 0) loop_->driver().discard(std::exchange(handle_, -1));
  int status = 0;
  if (descriptor <= 2) {
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    status = nothing < 0 ? -1 : ::dup2(nothing, descriptor);
    if (nothing >= 0) ::close(nothing);
  } else {
    status = ::close(descriptor);
  }
  if (status < 0) co_await fail(Error::from_errno(errno, "close"));
}

}  // namespace ieum
