// ReplyReader: where the replies in a stream of HTTP/1.1 end, and what they said. http::Client
// gives replies to programs; a generator of load only counts them, and several may be under way on
// one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/operation.hpp>
#include <ieum/result.hpp>

#include "bench/answer.hpp"

namespace ieum::cli {

/// Pure: reads bytes as they come, in pieces of any size.
class ReplyReader {
 public:
  static constexpr std::size_t head_bytes_max = std::size_t{32} * 1024;

  /// `head_only`: the requests are HEAD, whose replies have no body.
  explicit ReplyReader(bool head_only) noexcept : head_only_(head_only) {}

  /// Appends an answer for each reply that has come as a whole. Error: `protocol_error`, what came
  /// is no reply by the rules, and why.
  [[nodiscard]] Result<> take(ConstBuffer data, std::vector<Answer>& to);
  /// The connection has ended: that may be the end of a reply.
  void end(std::vector<Answer>& to);

  /// The server closes the connection after the last reply that was given.
  [[nodiscard]] bool closes() const noexcept { return closes_; }
  /// Of a reply that has begun and not ended; empty if there is none.
  [[nodiscard]] std::string unfinished() const;

 private:
  enum class Phase : std::uint8_t {
    head,
    counted,     // a body of a known length
    chunk_size,  // its line
    chunk,       // its data
    chunk_end,   // the line end behind the data
    trailers,    // lines until an empty one
    until_close,
  };
  Result<> read_head(std::string_view head);
  Result<> read_field(std::string_view line);
  /// A whole line without its end: the line's. False: the rest of it is still to come.
  bool take_line(std::string_view& data);
  Result<> read_line();
  void finish(std::vector<Answer>& to);

  bool head_only_;
  bool closes_ = false;
  Phase phase_ = Phase::head;
  std::string text_;  // of a head, or a line, so far
  std::uint64_t left_ = 0;
  bool has_length_ = false;
  bool is_chunked_ = false;
  Answer answer_;
};

}  // namespace ieum::cli
