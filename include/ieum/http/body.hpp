// RequestBody, BodyWriter, EventStream: bodies pulled and pushed in pieces, with backpressure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/http/fields.hpp>
#include <ieum/operation.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

namespace detail {
class Exchange;
class Sending;
}  // namespace detail

/// The body of a request, as it comes: nothing is read of it before somebody asks. A client that
/// waits to be asked for it (`Expect: 100-continue`) is asked at the first read. One read at a
/// time.
///
/// A read that fails has a status: if the handler lets the error pass, the client gets that.
/// Errors: `Errc::limit_exceeded` (413: longer than was allowed), `timed_out` (408: too slow),
/// `Errc::end_of_stream` (400: the client finished before), `bad_message` (400: the chunks are
/// malformed), and what broke the connection.
class RequestBody {
 public:
  /// The next piece, at least a byte; empty once all has come. Valid until the next call, or until
  /// the handler has returned.
  [[nodiscard]] ieum::detail::ConsumingTask<ConstBuffer> next();
  /// All that is left, at most `bytes_max` bytes.
  [[nodiscard]] ieum::detail::ConsumingTask<std::string> text(std::size_t bytes_max);

  /// Its length, if the head tells it: 0 without a body, none of a chunked one.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept;
  /// True once all has come; at once, if there is none.
  [[nodiscard]] bool has_ended() const noexcept;
  /// The fields behind a chunked body, once it has ended.
  [[nodiscard]] const Fields& trailers() const noexcept;

  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

 private:
  friend class detail::Exchange;
  explicit RequestBody(detail::Exchange& exchange) noexcept : exchange_(exchange) {}
  detail::Exchange& exchange_;
};

/// Where a function that was given to `Response::stream` writes the body. Each write goes out
/// before it ends, in one piece with what frames it: waiting for it is the backpressure, and
/// nothing is queued; so write large pieces. One write at a time. When the connection breaks, the
/// writer's task is stopped.
class BodyWriter {
 public:
  /// Error, besides those of writing: `Errc::limit_exceeded` (more than the Content-Length that the
  /// response has; what is less breaks the connection, so that nobody takes it for all).
  [[nodiscard]] Task<> write(ConstBuffer data);
  [[nodiscard]] Task<> write(std::string_view text);
  /// Fields to send behind the body, to a client that says that it takes them (`TE: trailers`).
  [[nodiscard]] Fields& trailers() noexcept;

  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

 private:
  friend class detail::Sending;
  explicit BodyWriter(detail::Sending& sending) noexcept : sending_(sending) {}
  detail::Sending& sending_;
};

/// An event for a browser's EventSource (WHATWG HTML, section 9.2).
struct ServerEvent {
  std::string data;   ///< may have several lines
  std::string event;  ///< its kind; empty: `message`
  std::string id;     ///< what the client sends as Last-Event-ID when it comes back
  std::optional<std::chrono::milliseconds> retry;  ///< how long it is to wait before that
};

/// Where a function that was given to `Response::events` sends events. When the client has gone,
/// its task is stopped.
class EventStream {
 public:
  /// Error, besides those of writing: `invalid_argument` (a line break or a NUL in `event` or
  /// `id`).
  [[nodiscard]] Task<> send(ServerEvent event);
  /// A line that the client ignores, so that nobody on the way takes the connection for dead.
  [[nodiscard]] Task<> comment(std::string text);
  /// What a client that comes back has seen last; empty if none.
  [[nodiscard]] std::string_view last_id() const noexcept;

  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

 private:
  friend class detail::Sending;
  EventStream(BodyWriter& writer, std::string_view last_id) noexcept
      : writer_(writer), last_id_(last_id) {}
  BodyWriter& writer_;
  std::string_view last_id_;
};

}  // namespace ieum::http
#pragma GCC visibility pop
