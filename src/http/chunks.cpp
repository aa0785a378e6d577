// ChunkDecoder: a state a byte outside of the data.
#include "http/chunks.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/syntax.hpp"

namespace ieum::http::detail {

bool ChunkDecoder::size_or_extension(char c) noexcept {
  if (at_ == At::size && is_of(c, characters::hex)) {
    left_ = left_ * 16 + hex_value(c);
    if (++digits_ > limits_.digits_max || left_ > (std::uint64_t{1} << 60U)) {
      refuse("the size of a chunk is too large");
      return false;
    }
    return true;
  }
  if (digits_ == 0) {
    refuse("the size of a chunk is no number");
    return false;
  }
  if (c == '\r' && (at_ == At::size || has_semicolon_)) {
    at_ = At::size_lf;
    return true;
  }
  at_ = At::extensions;
  if (c == ';') has_semicolon_ = true;
  const bool is_space = c == ' ' || c == '\t';
  if (!(has_semicolon_ ? is_of(c, characters::value) : is_space)) {
    refuse("the size of a chunk is no number");
    return false;
  }
  ++extension_bytes_;
  ++extensions_bytes_;
  if (extension_bytes_ > limits_.extension_bytes_max ||
      extensions_bytes_ > limits_.extensions_bytes_max + data_bytes_) {
    refuse("the chunks have too many extensions");
    return false;
  }
  return true;
}

ChunkDecoder::Step ChunkDecoder::decode(std::string_view input) {
  std::size_t used = 0;
  for (; used < input.size(); ++used) {
    const char c = input[used];
    switch (at_) {
      case At::size:
      case At::extensions:
        if (!size_or_extension(c)) return {State::fault, used, {}};
        break;
      case At::size_lf:
        if (c != '\n') return refuse("a line of the chunks ends without LF");
        at_ = left_ == 0 ? At::trailers : At::data;
        break;
      case At::data: {
        const std::size_t size = std::min<std::uint64_t>(left_, input.size() - used);
        left_ -= size;
        data_bytes_ += size;
        if (left_ == 0) at_ = At::data_cr;
        return {State::data, used + size, input.substr(used, size)};
      }
      case At::data_cr:
        if (c != '\r') return refuse("a chunk is longer than its size says");
        at_ = At::data_lf;
        break;
      case At::data_lf:
        if (c != '\n') return refuse("a chunk ends without LF");
        at_ = At::size;
        digits_ = extension_bytes_ = 0;
        has_semicolon_ = false;
        break;
      case At::trailers: {
        Step step = in_trailers(input.substr(used));
        step.used += used;
        return step;
      }
      case At::done: return {State::done, used, {}};
    }
  }
  return {at_ == At::done ? State::done : State::needs_more, used, {}};
}

ChunkDecoder::Step ChunkDecoder::in_trailers(std::string_view input) {
  if (!parser_) parser_.emplace(trailers_, limits_.trailers);
  const std::size_t before = trailer_text_.size();
  // No more than the parser may want to see, so that a long input is not copied.
  const std::size_t room = limits_.trailers.bytes_max + 2 - before;
  const std::string_view piece = input.substr(0, std::min(input.size(), room));
  trailer_text_ += piece;
  switch (parser_->parse(trailer_text_)) {
    case HeadParser::Progress::needs_more: return {State::needs_more, piece.size(), {}};
    case HeadParser::Progress::fault: fault_ = parser_->fault(); return {State::fault, 0, {}};
    case HeadParser::Progress::complete: break;
  }
  at_ = At::done;
  return {State::done, parser_->size() - before, {}};
}

void append_chunk_size(std::string& to, std::uint64_t size) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  to.append(digits.data(), end);
  to += "\r\n";
}

}  // namespace ieum::http::detail
