#include "get/content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include <fmt/format.h>

#include <ieum/descriptor.hpp>
#include <ieum/descriptor_stream.hpp>
#include <ieum/http/url.hpp>
#include <ieum/random_bytes.hpp>

#include "report/reason.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

/// Of standard input, so much is kept, to be sent again if need be; what is longer is sent once, as
/// it comes.
constexpr std::size_t kept_bytes_max = std::size_t{16} * 1024 * 1024;
constexpr std::size_t piece_bytes = std::size_t{64} * 1024;

Failure cannot_read(const std::string& path, int error) {
  return {Status::other, fmt::format("cannot read {}: {}", in_quotes(path), reason_of(error))};
}

/// The size of a regular file that can be read; the rest is `failure`'s.
std::optional<std::uint64_t> size_of(const std::string& path, std::optional<Failure>& failure) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0) {
    failure = cannot_read(path, errno);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    failure = {Status::other, fmt::format("{} is no regular file; standard input is @-, as in "
                                          "'-d @- < FILE'",
                                          in_quotes(path))};
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

/// Standard input up to its end, or until that is too much to be kept.
Task<bool> read_input(std::string& text, std::optional<Failure>& failure) {
  DescriptorStream input = co_await DescriptorStream::standard_input();
  std::string buffer(piece_bytes, '\0');
  while (text.size() <= kept_bytes_max) {
    const Result<std::size_t> count =
        co_await attempt(input.read_some(std::as_writable_bytes(std::span(buffer))));
    if (!count) {
      if (count.error() != std::errc::operation_canceled) {
        failure = explain_failure(Stage::reading_input, count.error());
      }
      co_await fail(count.error());
    }
    if (*count == 0) co_return true;
    text.append(buffer, 0, *count);
  }
  co_return false;
}

Task<> write_rest_of_input(http::ContentWriter& writer, std::string beginning) {
  co_await writer.write(beginning);
  beginning.clear();
  beginning.shrink_to_fit();
  DescriptorStream input = co_await DescriptorStream::standard_input();
  std::string buffer(piece_bytes, '\0');
  for (;;) {
    const std::size_t count = co_await input.read_some(std::as_writable_bytes(std::span(buffer)));
    if (count == 0) co_return;
    co_await writer.write(std::string_view(buffer).substr(0, count));
  }
}

Task<> write_file(http::ContentWriter& writer, const OutgoingContent::Part& part) {
  const Descriptor file(::open(part.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) {
    const Error error = Error::from_errno(errno, "open").with_name(part.path);
    co_await fail(error);
  }
  DescriptorStream stream =
      co_await DescriptorStream::open(file.number(), DescriptorStream::Direction::input);
  std::string buffer(piece_bytes, '\0');
  std::uint64_t left = part.bytes;
  while (left > 0) {
    const std::size_t wanted = std::min<std::uint64_t>(left, buffer.size());
    const std::size_t count =
        co_await stream.read_some(std::as_writable_bytes(std::span(buffer)).first(wanted));
    if (count == 0) {
      const Error error =
          Error(std::errc::io_error, "read").with_name(part.path).with_detail("it became shorter");
      co_await fail(error);
    }
    co_await writer.write(std::string_view(buffer).substr(0, count));
    left -= count;
  }
}

Task<> write_parts(http::ContentWriter& writer,
                   std::shared_ptr<const std::vector<OutgoingContent::Part>> parts) {
  for (const OutgoingContent::Part& part : *parts) {
    co_await writer.write(part.before);
    if (part.path.empty()) {
      co_await writer.write(part.text);
    } else {
      co_await write_file(writer, part);
    }
  }
}

/// As browsers do it (WHATWG HTML, multipart/form-data encoding).
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "%22"; break;
      case '\r': result += "%0D"; break;
      case '\n': result += "%0A"; break;
      default: result += c;
    }
  }
  return result + '"';
}

std::string new_boundary() {
  std::array<std::byte, 16> bytes{};
  // Where no such bytes are to be had, what is sent may still hold none of this.
  const Result<> filled = random_bytes(bytes);
  std::string text = filled ? "ieum-" : "ieum-boundary-of-form-";
  for (const std::byte one : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(one));
  return text;
}

using Pair = OutgoingContent::Pair;

