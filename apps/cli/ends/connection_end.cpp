#include "ends/connection_end.hpp"

#include "session/stall_watch.hpp"

namespace ieum::cli {

Task<std::optional<std::size_t>> ConnectionEnd::read(std::span<std::byte> into) {
  const std::size_t count = co_await stream().read_some(into);
  if (count == 0) co_return std::nullopt;
  co_return count;
}

Task<std::optional<std::size_t>> ConnectionEnd::write(ConstBuffer data) {
  const std::size_t count = co_await stream().write_some(data);
  co_return count;
}

Task<bool> ConnectionEnd::finish() {
  co_await stream().shutdown_write();
  co_return true;
}

Task<> ConnectionEnd::accompany() {
  if (events_ == nullptr || !events_->log().reports_events()) co_return;
  co_await watch_stalls(connection_->socket(), *events_);
}

Task<> ConnectionEnd::close() {
  const Result<> closed = co_await attempt(stream().close_gracefully(close_grace));
  if (!closed && closed.error() == std::errc::operation_canceled) co_await fail(closed.error());
}

Task<> ConnectionEnd::abort() { co_await stream().reset(); }

Address ConnectionEnd::local_address() const {
  return connection_->stream().local_address().value_or(Address{});
}

Address ConnectionEnd::peer_address() const { return connection_->stream().peer_address(); }

}  // namespace ieum::cli
