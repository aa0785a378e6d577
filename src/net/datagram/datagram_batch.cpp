// DatagramBatch: the memory for messages, and the datagrams that came joined in them.
#include <ieum/datagram_batch.hpp>

#include <algorithm>

#include <ieum/detail/assert.hpp>

namespace ieum {

namespace {

/// From one message's room to the next: not a power of two, or all of their beginnings would fall
/// into the same few lines of the cache.
constexpr std::size_t joined_stride = DatagramBatch::message_bytes_max + 1 + 33 * std::size_t{64};

}  // namespace

DatagramBatch::DatagramBatch(std::size_t messages_max, std::size_t bytes_max)
    : bytes_max_(bytes_max), messages_(messages_max) {
  IEUM_ASSERT(messages_max > 0 && bytes_max > 0, "a batch needs room for a datagram");
}

std::span<Datagram> DatagramBatch::make_room(bool joined) {
  const std::size_t stride = joined ? std::max(joined_stride, bytes_max_) : bytes_max_;
  if (stride > stride_) {
    stride_ = stride;
    memory_ = std::make_unique_for_overwrite<std::byte[]>(stride_ * messages_.size());
  }
  const std::size_t room =
      joined ? std::max(message_bytes_max, bytes_max_) : std::min(bytes_max_, stride_);
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    messages_[i].data = {memory_.get() + i * stride_, room};
  }
  datagrams_ = {};
  return messages_;
}

void DatagramBatch::filled(std::size_t count, detail::DatagramState& state) {
  const std::span<const Datagram> came = std::span(messages_).first(count);
  const auto joined = [](const Datagram& message) { return message.segment_bytes != 0; };
  if (std::ranges::none_of(came, joined)) {
    datagrams_ = came;
    return;
  }
  split_.clear();
  for (const Datagram& message : came) {
    const std::size_t bytes = message.segment_bytes;
    ConstBuffer left = message.data;
    while (bytes != 0 && left.size() > bytes) {
      Datagram& part = split_.emplace_back(message);
      part.data = left.first(bytes);
      part.segment_bytes = 0;
      part.truncated = false;
      left = left.subspan(bytes);
      ++state.counters.received;
    }
    Datagram& last = split_.emplace_back(message);
    last.data = left;
    last.segment_bytes = 0;
  }
  datagrams_ = split_;
}

void DatagramBatch::copy(std::span<const Datagram> others) {
  split_.assign(others.begin(), others.end());
  std::size_t bytes = 0;
  for (const Datagram& datagram : split_) bytes += datagram.data.size();
  if (bytes > stride_ * messages_.size()) {
    stride_ = (bytes + messages_.size() - 1) / messages_.size();
    memory_ = std::make_unique_for_overwrite<std::byte[]>(stride_ * messages_.size());
  }
  std::byte* to = memory_.get();
  for (Datagram& datagram : split_) {
    std::ranges::copy(datagram.data, to);
    datagram.data = {to, datagram.data.size()};
    to += datagram.data.size();
  }
  datagrams_ = split_;
}

}  // namespace ieum
