#include "bench/reply_reader.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Error(std::errc::protocol_error, "receive").with_detail(why));
}

bool is_same_name(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && std::ranges::equal(a, lower, [](char one, char other) {
           return (one >= 'A' && one <= 'Z' ? one - 'A' + 'a' : one) == other;
         });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// One of a list with commas.
bool has_word(std::string_view list, std::string_view lower) {
  for (;;) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (is_same_name(trimmed(list.substr(0, end)), lower)) return true;
    if (end == list.size()) return false;
    list.remove_prefix(end + 1);
  }
}

bool read_number(std::string_view text, std::uint64_t& number, int base) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && rest == end && !text.empty();
}

}  // namespace

Result<> ReplyReader::read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refuse("a header field has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (is_same_name(name, "content-length")) {
    std::uint64_t length = 0;
    if (!read_number(value, length, 10) || (has_length_ && length != left_)) {
      return refuse("its Content-Length is no number");
    }
    has_length_ = true;
    left_ = length;
  } else if (is_same_name(name, "transfer-encoding")) {
    if (!is_same_name(value, "chunked")) return refuse("its Transfer-Encoding is not 'chunked'");
    is_chunked_ = true;
  } else if (is_same_name(name, "connection")) {
    if (has_word(value, "close")) closes_ = true;
    if (has_word(value, "keep-alive")) closes_ = false;
  }
  return {};
}

/// `head` ends with the empty line.
Result<> ReplyReader::read_head(std::string_view head) {
  std::size_t end = head.find("\r\n");
  const std::string_view first = head.substr(0, end);
  constexpr std::size_t status_at = 9;  // HTTP/1.1 200
  std::uint64_t status = 0;
  if (!first.starts_with("HTTP/1.") || first.size() < status_at + 3 ||
      first[status_at - 1] != ' ' || !read_number(first.substr(status_at, 3), status, 10)) {
    return refuse("it is no reply of HTTP/1.1");
  }
  closes_ = first[7] == '0';
  has_length_ = is_chunked_ = false;
  left_ = 0;
  answer_ = {.status = static_cast<int>(status)};
  for (;;) {
    head.remove_prefix(end + 2);
    end = head.find("\r\n");
    if (end == 0) break;
    const Result<> read = read_field(head.substr(0, end));
    if (!read) return read;
  }
  constexpr int switching_protocols = 101;
  constexpr int no_content = 204;
  constexpr int not_modified = 304;
  if (status < 200 && answer_.status != switching_protocols) {
    answer_.status = 0;  // the reply itself follows
    return {};
  }
  if (head_only_ || answer_.status == no_content || answer_.status == not_modified ||
      answer_.status == switching_protocols) {
    left_ = 0;
    phase_ = Phase::counted;
  } else if (is_chunked_) {
    phase_ = Phase::chunk_size;
  } else if (has_length_) {
    answer_.bytes = left_;
    phase_ = Phase::counted;
  } else {
    closes_ = true;
    phase_ = Phase::until_close;
  }
  return {};
}

bool ReplyReader::take_line(std::string_view& data) {
  const std::size_t end = data.find('\n');
  text_ += data.substr(0, end);
  data.remove_prefix(std::min(end, data.size() - 1) + 1);
  if (end == std::string_view::npos) return false;
  if (text_.ends_with('\r')) text_.pop_back();
  return true;
}

/// Of a chunked body.
Result<> ReplyReader::read_line() {
  const std::string line = std::exchange(text_, {});
  if (phase_ == Phase::trailers) return {};
  if (phase_ == Phase::chunk_end) {
    if (!line.empty()) return refuse("a chunk is longer than it says");
    phase_ = Phase::chunk_size;
    return {};
  }
  const std::string_view size = trimmed(std::string_view(line).substr(0, line.find(';')));
  if (!read_number(size, left_, 16)) return refuse("the size of a chunk is no number");
  answer_.bytes += left_;
  phase_ = left_ == 0 ? Phase::trailers : Phase::chunk;
  return {};
}

void ReplyReader::finish(std::vector<Answer>& to) {
  to.push_back(answer_);
  answer_ = {};
  phase_ = Phase::head;
}

Result<> ReplyReader::take(ConstBuffer data, std::vector<Answer>& to) {
  std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  while (!text.empty()) {
    switch (phase_) {
      case Phase::head: {
        // Most heads come whole, and are read where they are.
        const bool is_whole = text_.empty();
        const std::size_t before = text_.size();
        if (!is_whole) text_ += text;
        const std::string_view all = is_whole ? text : text_;
        const std::size_t end = all.find("\r\n\r\n");
        if (end == std::string_view::npos) {
          if (all.size() > head_bytes_max) return refuse("the head of a reply is too long");
          if (is_whole) text_ = text;
          return {};
        }
        const Result<> read = read_head(all.substr(0, end + 4));
        if (!read) return read;
        text.remove_prefix(end + 4 - before);
        text_.clear();
        break;
      }
      case Phase::counted:
      case Phase::chunk: {
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, text.size()));
        left_ -= part;
        text.remove_prefix(part);
        if (left_ == 0 && phase_ == Phase::chunk) phase_ = Phase::chunk_end;
        break;
      }
      case Phase::chunk_size:
      case Phase::chunk_end:
      case Phase::trailers: {
        const Phase phase = phase_;
        if (!take_line(text)) {
          if (text_.size() > head_bytes_max) return refuse("a line of a chunked body is too long");
          return {};
        }
        const bool is_empty = text_.empty();
        const Result<> read = read_line();
        if (!read) return read;
        if (phase == Phase::trailers && is_empty) finish(to);
        break;
      }
      case Phase::until_close: answer_.bytes += text.size(); return {};
    }
    if (phase_ == Phase::counted && left_ == 0) finish(to);
  }
  return {};
}

void ReplyReader::end(std::vector<Answer>& to) {
  if (phase_ == Phase::until_close) finish(to);
}

std::string ReplyReader::unfinished() const {
  if (phase_ == Phase::counted) {
    return fmt::format("{} of {} bytes of the body had come", answer_.bytes - left_, answer_.bytes);
  }
  if (phase_ != Phase::head)
    return fmt::format("{} bytes of the body had come", answer_.bytes - left_);
  return text_.empty() ? "" : "a part of the head had come";
}

}  // namespace ieum::cli
