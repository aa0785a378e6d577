// BufferedWriter: many small writes, few calls.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <ieum/detail/buffered_operation.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class BufferedWriter;

namespace detail {

struct BufferedWrite;
struct BufferedFlush;

}  // namespace detail

struct BufferedWriterOptions {
  /// What is collected before it is written.
  std::size_t bytes_max = std::size_t{16} * 1024;
};

/// Collects what is written and gives it to the stream once there is more than `bytes_max`, or when
/// told to: `flush`, before waiting for an answer.
///
///     BufferedWriter writer(socket);
///     for (const std::string& line : lines) co_await writer.write(line);
///     co_await writer.flush();
///
/// **What was not flushed is lost when the writer is destroyed**: a destructor cannot wait, and on
/// the way out of a failure nobody would see that it did not arrive.
///
/// Holds at most `bytes_max`, and no memory once that is flushed. A write that does not fit goes
/// out with what was collected, in one gathered call, and is not copied. The stream must outlive
/// it, and is written by it alone, one operation at a time; reading is free.
///
/// All operations can be stopped (`operation_canceled`). After a failure or a stop of one that had
/// begun to give to the stream, an unknown part has been written, so that what follows would make
/// no sense: every later operation fails with the same error. Errors: those of `Stream::write_all`.
class BufferedWriter {
 public:
  explicit BufferedWriter(Stream& stream, const BufferedWriterOptions& options = {}) noexcept
      : stream_(stream), bytes_max_(options.bytes_max) {}
  BufferedWriter(const BufferedWriter&) = delete;
  BufferedWriter& operator=(const BufferedWriter&) = delete;

  /// Collects `data`, or gives it to the stream with what was collected if it does not fit: then it
  /// waits until all has been taken. `data` must live until the operation has ended.
  [[nodiscard]] detail::BufferedOperation<detail::BufferedWrite> write(ConstBuffer data) noexcept;
  [[nodiscard]] detail::BufferedOperation<detail::BufferedWrite> write(
      std::string_view text) noexcept;
  /// Gives all that was collected to the stream, and waits until it has been taken.
  [[nodiscard]] detail::BufferedOperation<detail::BufferedFlush> flush() noexcept;

  /// What has been collected and not been given to the stream.
  [[nodiscard]] std::size_t buffered_bytes() const noexcept { return collected_.size(); }
  [[nodiscard]] Stream& stream() const noexcept { return stream_; }

 private:
  friend struct detail::BufferedWrite;
  friend struct detail::BufferedFlush;
  Task<> write_through(ConstBuffer data);
  [[nodiscard]] Error canceled(const char* name) const noexcept;

  Stream& stream_;
  std::size_t bytes_max_;
  std::string collected_;
  std::unique_ptr<Error> error_;  // of the write that failed
};

namespace detail {

struct BufferedWrite {
  using value_type = void;
  static constexpr bool consumes = false;
  static constexpr bool partial = true;  // a part may have gone, and the writer then fails for good
  BufferedWriter* writer;
  ConstBuffer data;

  [[nodiscard]] bool done_at_once() const;
  [[nodiscard]] Task<> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

struct BufferedFlush {
  using value_type = void;
  static constexpr bool consumes = false;
  static constexpr bool partial = true;  // a part may have gone, and the writer then fails for good
  BufferedWriter* writer;

  [[nodiscard]] bool done_at_once() const noexcept;
  [[nodiscard]] Task<> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

}  // namespace detail

inline detail::BufferedOperation<detail::BufferedWrite> BufferedWriter::write(
    ConstBuffer data) noexcept {
  return detail::BufferedOperation<detail::BufferedWrite>({this, data});
}
inline detail::BufferedOperation<detail::BufferedWrite> BufferedWriter::write(
    std::string_view text) noexcept {
  return write(std::as_bytes(std::span(text)));
}
inline detail::BufferedOperation<detail::BufferedFlush> BufferedWriter::flush() noexcept {
  return detail::BufferedOperation<detail::BufferedFlush>({this});
}

}  // namespace ieum
#pragma GCC visibility pop
