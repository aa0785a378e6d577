// DescriptorStream: three ways to serve a descriptor without touching its flags.
#include <ieum/descriptor_stream.hpp>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <ieum/offload.hpp>
#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

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

/// The end of a pseudo-terminal that a program holds: opening its file again makes another one.
bool is_terminal_master(int descriptor) noexcept {
  unsigned number = 0;
  return ::ioctl(descriptor, TIOCGPTN, &number) == 0;
}

/// It is our terminal, and another job has it: a read would stop us (SIGTTIN).
bool is_in_background(int descriptor) noexcept {
  if (is_terminal_master(descriptor)) return false;  // it would tell of the other end's jobs
  const pid_t foreground = ::tcgetpgrp(descriptor);  // -1 of any other file
  return foreground >= 0 && foreground != ::getpgrp();
}

/// Nothing tells that a job has come to the foreground.
constexpr Duration background_pause = std::chrono::milliseconds(100);

/// Whether epoll takes it: what has no poll of its own answers EPERM.
bool can_be_polled(int descriptor) noexcept {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  const bool can = epoll >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
  if (epoll >= 0) ::close(epoll);
  return can;
}

std::int64_t or_errno(ssize_t result) noexcept { return result < 0 ? -errno : result; }

}  // namespace

Result<DescriptorStream> DescriptorStream::open(int descriptor, Direction direction) {
  const char* operation = direction == Direction::input ? "open input" : "open output";
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  struct stat status{};
  if (::fstat(descriptor, &status) < 0) return fail(Error::from_errno(errno, operation));
  const int access = ::fcntl(descriptor, F_GETFL) & O_ACCMODE;
  if (access == (direction == Direction::input ? O_WRONLY : O_RDONLY)) {
    return fail(
        Error::from_errno(EBADF, operation).with_detail("it is open in the other direction only"));
  }
  const bool terminal = S_ISCHR(status.st_mode) && ::isatty(descriptor) == 1;
  if (S_ISFIFO(status.st_mode) || (terminal && !is_terminal_master(descriptor))) {
    const int again = open_again(descriptor, direction);
    if (again < 0 && (errno == EMFILE || errno == ENFILE)) {
      return fail(Error::from_errno(errno, operation));
    }
    if (again >= 0) {
      const int handle = loop.driver().adopt(again);
      // A terminal is read only once there is something to read, by the job that it belongs to.
      const bool polls = terminal && direction == Direction::input;
      const Way way = polls ? Way::polled : Way::own_handle;
      if (handle >= 0) return DescriptorStream(loop, descriptor, direction, way, handle);
      ::close(again);
    }
  }
  const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return fail(Error::from_errno(errno, operation));
  if (!can_be_polled(own)) {
    DescriptorStream stream(loop, descriptor, direction, Way::pool, -1);
    stream.file_ = std::make_shared<const Descriptor>(own);
    return stream;
  }
  // The driver closes this number with what is pending on it.
  return DescriptorStream(loop, descriptor, direction, Way::polled, own);
}

