// Content and ContentWriter: what a request carries, and how it goes out.
#include <ieum/http/content.hpp>

#include <algorithm>
#include <array>

#include <ieum/http/request_observer.hpp>
#include <ieum/timeout.hpp>

#include "base/words.hpp"
#include "http/chunks.hpp"

namespace ieum::http {

namespace {

constexpr std::size_t piece_bytes_max = std::size_t{64} * 1024;
constexpr const char* operation = "send content";

ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// As the URL Standard writes them (section 5.2).
void append_form_encoded(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool stays = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '*' || c == '-' || c == '.' || c == '_';
    if (stays) {
      to += c;
    } else if (c == ' ') {
      to += '+';
    } else {
      to += '%';
      to += digits[byte >> 4U];
      to += digits[byte & 0xfU];
    }
  }
}

}  // namespace

Content Content::text(std::string text) {
  return {Kind::memory, std::move(text), "text/plain; charset=utf-8"};
}
Content Content::json(std::string text) {
  return {Kind::memory, std::move(text), "application/json"};
}
Content Content::bytes(std::string bytes, std::string_view type) {
  return {Kind::memory, std::move(bytes), type};
}
Content Content::form(std::span<const Field> fields) {
  std::string text;
  for (const Field& field : fields) {
    if (!text.empty()) text += '&';
    append_form_encoded(text, field.name);
    text += '=';
    append_form_encoded(text, field.value);
  }
  return {Kind::memory, std::move(text), "application/x-www-form-urlencoded"};
}
Content Content::repeatable_stream(std::string_view type, Writer writer,
                                   std::optional<std::uint64_t> length) {
  Content content(Kind::writer, {}, type);
  content.writer_ = std::move(writer);
  content.length_ = length;
  return content;
}
Content Content::stream(std::string_view type, Writer writer, std::optional<std::uint64_t> length) {
  Content content = repeatable_stream(type, std::move(writer), length);
  content.is_repeatable_ = false;
  return content;
}
Content Content::file(std::string path, std::string_view type) {
  return {Kind::file, std::move(path), type};
}

Task<> ContentWriter::write(ConstBuffer data) {
  if (length_ && data.size() > *length_ - written_) {
    co_await fail(Error(std::errc::invalid_argument, operation)
                      .with_detail(ieum::detail::words("more than the ", *length_,
                                                       " bytes that were announced")));
  }
  while (!data.empty()) {
    const ConstBuffer piece = data.first(std::min(data.size(), piece_bytes_max));
    data = data.subspan(piece.size());
    Result<> done = co_await attempt(write_piece(piece));
    if (!done) {
      is_broken_ = done.error() != std::errc::operation_canceled;
      co_await fail(done.error());
    }
    written_ += piece.size();
    if (observer_ != nullptr) observer_->content_sent(written_);
  }
}

Task<> ContentWriter::write_piece(ConstBuffer piece) {
  const Duration limit = idle_limit_ > Duration::zero() ? idle_limit_ : Duration::max();
  if (length_) {
    co_await with_timeout(limit, stream_.write_all(piece));
    co_return;
  }
  std::string size;
  detail::append_chunk_size(size, piece.size());
  std::array<ConstBuffer, 3> parts;
  parts[0] = bytes_of(size);
  parts[1] = piece;
  parts[2] = bytes_of("\r\n");
  co_await with_timeout(limit, stream_.write_all(std::span<const ConstBuffer>(parts)));
}

Result<> ContentWriter::add_trailer(std::string_view name, std::string_view value) {
  if (length_) {
    return fail(Error(std::errc::invalid_argument, "add trailer field")
                    .with_name(name)
                    .with_detail("the content has a length"));
  }
  return trailers_.add(name, value);
}

Task<> ContentWriter::finish() {
  if (length_) {
    if (written_ < *length_) {
      co_await fail(Error(std::errc::invalid_argument, operation)
                        .with_detail(ieum::detail::words("it ended after ", written_, " of ",
                                                         *length_, " announced bytes")));
    }
    co_return;
  }
  std::string end = "0\r\n";
  detail::append_fields(end, trailers_);
  end += "\r\n";
  const Duration limit = idle_limit_ > Duration::zero() ? idle_limit_ : Duration::max();
  Result<> done = co_await attempt(with_timeout(limit, stream_.write_all(end)));
  if (!done) {
    is_broken_ = done.error() != std::errc::operation_canceled;
    co_await fail(done.error());
  }
}

}  // namespace ieum::http
