// Chunks: the chunked transfer coding (RFC 9112, section 7.1), decoded as it comes. A pure function
// over bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.hpp"

namespace ieum::http::detail {

struct ChunkLimits {
  std::size_t digits_max = 16;                              ///< of a size, zeros in front included
  std::size_t extension_bytes_max = std::size_t{4} * 1024;  ///< of one chunk
  /// Of all chunks together, beyond as many bytes as they have data.
  std::size_t extensions_bytes_max = std::size_t{16} * 1024;
  HeadLimits trailers{.line_bytes_max = std::size_t{8} * 1024,
                      .bytes_max = std::size_t{8} * 1024,
                      .fields_max = 32};
};

/// Decodes a chunked body:
///
///     for (;;) {
///       const ChunkDecoder::Step step = decoder.decode(input);
///       input.remove_prefix(step.used);
///       …  // step.data is a part of the input, if step.state is data
///     }
///
/// What comes of it does not depend on how the bytes were split, but for where the data is.
class ChunkDecoder {
 public:
  enum class State : std::uint8_t {
    needs_more,  ///< all of the input is used
    data,
    done,   ///< the body and its trailer fields have ended; what is left of the input is not theirs
    fault,  ///< as `fault` says; decode no more
  };
  struct Step {
    State state = State::needs_more;
    std::size_t used = 0;  ///< bytes of the input, with those of `data`
    std::string_view data;
  };

  explicit ChunkDecoder(const ChunkLimits& limits = {}) noexcept : limits_(limits) {}

  [[nodiscard]] Step decode(std::string_view input);
  /// Of a body that is done.
  [[nodiscard]] Fields& trailers() noexcept { return trailers_; }
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }

 private:
  enum class At : std::uint8_t {
    size,        // digits of a chunk's size
    extensions,  // behind the semicolon, or a space before it
    size_lf,     // the LF after them
    data,
    data_cr,  // the end of the data
    data_lf,
    trailers,
    done,
  };
  bool size_or_extension(char c) noexcept;
  Step in_trailers(std::string_view input);
  Step refuse(const char* why, Status status = Status::bad_request) noexcept {
    fault_ = {status, why};
    return {State::fault, 0, {}};
  }

  ChunkLimits limits_;
  At at_ = At::size;
  bool has_semicolon_ = false;
  std::size_t digits_ = 0;
  std::uint64_t left_ = 0;           // of the chunk
  std::size_t extension_bytes_ = 0;  // of this chunk
  std::uint64_t extensions_bytes_ = 0;
  std::uint64_t data_bytes_ = 0;
  std::string trailer_text_;
  Fields trailers_;
  std::optional<HeadParser> parser_;
  Fault fault_;
};

/// What stands before a chunk of `size` bytes, which is not 0, and behind it stands CR LF.
void append_chunk_size(std::string& to, std::uint64_t size);

}  // namespace ieum::http::detail