DescriptorStream::DescriptorStream(DescriptorStream&& other) noexcept
    : Stream(std::move(other)),
      loop_(other.loop_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      handle_(std::exchange(other.handle_, -1)),
      file_(std::move(other.file_)),
      direction_(other.direction_),
      way_(other.way_) {}

DescriptorStream::~DescriptorStream() {
  if (handle_ >= 0) loop_->driver().discard(handle_);
}

const char* DescriptorStream::name(Direction direction) const noexcept {
  if (direction == Direction::input) return descriptor_ == 0 ? "read standard input" : "read";
  return descriptor_ == 1   ? "write standard output"
         : descriptor_ == 2 ? "write standard error"
                            : "write";
}

detail::HandleRequest DescriptorStream::request(detail::Operation::Kind kind, Direction direction,
                                                int handle) const noexcept {
  return {.kind = kind, .handle = handle, .loop = loop_, .name = name(direction)};
}

void DescriptorStream::begin_read(detail::StreamIo& io, std::span<std::byte> into) {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  const bool possible = direction_ == Direction::input && descriptor_ >= 0;
  if (possible && way_ == Way::polled) return io.use(polled_read(into));
  if (possible && way_ == Way::pool) return io.use(pool_read(into));
  io.use(request(detail::Operation::Kind::receive, Direction::input, possible ? handle_ : -1)
             .to_read(into));
}

void DescriptorStream::begin_receive(detail::StreamReceiveIo& io) {
  const bool possible = direction_ == Direction::input && descriptor_ >= 0;
  if (possible && way_ != Way::own_handle) return Stream::begin_receive(io);
  io.use(request(detail::Operation::Kind::receive, Direction::input, possible ? handle_ : -1));
}

void DescriptorStream::begin_wait_readable(detail::StreamIo& io) {
  const bool possible = direction_ == Direction::input && descriptor_ >= 0;
  if (possible && way_ == Way::pool) {
    auto at_once = []() -> Task<std::size_t> { co_return 0; };
    return io.use(at_once());
  }
  io.use(
      request(detail::Operation::Kind::wait_readable, Direction::input, possible ? handle_ : -1));
}

void DescriptorStream::begin_write(detail::StreamIo& io, const detail::WriteRequest& write) {
  const bool possible = direction_ == Direction::output && descriptor_ >= 0;
  if (possible && way_ == Way::polled) return io.use(polled_write(write));
  if (possible && way_ == Way::pool) return io.use(pool_write(write));
  io.use(request(detail::Operation::Kind::send, Direction::output, possible ? handle_ : -1)
             .to_write(write));
}

Task<std::size_t> DescriptorStream::polled_read(std::span<std::byte> into) {
  for (;;) {
    detail::HandleIo<void> readable(
        request(detail::Operation::Kind::wait_readable, Direction::input, handle_));
    co_await std::move(readable);
    if (!is_in_background(handle_)) break;
    co_await sleep(background_pause);
  }
  detail::HandleIo<std::size_t> reading(
      request(detail::Operation::Kind::receive, Direction::input, handle_).to_read(into));
  const std::size_t count = co_await std::move(reading);
  co_return count;
}

Task<std::size_t> DescriptorStream::polled_write(detail::WriteRequest write) {
  const std::span<const ConstBuffer> parts =
      write.parts.data() != nullptr ? write.parts : std::span<const ConstBuffer>(&write.data, 1);
  std::size_t total = 0;
  for (ConstBuffer part : parts) {
    while (!part.empty()) {
      detail::HandleIo<void> writable(
          request(detail::Operation::Kind::wait_writable, Direction::output, handle_));
      co_await std::move(writable);
      detail::HandleRequest send =
          request(detail::Operation::Kind::send, Direction::output, handle_);
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
  const std::shared_ptr<const Descriptor> file = file_;  // open until the work has ended
  const int number = file->number();
  auto read = [number, into] { return or_errno(::read(number, into.data(), into.size())); };
  auto work = offload(read);
  const std::int64_t count = co_await std::move(work);
  if (count < 0) co_await fail(Error::from_errno(static_cast<int>(-count), name(Direction::input)));
  co_return static_cast<std::size_t>(count);
}

Task<std::size_t> DescriptorStream::pool_write_part(ConstBuffer part) {
  if (file_ == nullptr) co_await fail(Error::from_errno(ECANCELED, name(Direction::output)));
  const std::shared_ptr<const Descriptor> file = file_;  // open until the work has ended
  const int number = file->number();
  auto write = [number, part] { return or_errno(::write(number, part.data(), part.size())); };
  auto work = offload(write);
  const std::int64_t count = co_await std::move(work);
  if (count < 0)
    co_await fail(Error::from_errno(static_cast<int>(-count), name(Direction::output)));
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
  file_.reset();
  int status = 0;
  if (descriptor <= 2) {
    int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    // Where there is none (a chroot), something else that keeps the number and moves no byte.
    if (nothing < 0) nothing = ::open("/", O_PATH | O_CLOEXEC);
    status = nothing < 0 ? -1 : ::dup2(nothing, descriptor);
    if (nothing >= 0) ::close(nothing);
  } else {
    status = ::close(descriptor);
  }
  if (status < 0) co_await fail(Error::from_errno(errno, "close"));
}

}  // namespace ieum
