// DescriptorStream: standard input and output, or any descriptor shared with others, as a Stream.
#pragma once

#include <memory>
#include <utility>

#include <ieum/descriptor.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A descriptor that others may share (a terminal, a pipe, a redirected file), as a stream in one
/// direction. Its flags are never changed: a shell that shares the terminal finds it as it was,
/// even after SIGKILL.
///
/// How it is served: pipes and terminals are opened a second time, non-blocking, by way of
/// /proc/self/fd; where that is refused, and what else can be polled, is polled before each read or
/// write. What cannot be polled (regular files, /dev/null) is read and written on the runtime's
/// pool, at the file offset that the descriptor shares with others; there, neither a stop nor
/// `close` ends an operation that a thread has begun: it is waited for. A terminal is read only
/// once there is something to read, and by a job in the foreground alone: in the background a read
/// waits, where another program is stopped (SIGTTIN). Writing to a pipe whose
/// reader has gone is `broken_pipe`, never SIGPIPE. Reading in the wrong direction is
/// `bad_file_descriptor`.
class DescriptorStream final : public Stream {
 public:
  enum class Direction : std::uint8_t { input, output };

  /// One that our parent left closed is /dev/null: the first runtime opens it.
  [[nodiscard]] static Result<DescriptorStream> standard_input() {
    return open(0, Direction::input);
  }
  [[nodiscard]] static Result<DescriptorStream> standard_output() {
    return open(1, Direction::output);
  }
  [[nodiscard]] static Result<DescriptorStream> standard_error() {
    return open(2, Direction::output);
  }

  /// Serves `descriptor`, which must stay open as long as the stream exists; the stream does not
  /// own it unless `shutdown_write` or `close` is called. Errors: `bad_file_descriptor`,
  /// `too_many_files_open`.
  [[nodiscard]] static Result<DescriptorStream> open(int descriptor, Direction direction);

  DescriptorStream(DescriptorStream&& other) noexcept;
  DescriptorStream& operator=(DescriptorStream&&) = delete;
  ~DescriptorStream() override;

  /// Closes an output, so that its reader sees the end. 0, 1 and 2 become /dev/null, so that no
  /// later file gets their number.
  [[nodiscard]] Task<> shutdown_write() override;
  /// The same for either direction.
  [[nodiscard]] Task<> close() override;
  [[nodiscard]] bool is_open() const noexcept override { return descriptor_ >= 0; }
  /// False of a regular file and the like, which has no pauses.
  [[nodiscard]] bool is_polled() const noexcept { return way_ != Way::pool; }

  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override;
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override;
  void begin_receive(detail::StreamReceiveIo& io) override;
  void begin_wait_readable(detail::StreamIo& io) override;

 private:
  enum class Way : std::uint8_t { own_handle, polled, pool };
  DescriptorStream(detail::Loop& loop, int descriptor, Direction direction, Way way,
                   int handle) noexcept
      : loop_(&loop), descriptor_(descriptor), handle_(handle), direction_(direction), way_(way) {}

  [[nodiscard]] detail::HandleRequest request(detail::Operation::Kind kind, Direction direction,
                                              int handle) const noexcept;
  Task<std::size_t> polled_read(std::span<std::byte> into);
  Task<std::size_t> polled_write(detail::WriteRequest request);
  Task<std::size_t> pool_read(std::span<std::byte> into);
  Task<std::size_t> pool_write(detail::WriteRequest request);
  Task<std::size_t> pool_write_part(ConstBuffer part);
  [[nodiscard]] const char* name(Direction direction) const noexcept;

  detail::Loop* loop_;
  int descriptor_;  // the shared one; -1 once closed
  int handle_;      // the driver's: another opening, or another number for the same; or -1
  // pool: another number for the same, shared with the work that the pool has of it, so that the
  // number is not another file's before that has ended
  std::shared_ptr<const Descriptor> file_;
  Direction direction_;
  Way way_;
};

}  // namespace ieum
#pragma GCC visibility pop
