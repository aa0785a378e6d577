#include "transfer/frames.hpp"

#include <algorithm>
#include <array>

namespace ieum::cli {

namespace {

constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t read_ahead_bytes = std::size_t{64} * 1024;

void put_head(std::span<std::byte> head, FrameType type, std::size_t size) {
  head[0] = static_cast<std::byte>(type);
  for (unsigned i = 0; i < 4; ++i) head[1 + i] = static_cast<std::byte>(size >> (24U - 8U * i));
}

std::array<std::byte, checksum_bytes> checksum(ConstBuffer head, ConstBuffer payload) {
  Sha256 hash;
  hash.add(head);
  hash.add(payload);
  const Sha256::Digest digest = hash.digest();
  std::array<std::byte, checksum_bytes> sum{};
  std::copy_n(digest.begin(), sum.size(), sum.begin());
  return sum;
}

bool is_known(FrameType type) {
  return std::string_view("HFABDEMNVKXZQ").contains(static_cast<char>(type));
}

}  // namespace

PayloadWriter& PayloadWriter::number(std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) bytes_ += static_cast<char>(value >> (56U - 8U * i));
  return *this;
}
PayloadWriter& PayloadWriter::byte(char value) {
  bytes_ += value;
  return *this;
}
PayloadWriter& PayloadWriter::digest(const Sha256::Digest& value) {
  bytes_.append(reinterpret_cast<const char*>(value.data()), value.size());
  return *this;
}
PayloadWriter& PayloadWriter::text(std::string_view value) {
  bytes_ += value;
  return *this;
}

std::string_view PayloadReader::take(std::size_t count) noexcept {
  if (rest_.size() < count) {
    good_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}
std::uint64_t PayloadReader::number() noexcept {
  std::uint64_t value = 0;
  for (const char one : take(8)) value = value << 8U | static_cast<unsigned char>(one);
  return value;
}
char PayloadReader::byte() noexcept {
  const std::string_view one = take(1);
  return one.empty() ? '\0' : one.front();
}
Sha256::Digest PayloadReader::digest() noexcept {
  Sha256::Digest digest{};
  const std::string_view bytes = take(digest.size());
  std::ranges::copy(std::as_bytes(std::span(bytes)),
                    std::as_writable_bytes(std::span(digest)).begin());
  return digest;
}

Task<> Frames::fill(std::span<std::byte> into) {
  for (;;) {
    const std::size_t ready = std::min(into.size(), read_ahead_.size() - used_);
    std::copy_n(read_ahead_.begin() + static_cast<std::ptrdiff_t>(used_), ready, into.begin());
    used_ += ready;
    into = into.subspan(ready);
    if (into.empty()) co_return;
    const bool directly = into.size() >= read_ahead_bytes;
    // If nothing comes, what came before is still there to be looked at.
    if (!directly) next_.resize(read_ahead_bytes);
    const std::optional<std::size_t> count =
        co_await peer_.read(directly ? into : std::span<std::byte>(next_));
    if (!count) co_await fail(Errc::end_of_stream, "receive");
    events_.received(*count);
    used_ = 0;
    if (directly) {
      read_ahead_.clear();
      into = into.subspan(*count);
    } else {
      std::swap(read_ahead_, next_);
      read_ahead_.resize(*count);
    }
    if (into.empty()) co_return;
  }
}

Task<Frames::Frame> Frames::next() {
  std::array<std::byte, head_bytes> head{};
  co_await fill(head);
  Frame frame;
  frame.type = static_cast<FrameType>(head[0]);
  std::size_t size = 0;
  for (unsigned i = 0; i < 4; ++i) size = size << 8U | std::to_integer<std::size_t>(head[1 + i]);
  const bool is_data = frame.type == FrameType::data;
  if (!is_known(frame.type) || size > (is_data ? data_bytes_max : payload_bytes_max)) {
    co_await fail(std::errc::protocol_error, "receive");
  }
  frame.payload.resize(size);
  co_await fill(frame.payload);
  if (!is_data) {
    std::array<std::byte, checksum_bytes> sum{};
    co_await fill(sum);
    if (sum != checksum(head, frame.payload)) co_await fail(std::errc::protocol_error, "receive");
  }
  co_return frame;
}

Task<> Frames::write_all(ConstBuffer data) {
  while (!data.empty()) {
    const std::optional<std::size_t> count = co_await peer_.write(data);
    if (!count) co_await fail(std::errc::broken_pipe, "send");
    events_.sent(*count);
    data = data.subspan(*count);
  }
}

Task<> Frames::send(FrameType type, std::string_view payload) {
  std::vector<std::byte> whole(head_bytes + payload.size() + checksum_bytes);
  const std::span<std::byte> head = std::span(whole).first(head_bytes);
  put_head(head, type, payload.size());
  std::ranges::copy(std::as_bytes(std::span(payload)), whole.begin() + head_bytes);
  const auto sum = checksum(head, std::span(whole).subspan(head_bytes, payload.size()));
  std::copy(sum.begin(), sum.end(), whole.end() - checksum_bytes);
  co_await write_all(whole);
}

Task<> Frames::send_data(std::span<std::byte> head_and_data) {
  put_head(head_and_data, FrameType::data, head_and_data.size() - head_bytes);
  co_await write_all(head_and_data);
}

}  // namespace ieum::cli
