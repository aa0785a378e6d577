// Heads: a request line or a status line and the header fields after it, read strictly (RFC 9112).
// Pure functions over bytes. What may be read in two ways is refused; decision 13 says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/http/fields.hpp>
#include <ieum/http/method.hpp>
#include <ieum/http/status.hpp>

namespace ieum::http::detail {

struct HeadLimits {
  std::size_t line_bytes_max = std::size_t{8} * 1024;  ///< without its end
  std::size_t bytes_max = std::size_t{32} * 1024;      ///< all lines, with their ends
  std::size_t fields_max = 100;
};

/// What is wrong with a message: the status that a server answers with, and a few words, a literal.
struct Fault {
  Status status = Status::ok;
  const char* why = "";
};

/// Where a message's body ends (RFC 9112, section 6.3).
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  ///< of `length`, which may be 0
};

/// What the heads of requests and responses have in common.
struct MessageHead {
  Fields fields;
  std::uint8_t minor_version = 1;  ///< of HTTP/1: 0, or 1 for all that are higher
  bool has_close = false;          ///< Connection: close
  bool has_keep_alive = false;     ///< Connection: keep-alive
  bool has_upgrade = false;        ///< Connection: upgrade
  bool is_chunked = false;
  std::optional<std::uint64_t> content_length;

  /// Whether another message may follow on the connection, as far as this head says.
  [[nodiscard]] bool keeps_alive() const noexcept {
    return !has_close && (minor_version > 0 || has_keep_alive);
  }
};

/// A part of a head: where it stands in it.
struct HeadPart {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

struct RequestHead : MessageHead {
  Method method = Method::other;
  bool expects_continue = false;    ///< Expect: 100-continue
  bool has_unknown_expect = false;  ///< Expect, and something else: 417
  bool is_absolute = false;         ///< the target has a scheme and an authority
  bool is_https = false;            ///< and the scheme is https
  std::string text;                 ///< the request line, without its end
  HeadPart method_name;
  HeadPart target;
  HeadPart path;   ///< without the query; of "*" and of CONNECT the whole target
  HeadPart query;  ///< behind the question mark
  bool has_query = false;
  std::string authority;  ///< host and port: of the target if that has one, else of Host

  [[nodiscard]] std::string_view part(HeadPart of) const noexcept {
    return std::string_view(text).substr(of.at, of.size);
  }
  /// Of a target without a path, "/".
  [[nodiscard]] std::string_view path_text() const noexcept {
    return path.size == 0 ? std::string_view("/") : part(path);
  }
  [[nodiscard]] Framing framing() const noexcept;
  /// Ready to be parsed into again; keeps its memory.
  void clear() noexcept;
};

struct ResponseHead : MessageHead {
  Status status = Status::ok;
  std::string reason;

  /// Of the response to a request of this method. A response to CONNECT that succeeds, and 101,
  /// have no body: what follows is another protocol.
  [[nodiscard]] Framing framing(Method request) const noexcept;
  void clear() noexcept;
};

/// Reads a head, or trailer fields, as it comes:
///
///     RequestHead head;
///     HeadParser parser(head);
///     while (parser.parse(all_that_has_come) == HeadParser::Progress::needs_more) …;
///
/// What comes of it does not depend on how the bytes were split.
class HeadParser {
 public:
  enum class Progress : std::uint8_t { needs_more, complete, fault };

  explicit HeadParser(RequestHead& into, const HeadLimits& limits = {}) noexcept
      : fields_(into.fields), common_(&into), request_(&into), limits_(limits) {}
  explicit HeadParser(ResponseHead& into, const HeadLimits& limits = {}) noexcept
      : fields_(into.fields), common_(&into), response_(&into), limits_(limits) {}
  /// Trailer fields, up to and with the empty line. Fields that say where a message ends, whom it
  /// is for or what is to come are refused.
  explicit HeadParser(Fields& trailers, const HeadLimits& limits = {}) noexcept
      : fields_(trailers), is_first_(false), limits_(limits) {}

  /// `text` is all that has come, from the head's first byte on; it may lie elsewhere at each call.
  [[nodiscard]] Progress parse(std::string_view text);
  /// Of a complete head, with its last line's end.
  [[nodiscard]] std::size_t size() const noexcept { return line_at_; }
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
  /// Whether something of a head has come: not only an empty line before it.
  [[nodiscard]] bool has_begun(std::string_view text) const noexcept {
    return text.size() > line_at_ || !is_first_;
  }

 private:
  Progress refuse(Status status, const char* why) noexcept {
    fault_ = {status, why};
    return Progress::fault;
  }
  bool bad(Status status, const char* why) noexcept {
    fault_ = {status, why};
    return false;
  }
  bool bad(const char* why) noexcept { return bad(Status::bad_request, why); }

  bool request_line(std::string_view line);
  bool target(std::string_view target, std::size_t at);
  bool absolute_target(std::string_view target, std::size_t at);
  void origin_target(std::string_view target, std::size_t at) noexcept;
  bool version(std::string_view text);
  bool status_line(std::string_view line);
  bool field_line(std::string_view line);
  bool bad_field_line(std::string_view line);
  bool interpret(std::string_view name, std::string_view value);
  bool interpret_trailer(std::string_view name);
  bool content_length(std::string_view value);
  bool transfer_encoding(std::string_view value);
  void connection(std::string_view value) noexcept;
  bool finish(std::string_view text);

  Fields& fields_;
  MessageHead* common_ = nullptr;
  RequestHead* request_ = nullptr;
  ResponseHead* response_ = nullptr;
  bool is_first_ = true;      // the next line is the start line
  bool has_skipped_ = false;  // an empty line before it
  std::uint8_t hosts_ = 0;
  std::uint8_t lengths_ = 0;
  std::uint8_t encodings_ = 0;
  HeadLimits limits_;
  std::size_t line_at_ = 0;   // where the line begins that has not come as a whole
  std::size_t searched_ = 0;  // how far it was searched for its end
  Fault fault_;
};

// ---- Writing -----------------------------------------------------------------------------------

/// `HTTP/1.1 200 OK` and the line's end.
void append_status_line(std::string& to, Status status);
/// Of a name and a value that were checked, as those of `Fields` are.
void append_field(std::string& to, std::string_view name, std::string_view value);
/// Content-Length.
void append_length(std::string& to, std::uint64_t length);
void append_fields(std::string& to, const Fields& fields);

}  // namespace ieum::http::detail
