// HeadParser: line by line, each as soon as it has come, so that what is wrong is found at the same
// place however the bytes were split.
#include "http/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/syntax.hpp"

namespace ieum::http::detail {

// ---- What a head says ---------------------------------------------------------------------------

Framing RequestHead::framing() const noexcept {
  if (is_chunked) return {Framing::Kind::chunked, 0};
  if (content_length) return {Framing::Kind::length, *content_length};
  return {};
}

Framing ResponseHead::framing(Method request) const noexcept {
  if (request == Method::head || is_without_content(status)) return {};
  if (request == Method::connect && is_success(status)) return {};
  if (is_chunked) return {Framing::Kind::chunked, 0};
  if (content_length) return {Framing::Kind::length, *content_length};
  return {Framing::Kind::until_close, 0};
}

namespace {

void clear_common(MessageHead& head) noexcept {
  head.fields.clear();
  head.minor_version = 1;
  head.has_close = head.has_keep_alive = head.has_upgrade = head.is_chunked = false;
  head.content_length.reset();
}

}  // namespace

void RequestHead::clear() noexcept {
  clear_common(*this);
  method = Method::other;
  expects_continue = has_unknown_expect = is_absolute = is_https = has_query = false;
  text.clear();
  authority.clear();
  method_name = target = path = query = {};
}

void ResponseHead::clear() noexcept {
  clear_common(*this);
  status = Status::ok;
  reason.clear();
}

// ---- Lines --------------------------------------------------------------------------------------

HeadParser::Progress HeadParser::parse(std::string_view text) {
  for (;;) {
    const std::size_t end = text.find('\n', searched_);
    // Of a line that has not ended, the last byte may be the CR of its end.
    const std::size_t size = std::min(end, text.size()) - line_at_;
    const Status too_large = is_first_ ? Status::uri_too_long : Status::header_fields_too_large;
    if (size > limits_.line_bytes_max + 1) {
      return refuse(too_large, "a line is too long");
    }
    if (end == text.npos) {
      if (text.size() > limits_.bytes_max) return refuse(too_large, "the head is too long");
      searched_ = text.size();
      return Progress::needs_more;
    }
    if (end + 1 > limits_.bytes_max) return refuse(too_large, "the head is too long");
    if (end == line_at_ || text[end - 1] != '\r') {
      return refuse(Status::bad_request, "a line ends without CR");
    }
    const std::string_view line = text.substr(line_at_, end - 1 - line_at_);
    line_at_ = searched_ = end + 1;
    if (is_first_) {
      if (line.empty() && request_ != nullptr && !has_skipped_) {  // RFC 9112, section 2.2
        has_skipped_ = true;
        continue;
      }
      is_first_ = false;
      if (!(request_ != nullptr ? request_line(line) : status_line(line))) return Progress::fault;
    } else if (line.empty()) {
      return finish(text.substr(0, line_at_)) ? Progress::complete : Progress::fault;
    } else if (!field_line(line)) {
      return Progress::fault;
    }
  }
}

bool HeadParser::version(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_of(text[5], characters::digit) ||
      text[6] != '.' || !is_of(text[7], characters::digit)) {
    return bad("the version of HTTP is none");
  }
  if (text[5] != '1') return bad(Status::version_not_supported, "only HTTP/1 is spoken here");
  common_->minor_version = text[7] == '0' ? 0 : 1;
  return true;
}

bool HeadParser::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == line.npos) return bad("the request line has no target");
  const std::size_t second = line.find(' ', first + 1);
  if (second == line.npos) return bad("the request line has no version");
  const std::string_view method = line.substr(0, first);
  if (!is_token(method)) return bad("the method is none");
  // First of all that may be wrong with a request of another version: it may have other rules.
  if (!version(line.substr(second + 1))) return false;
  RequestHead& head = *request_;
  head.text = line;
  head.method = method_of(method);
  head.method_name = {0, static_cast<std::uint32_t>(first)};
  const std::string_view where = line.substr(first + 1, second - first - 1);
  if (where.empty()) return bad("the target is empty");
  if (!are_of(where, characters::target))
    return bad("the target has a character that none may have");
  head.target = {static_cast<std::uint32_t>(first + 1), static_cast<std::uint32_t>(where.size())};
  return target(where, first + 1);
}

