#include "session/datagram_input.hpp"

#include <algorithm>
#include <cstring>

#include <ieum/timeout.hpp>

namespace ieum::cli {

DatagramInput::DatagramInput(DescriptorStream& input, Framing framing, std::size_t bytes_max,
                             std::size_t unit_bytes)
    : input_(input),
      framing_(framing),
      bytes_max_(bytes_max),
      unit_bytes_(std::min(unit_bytes, bytes_max)),
      buffer_(std::max(room_bytes, 2 * bytes_max)) {}

std::size_t DatagramInput::piece_bytes(bool is_last, bool is_late) {
  const ConstBuffer data = held();
  if (framing_ == Framing::lines) {
    const auto end =
        std::ranges::find(data.first(std::min(data.size(), bytes_max_)), std::byte{'\n'});
    const auto line = static_cast<std::size_t>(end - data.begin());
    if (line < std::min(data.size(), bytes_max_)) {
      in_cut_line_ = false;
      return line + 1;
    }
    if (data.size() >= bytes_max_) {
      if (!in_cut_line_) ++lines_cut_;
      in_cut_line_ = true;
      return bytes_max_;
    }
    return is_last ? data.size() : 0;
  }
  if (data.size() >= bytes_max_) return bytes_max_;
  if (framing_ == Framing::reads || is_last) return data.size();
  return is_late ? data.size() / unit_bytes_ * unit_bytes_ : 0;
}

Task<> DatagramInput::read_more() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < bytes_max_) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  std::span<std::byte> room = std::span(buffer_).subspan(end_);
  if (framing_ == Framing::reads) room = room.first(bytes_max_);
  const std::size_t count = co_await input_.read_some(room);
  end_ += count;
  if (count == 0) ended_ = true;
}

Task<std::optional<ConstBuffer>> DatagramInput::next() {
  begin_ += given_;
  given_ = 0;
  bool is_late = false;
  for (;;) {
    if (begin_ < end_) {
      given_ = piece_bytes(ended_, is_late);
      if (given_ > 0) co_return held().first(given_);
    } else if (ended_) {
      co_return std::nullopt;
    }
    // A file has no pauses: where it takes long, the system is slow, and a full one comes.
    const bool may_be_short =
        framing_ == Framing::full && end_ - begin_ >= unit_bytes_ && input_.is_polled();
    if (!may_be_short) {
      co_await read_more();
      continue;
    }
    const Result<> read = co_await attempt(with_timeout(patience, read_more()));
    if (!read && read.error() != std::errc::timed_out) co_await fail(read.error());
    is_late = !read;
  }
}

ConstBuffer DatagramInput::more(std::size_t pieces_max) {
  if (framing_ != Framing::full || given_ < bytes_max_) return held().first(given_);
  const std::size_t pieces = std::min(held().size() / bytes_max_, pieces_max);
  given_ = std::max(given_, pieces * bytes_max_);
  return held().first(given_);
}

}  // namespace ieum::cli
