// PushbackStream: what is held is read first.
#include <ieum/pushback_stream.hpp>

#include <algorithm>

namespace ieum {

void PushbackStream::put_back(Lease data) {
  if (held() > 0) return put_back(ConstBuffer(data));
  lease_ = std::move(data);
}

void PushbackStream::put_back(ConstBuffer data) {
  if (data.empty()) return;
  std::vector<std::byte> all(data.begin(), data.end());
  const ConstBuffer before = rest();
  all.insert(all.end(), before.begin(), before.end());
  bytes_ = std::move(all);
  read_ = 0;
  lease_.reset();
}

std::size_t PushbackStream::take(std::span<std::byte> into) noexcept {
  const ConstBuffer from = rest().first(std::min(held(), into.size()));
  std::ranges::copy(from, into.begin());
  if (lease_) {
    lease_.remove_prefix(from.size());
  } else {
    read_ += from.size();
    if (read_ == bytes_.size()) {
      bytes_ = {};
      read_ = 0;
    }
  }
  return from.size();
}

LayerOperation::Step PushbackStream::Reading::advance() noexcept {
  switch (what_) {
    case What::read: count = stream_.take(into_); return Step::done;
    case What::wait: return Step::done;
    case What::receive: break;
  }
  if (stream_.lease_) {
    lease = std::move(stream_.lease_);
    return Step::done;
  }
  if (!has_ended_beneath()) return lease_buffer(stream_.held());
  lease = take_lease();
  lease.shrink(stream_.take(lease.bytes()));
  return Step::done;
}

void PushbackStream::begin_read(detail::StreamIo& io, std::span<std::byte> into) {
  if (!holds()) return beneath_->begin_read(io, into);
  if (io.use(reading_)) reading_.begin(What::read, into);
}

void PushbackStream::begin_receive(detail::StreamReceiveIo& io) {
  if (!holds()) return beneath_->begin_receive(io);
  if (io.use(reading_)) reading_.begin(What::receive, {});
}

void PushbackStream::begin_wait_readable(detail::StreamIo& io) {
  if (!holds()) return beneath_->begin_wait_readable(io);
  if (io.use(reading_)) reading_.begin(What::wait, {});
}

}  // namespace ieum