bool HeadParser::target(std::string_view target, std::size_t at) {
  RequestHead& head = *request_;
  if (head.method == Method::connect) {
    const std::size_t colon = target.rfind(':');
    if (!is_authority(target) || colon == target.npos || colon + 1 == target.size() ||
        target.back() == ']') {
      return bad("the target of CONNECT is no host and port");
    }
    head.path = head.target;
    head.authority = target;
    return true;
  }
  if (target.front() == '/') {
    origin_target(target, at);
    return true;
  }
  if (target == "*") {
    if (head.method != Method::options) return bad("the target * is for OPTIONS alone");
    head.path = head.target;
    return true;
  }
  return absolute_target(target, at);
}

void HeadParser::origin_target(std::string_view target, std::size_t at) noexcept {
  RequestHead& head = *request_;
  const std::size_t mark = std::min(target.find('?'), target.size());
  head.path = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(mark)};
  head.has_query = mark < target.size();
  if (head.has_query) {
    head.query = {static_cast<std::uint32_t>(at + mark + 1),
                  static_cast<std::uint32_t>(target.size() - mark - 1)};
  }
}

bool HeadParser::absolute_target(std::string_view target, std::size_t at) {
  RequestHead& head = *request_;
  const std::size_t colon = target.find("://");
  const std::string_view scheme = target.substr(0, std::min(colon, target.size()));
  head.is_https = equal_ignoring_case(scheme, "https");
  if (colon == target.npos || (!head.is_https && !equal_ignoring_case(scheme, "http"))) {
    return bad("the target is neither a path nor a URL of http");
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.empty() || !is_authority(authority)) return bad("the target's host is none");
  head.is_absolute = true;
  head.authority = authority;
  origin_target(rest.substr(end), at + colon + 3 + end);
  return true;
}

bool HeadParser::status_line(std::string_view line) {
  // The space behind the status is left off by some (RFC 9112, section 4: it is to be there).
  const std::string_view status = line.substr(std::min<std::size_t>(line.size(), 9), 3);
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ') ||
      !are_of(status, characters::digit) || status[0] == '0') {
    return bad("the status line is none");
  }
  if (!version(line.substr(0, 8))) return false;
  const std::string_view reason = line.substr(std::min<std::size_t>(line.size(), 13));
  if (!is_field_value(reason)) return bad("the reason phrase has a control character");
  unsigned number = 0;
  std::from_chars(status.data(), status.data() + status.size(), number);
  response_->status = static_cast<Status>(number);
  response_->reason = reason;
  return true;
}

// ---- Fields -------------------------------------------------------------------------------------

bool HeadParser::bad_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a line begins with a space");
  if (line.find(':') == line.npos) return bad("a line is no field");
  return bad("the name of a field is none");
}

bool HeadParser::field_line(std::string_view line) {
  if (fields_.entries_.size() >= limits_.fields_max) {
    return bad(Status::header_fields_too_large, "there are too many fields");
  }
  const std::size_t line_at = line_at_ - 2 - line.size();
  std::size_t colon = 0;
  while (colon < line.size() && is_of(line[colon], characters::token)) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return bad_field_line(line);
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return bad("the value of a field has a control character");
  fields_.entries_.push_back({.name_at = static_cast<std::uint32_t>(line_at),
                              .value_at = static_cast<std::uint32_t>(
                                  line_at + static_cast<std::size_t>(value.data() - line.data())),
                              .name_bytes = static_cast<std::uint32_t>(name.size()),
                              .value_bytes = static_cast<std::uint32_t>(value.size())});
  return common_ == nullptr ? interpret_trailer(name) : interpret(name, value);
}

bool HeadParser::interpret(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (request_ != nullptr && equal_ignoring_case(name, "host")) {
        if (++hosts_ > 1) return bad("there are two Hosts");
        if (!is_authority(value)) return bad("Host is no host");
        if (!request_->is_absolute && request_->method != Method::connect) {
          request_->authority = value;
        }
      }
      break;
    case 6:
      if (request_ != nullptr && equal_ignoring_case(name, "expect")) {
        const bool known = equal_ignoring_case(value, "100-continue");
        (known ? request_->expects_continue : request_->has_unknown_expect) = true;
      }
      break;
    case 10:
      if (equal_ignoring_case(name, "connection")) connection(value);
      break;
    case 14:
      if (equal_ignoring_case(name, "content-length")) return content_length(value);
      break;
    case 17:
      if (equal_ignoring_case(name, "transfer-encoding")) return transfer_encoding(value);
      break;
    default: break;
  }
  return true;
}

