// BufferedReader: lines and pieces of known length out of a stream, without copying what has come
// in one piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ieum/detail/buffered_operation.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class BufferedReader;

namespace detail {

struct ReadPiece;
struct ReadUntil;
struct ReadLine;
struct Peek;

}  // namespace detail

struct BufferedReaderOptions {
  /// Of a line, with its end, and of what `read_exact` and `peek` show.
  std::size_t bytes_max = std::size_t{64} * 1024;
};

/// Reads a stream ahead, and shows what has come: views into the received buffer, or, of what has
/// come in more than one, into a copy. **A view is valid until the next call on the reader.**
///
///     BufferedReader reader(socket);
///     while (const std::optional<std::string_view> line = co_await reader.read_line()) …
///
/// It reads by `Stream::receive`, so it holds no buffer while it waits with nothing read ahead. At
/// most it holds `bytes_max` and one received buffer. What is there already costs no allocation.
///
/// The stream must outlive it, and is read by it alone, one operation at a time; writing is free.
/// All operations can be stopped (`operation_canceled`), and lose nothing that has come, nor do
/// they by failing: it is read the next time. Errors, besides those of `Stream::receive`:
/// `Errc::end_of_stream`, the peer has finished in the middle of what was asked for;
/// `Errc::limit_exceeded`, it is longer than `bytes_max`.
class BufferedReader {
 public:
  explicit BufferedReader(Stream& stream, const BufferedReaderOptions& options = {});
  BufferedReader(const BufferedReader&) = delete;
  BufferedReader& operator=(const BufferedReader&) = delete;

  /// The next line, without its end, `\n` or `\r\n`; none if the peer has finished. The rest of a
  /// line that the peer did not end is an error, `end_of_stream`, and stays in `buffered`.
  [[nodiscard]] detail::BufferedOperation<detail::ReadLine> read_line() noexcept;
  /// What comes up to `delimiter`, and with it; none if the peer has finished. `delimiter` is not
  /// empty and must live until the operation has ended.
  [[nodiscard]] detail::BufferedOperation<detail::ReadUntil> read_until(
      std::string_view delimiter) noexcept;
  /// The next `count` bytes.
  [[nodiscard]] detail::BufferedOperation<detail::ReadPiece> read_exact(std::size_t count) noexcept;
  /// What comes next, at least `count` bytes of it, without taking it; fewer if the peer has
  /// finished before. 0: what is there, without waiting.
  [[nodiscard]] detail::BufferedOperation<detail::Peek> peek(std::size_t count) noexcept;

  /// Fills `into`, of any size; copies what was read ahead, reads the rest into it. After a failure
  /// or a stop, an unknown part of it has been read.
  [[nodiscard]] detail::ConsumingTask<void> read_exact(std::span<std::byte> into);
  /// As `Stream::read_some`: what was read ahead, or else from the stream, past the buffer.
  [[nodiscard]] detail::ConsumingTask<std::size_t> read_some(std::span<std::byte> into);
  /// Throws away the next `count` bytes, of which there may be any number. After a failure or a
  /// stop, an unknown part of them is gone.
  [[nodiscard]] detail::ConsumingTask<void> skip(std::uint64_t count);

  /// What was read ahead and not taken. Does not wait. A view, as all others.
  [[nodiscard]] ConstBuffer buffered();
  /// The same as a string, taken out: the first bytes of whatever the connection goes on with
  /// (after an upgrade, a CONNECT, STARTTLS), to be used before what the stream gives.
  [[nodiscard]] std::string take_buffered();

  [[nodiscard]] Stream& stream() const noexcept { return stream_; }

 private:
  friend struct detail::ReadPiece;
  friend struct detail::ReadUntil;
  friend struct detail::ReadLine;
  friend struct detail::Peek;
  void forget_used() noexcept;
  void use(std::size_t count) noexcept { used_ = count; }
  [[nodiscard]] std::string_view joined() const noexcept {
    return std::string_view(joined_).substr(joined_from_);
  }
  [[nodiscard]] std::string_view front() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return joined().size() + lease_.size(); }
  void join(std::size_t count);
  [[nodiscard]] std::size_t end_in_lease(std::string_view delimiter) const;
  [[nodiscard]] detail::StreamReceive receive() noexcept;
  Task<std::optional<std::string_view>> until(std::string_view delimiter, const char* name);
  Task<std::optional<std::string_view>> line();
  Task<ConstBuffer> piece(std::size_t count);
  Task<> fill(std::span<std::byte> into);
  Task<std::size_t> some(std::span<std::byte> into);
  Task<> pass_over(std::uint64_t count);
  Task<ConstBuffer> look(std::size_t count, const char* name);
  [[nodiscard]] Error error(Errc code, const char* name) const noexcept;
  [[nodiscard]] Error too_long(const char* what, const char* name) const;

  Stream& stream_;
  std::size_t bytes_max_;
  // In their order: `joined_` from `joined_from_` on, then `lease_`. Of them, `used_` were taken by
  // the last call, and may be looked at until the next.
  std::string joined_;
  std::size_t joined_from_ = 0;
  Lease lease_;
  std::size_t used_ = 0;
};

namespace detail {

/// What the operations of a BufferedReader share: what they show is an `Of`.
template <class Of, class Value = Of>
struct ReadAhead {
  using value_type = Value;
  static constexpr bool consumes = true;
  BufferedReader* reader;
  Of found{};

  [[nodiscard]] value_type value() const noexcept { return found; }
};

struct ReadUntil : ReadAhead<std::string_view, std::optional<std::string_view>> {
  std::string_view delimiter;

  [[nodiscard]] bool done_at_once() noexcept;
  [[nodiscard]] Task<value_type> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

struct ReadLine : ReadAhead<std::string_view, std::optional<std::string_view>> {
  [[nodiscard]] bool done_at_once() noexcept;
  [[nodiscard]] Task<value_type> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

struct ReadPiece : ReadAhead<ConstBuffer> {
  std::size_t count;

  [[nodiscard]] bool done_at_once() noexcept;
  [[nodiscard]] Task<value_type> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

struct Peek : ReadAhead<ConstBuffer> {
  static constexpr bool consumes = false;
  std::size_t count;

  [[nodiscard]] bool done_at_once() noexcept;
  [[nodiscard]] Task<value_type> task() const;
  [[nodiscard]] Error canceled() const noexcept;
};

}  // namespace detail

inline detail::BufferedOperation<detail::ReadLine> BufferedReader::read_line() noexcept {
  return detail::BufferedOperation<detail::ReadLine>(detail::ReadLine{{this}});
}
inline detail::BufferedOperation<detail::ReadUntil> BufferedReader::read_until(
    std::string_view delimiter) noexcept {
  IEUM_ASSERT(!delimiter.empty(), "read_until needs a delimiter");
  return detail::BufferedOperation<detail::ReadUntil>(detail::ReadUntil{{this}, delimiter});
}
inline detail::BufferedOperation<detail::ReadPiece> BufferedReader::read_exact(
    std::size_t count) noexcept {
  return detail::BufferedOperation<detail::ReadPiece>(detail::ReadPiece{{this}, count});
}
inline detail::BufferedOperation<detail::Peek> BufferedReader::peek(std::size_t count) noexcept {
  return detail::BufferedOperation<detail::Peek>(detail::Peek{{this}, count});
}

}  // namespace ieum
#pragma GCC visibility pop