std::vector<Pair> pairs_of(const std::vector<std::string>& texts) {
  std::vector<Pair> pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    pairs.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return pairs;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<OutgoingContent::Part> parts_of(const std::vector<Pair>& pairs,
                                            const std::string& boundary,
                                            std::optional<Failure>& failure) {
  std::vector<OutgoingContent::Part> parts;
  for (const Pair& pair : pairs) {
    OutgoingContent::Part part;
    part.before = parts.empty() ? "" : "\r\n";
    part.before +=
        fmt::format("--{}\r\nContent-Disposition: form-data; name={}", boundary, quoted(pair.name));
    if (pair.is_file()) {
      part.path = pair.value.substr(1);
      part.before += fmt::format("; filename={}\r\nContent-Type: application/octet-stream",
                                 quoted(base_name(part.path)));
      part.bytes = size_of(part.path, failure).value_or(0);
    } else {
      part.text = pair.value;
      part.bytes = part.text.size();
    }
    part.before += "\r\n\r\n";
    parts.push_back(std::move(part));
  }
  OutgoingContent::Part end;
  end.before = fmt::format("\r\n--{}--\r\n", boundary);
  parts.push_back(std::move(end));
  return parts;
}

}  // namespace

Task<OutgoingContent> OutgoingContent::make(const GetCommand& command,
                                            std::optional<Failure>& failure) {
  OutgoingContent content;
  content.kind_ = command.body_kind;
  content.type_ = command.type;
  const auto default_type = [&](std::string_view type) {
    if (content.type_.empty()) content.type_ = type;
  };
  std::string from;  // of a file, or "-"
  switch (command.body_kind) {
    case BodyKind::none: co_return content;
    case BodyKind::form: {
      std::vector<Pair> pairs = pairs_of(command.form);
      const bool has_file = std::ranges::any_of(pairs, &Pair::is_file);
      if (!has_file && !command.multipart) {
        content.pairs_ = std::move(pairs);
        content.bytes_ = content.form_of_pairs().length();
        co_return content;
      }
      const std::string boundary = new_boundary();
      content.type_ = "multipart/form-data; boundary=" + boundary;
      auto parts = std::make_shared<std::vector<Part>>(parts_of(pairs, boundary, failure));
      std::uint64_t bytes = 0;
      for (const Part& part : *parts) bytes += part.before.size() + part.bytes;
      content.bytes_ = bytes;
      content.parts_ = std::move(parts);
      break;
    }
    case BodyKind::upload:
      from = command.body;
      default_type("application/octet-stream");
      break;
    case BodyKind::json:
    case BodyKind::data:
      default_type(command.body_kind == BodyKind::json ? "application/json"
                                                       : "application/x-www-form-urlencoded");
      if (command.body.starts_with('@')) {
        from = command.body.substr(1);
      } else {
        content.text_ = command.body;
      }
      break;
  }
  if (from == "-") {
    const bool is_whole = co_await read_input(content.text_, failure);
    content.form_ = is_whole ? Form::kept : Form::stream;
    if (!is_whole) co_return content;
  } else if (!from.empty()) {
    content.path_ = from;
    content.bytes_ = size_of(from, failure);
  }
  if (failure) co_await fail(std::errc::invalid_argument, "read content");
  if (!content.bytes_) content.bytes_ = content.text_.size();
  co_return content;
}

http::Content OutgoingContent::form_of_pairs() const {
  std::vector<http::Field> fields;
  for (const Pair& pair : pairs_) fields.push_back({pair.name, pair.value});
  return http::Content::form(fields);
}

http::Content OutgoingContent::give() {
  was_given_ = true;
  if (kind_ == BodyKind::none) return {};
  if (form_ == Form::stream) {
    return http::Content::stream(type_, [text = std::move(text_)](http::ContentWriter& writer) {
      return write_rest_of_input(writer, text);
    });
  }
  if (!pairs_.empty()) return form_of_pairs();
  if (parts_ != nullptr) {
    return http::Content::repeatable_stream(
        type_, [parts = parts_](http::ContentWriter& writer) { return write_parts(writer, parts); },
        bytes_);
  }
  if (!path_.empty()) return http::Content::file(path_, type_);
  return http::Content::bytes(text_, type_);
}

}  // namespace ieum::cli