bool HeadParser::content_length(std::string_view value) {
  if (++lengths_ > 1) return bad("there are two Content-Lengths");
  // Digits only, and so few that nobody counts beyond 2^63.
  if (value.empty() || value.size() > 18 || !are_of(value, characters::digit)) {
    return bad("Content-Length is no number");
  }
  std::uint64_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  common_->content_length = length;
  return true;
}

bool HeadParser::transfer_encoding(std::string_view value) {
  if (++encodings_ > 1) return bad("there are two Transfer-Encodings");
  if (equal_ignoring_case(value, "chunked")) {
    common_->is_chunked = true;
    return true;
  }
  std::string_view list = value;
  const std::string_view first = next_element(list);
  if (is_token(first) && !equal_ignoring_case(first, "chunked")) {
    return bad(Status::not_implemented, "Transfer-Encoding is not just chunked");
  }
  return bad("Transfer-Encoding is not just chunked");
}

void HeadParser::connection(std::string_view value) noexcept {
  for (;;) {
    const std::string_view option = next_element(value);
    if (option.empty()) return;
    if (equal_ignoring_case(option, "close")) common_->has_close = true;
    if (equal_ignoring_case(option, "keep-alive")) common_->has_keep_alive = true;
    if (equal_ignoring_case(option, "upgrade")) common_->has_upgrade = true;
  }
}

bool HeadParser::interpret_trailer(std::string_view name) {
  constexpr std::array<std::string_view, 9> refused = {
      "content-length", "transfer-encoding", "host", "connection", "trailer", "te", "upgrade",
      "expect",         "content-encoding"};
  for (const std::string_view one : refused) {
    if (equal_ignoring_case(name, one)) return bad("a trailer field belongs into the head");
  }
  return true;
}

bool HeadParser::finish(std::string_view text) {
  fields_.text_.assign(text);
  if (common_ == nullptr) return true;
  if (request_ != nullptr && hosts_ == 0 && common_->minor_version > 0) {
    return bad("there is no Host");
  }
  if (encodings_ > 0 && lengths_ > 0) {
    return bad("there are both Content-Length and Transfer-Encoding");
  }
  if (encodings_ > 0 && common_->minor_version == 0) {
    return bad("Transfer-Encoding is not of HTTP/1.0");
  }
  return true;
}

// ---- Writing ------------------------------------------------------------------------------------

void append_status_line(std::string& to, Status status) {
  if (status == Status::ok) {  // nearly all
    to += "HTTP/1.1 200 OK\r\n";
    return;
  }
  std::array<char, 4> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), number(status));
  to += "HTTP/1.1 ";
  to.append(digits.data(), 3);
  to += ' ';
  to += reason_phrase(status);
  to += "\r\n";
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  const std::size_t before = to.size();
  const std::size_t size = before + name.size() + value.size() + 4;
  // libstdc++ 12 tells the function the capacity, not the size that was asked for.
  const auto write = [&](char* text, std::size_t /*capacity*/) {
    char* at = std::copy(name.begin(), name.end(), text + before);
    *at++ = ':';
    *at++ = ' ';
    at = std::copy(value.begin(), value.end(), at);
    *at++ = '\r';
    *at = '\n';
    return size;
  };
  to.resize_and_overwrite(size, write);
}

void append_length(std::string& to, std::uint64_t length) {
  constexpr std::string_view name = "Content-Length: ";
  std::array<char, name.size() + 22> field{};
  char* const end = std::copy(name.begin(), name.end(), field.data());
  char* at = std::to_chars(end, field.data() + field.size(), length).ptr;
  *at++ = '\r';
  *at++ = '\n';
  to.append(field.data(), at);
}

void append_fields(std::string& to, const Fields& fields) {
  for (const Field field : fields) append_field(to, field.name, field.value);
}

}  // namespace ieum::http::detail
