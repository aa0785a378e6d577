// BufferedWriter: collects in a string, which it hands to a gathered write.
#include <ieum/buffered_writer.hpp>

#include <array>
#include <utility>

#include <ieum/timeout.hpp>

namespace ieum {

Task<> BufferedWriter::write_through(ConstBuffer data) {
  if (error_ != nullptr) co_await fail(*error_);
  // Before anything is given away: this may be the turn of a stop that came meanwhile.
  const bool stopped = co_await stop_requested();
  if (stopped) co_await fail(canceled("write"));
  const std::string collected = std::exchange(collected_, {});
  const std::array<ConstBuffer, 2> parts{std::as_bytes(std::span(collected)), data};
  const Result<> written = co_await attempt(stream_.write_all(parts));
  if (written) co_return;
  error_ = std::make_unique<Error>(written.error());
  co_await fail(*error_);
}

Error BufferedWriter::canceled(const char* name) const noexcept {
  return {std::errc::operation_canceled, name, stream_.peer_address()};
}

namespace detail {

bool BufferedWrite::done_at_once() const {
  std::string& collected = writer->collected_;
  if (writer->error_ != nullptr || data.size() > writer->bytes_max_ - collected.size()) {
    return false;
  }
  collected.append(reinterpret_cast<const char*>(data.data()), data.size());
  return true;
}
Task<> BufferedWrite::task() const { return writer->write_through(data); }
Error BufferedWrite::canceled() const noexcept { return writer->canceled("write"); }

bool BufferedFlush::done_at_once() const noexcept {
  return writer->error_ == nullptr && writer->collected_.empty();
}
Task<> BufferedFlush::task() const { return writer->write_through({}); }
Error BufferedFlush::canceled() const noexcept { return writer->canceled("write"); }

}  // namespace detail
}  // namespace ieum
