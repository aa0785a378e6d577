// Stream: what every stream can do on top of its two hooks.
#include <ieum/stream.hpp>

#include <array>
#include <vector>

#include <ieum/lease_buffer.hpp>
#include <ieum/timeout.hpp>

namespace ieum {

void Stream::begin_receive(detail::StreamReceiveIo& io) { io.use(lease_and_read()); }

Task<Lease> Stream::lease_and_read() {
  // An idle one holds no buffer.
  const Result<> readable = co_await attempt(wait_readable());
  if (!readable && readable.error() != std::errc::operation_not_supported) {
    co_await fail(readable.error());
  }
  Lease lease = co_await lease_buffer(1);
  const std::size_t count = co_await read_some(lease.bytes());
  lease.shrink(count);
  co_return lease;
}

detail::ConsumingTask<void> Stream::read_exact(std::span<std::byte> into) {
  return detail::ConsumingTask<void>(fill(into));
}

Task<> Stream::fill(std::span<std::byte> into) {
  while (!into.empty()) {
    const std::size_t count = co_await read_some(into);
    if (count == 0) co_await fail(Errc::end_of_stream, "read", peer_address());
    into = into.subspan(count);
  }
}

detail::ConsumingTask<std::size_t> Stream::read_until(std::string& buffer,
                                                      std::string_view delimiter,
                                                      std::size_t bytes_max) {
  return detail::ConsumingTask<std::size_t>(find(buffer, delimiter, bytes_max));
}

Task<std::size_t> Stream::find(std::string& buffer, std::string_view delimiter,
                               std::size_t bytes_max) {
  IEUM_ASSERT(!delimiter.empty(), "read_until needs a delimiter");
  constexpr std::size_t chunk = 4096;
  std::size_t searched = 0;  // no delimiter begins before this
  for (;;) {
    const std::size_t found = buffer.find(delimiter, searched);
    const std::size_t end = found == std::string::npos ? buffer.size() : found + delimiter.size();
    if (end > bytes_max || (found == std::string::npos && end == bytes_max)) {
      Error error(Errc::limit_exceeded, "read until delimiter", peer_address());
      error.set_detail("no delimiter within " + std::to_string(bytes_max) + " bytes");
      co_await fail(error);
    }
    if (found != std::string::npos) co_return end;
    if (buffer.size() >= delimiter.size()) searched = buffer.size() - delimiter.size() + 1;

    const std::size_t before = buffer.size();
    buffer.resize(before + chunk);
    Result<std::size_t> count =
        co_await attempt(read_some(std::as_writable_bytes(std::span(buffer).subspan(before))));
    buffer.resize(before + (count ? *count : 0));
    if (!count) co_await fail(count.error());
    if (*count == 0) co_return 0;
  }
}

void Stream::begin_wait_readable(detail::StreamIo& io) {
  auto refuse = [](Address peer) -> Task<std::size_t> {
    co_return fail(std::errc::operation_not_supported, "wait until readable", peer);
  };
  io.use(refuse(peer_address()));
}

Task<> Stream::finish_both_ways() {
  std::array<std::byte, 4096> unwanted;
  co_await shutdown_write();
  for (;;) {
    const std::size_t count = co_await read_some(unwanted);
    if (count == 0) co_return;
  }
}

Task<> Stream::close_gracefully(AnyDuration limit) {
  Result<> finished = co_await attempt(with_timeout(limit, finish_both_ways()));
  Result<> closed = co_await attempt(close());
  co_await finished;
  co_await closed;
}

Task<std::uint64_t> copy(Stream& from, Stream& to, std::size_t buffer_bytes) {
  std::vector<std::byte> buffer(buffer_bytes);
  std::uint64_t total = 0;
  while (const std::size_t count = co_await from.read_some(buffer)) {
    co_await to.write_all(ConstBuffer(buffer).first(count));
    total += count;
  }
  co_return total;
}

}  // namespace ieum
