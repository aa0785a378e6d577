// Content: what a request carries, and ContentWriter, which a program writes it to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/http/fields.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

namespace detail {
class ClientExchange;
}
class RequestObserver;

/// Where the content of a request is written to, piece by piece. Waiting for a write is the
/// backpressure: a piece has gone when it ends.
class ContentWriter {
 public:
  ContentWriter(const ContentWriter&) = delete;
  ContentWriter& operator=(const ContentWriter&) = delete;

  /// Errors: those of the connection, which the writer's task had better end with; `timed_out`
  /// (`RequestOptions::idle_timeout`, for each 64 KiB); `invalid_argument` (more than the length
  /// that was told).
  [[nodiscard]] Task<> write(ConstBuffer data);
  [[nodiscard]] Task<> write(std::string_view text) {
    return write(std::as_bytes(std::span(text)));
  }
  /// A field that is sent behind the content (RFC 9110, section 6.5). Errors: `invalid_argument`,
  /// the field is none, or the content's length was told, so that nothing can follow it.
  Result<> add_trailer(std::string_view name, std::string_view value);
  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return written_; }

 private:
  friend class detail::ClientExchange;
  ContentWriter(Stream& stream, std::optional<std::uint64_t> length, Duration idle_limit,
                RequestObserver* observer) noexcept
      : stream_(stream), length_(length), idle_limit_(idle_limit), observer_(observer) {}
  [[nodiscard]] Task<> write_piece(ConstBuffer piece);
  [[nodiscard]] Task<> finish();

  Stream& stream_;
  std::optional<std::uint64_t> length_;  // none: in chunks
  Duration idle_limit_;
  RequestObserver* observer_;  // or null
  std::uint64_t written_ = 0;
  bool is_broken_ = false;  // the connection is: an error that the writer's task did not make
  Fields trailers_;
};

/// What a request carries. Memory is sent as it is, with its length; what a task or a file gives is
/// sent as it comes.
class Content {
 public:
  /// Writes all of a content. It is called once, or, for a content that may be repeated, again when
  /// a redirect or a lost connection asks for it. What it refers to lives until the reply is there.
  using Writer = std::function<Task<>(ContentWriter&)>;

  /// None at all.
  Content() = default;
  [[nodiscard]] static Content text(std::string text);
  /// JSON that is made already.
  [[nodiscard]] static Content json(std::string text);
  [[nodiscard]] static Content bytes(std::string bytes,
                                     std::string_view type = "application/octet-stream");
  /// As an HTML form sends it (application/x-www-form-urlencoded).
  [[nodiscard]] static Content form(std::span<const Field> fields);
  /// What `writer` writes, in chunks; with `length`, exactly so many bytes. Sent at most once, so
  /// that a redirect that would send it again is an error.
  [[nodiscard]] static Content stream(std::string_view type, Writer writer,
                                      std::optional<std::uint64_t> length = std::nullopt);
  /// The same of a writer that writes the same each time it is called.
  [[nodiscard]] static Content repeatable_stream(
      std::string_view type, Writer writer, std::optional<std::uint64_t> length = std::nullopt);
  /// A regular file, with its length. It is opened when it is sent: then the errors of opening a
  /// file, or `invalid_argument` (it is none, or changes meanwhile), are those of the request.
  [[nodiscard]] static Content file(std::string path,
                                    std::string_view type = "application/octet-stream");

  /// `Content-Type`.
  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] bool is_none() const noexcept { return kind_ == Kind::none; }
  [[nodiscard]] bool is_repeatable() const noexcept { return is_repeatable_; }
  /// Bytes that it has; none if only sending it tells, as of a file.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept {
    if (kind_ == Kind::none || kind_ == Kind::memory) return text_.size();
    return length_;
  }

 private:
  friend class detail::ClientExchange;
  enum class Kind : std::uint8_t { none, memory, writer, file };
  Content(Kind kind, std::string text, std::string_view type)
      : kind_(kind), type_(type), text_(std::move(text)) {}

  Kind kind_ = Kind::none;
  bool is_repeatable_ = true;
  std::string type_;
  std::string text_;  // memory, or the path of a file
  Writer writer_;
  std::optional<std::uint64_t> length_;  // of a writer's
};

}  // namespace ieum::http
#pragma GCC visibility pop
