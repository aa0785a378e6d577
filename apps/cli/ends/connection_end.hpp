// ConnectionEnd: a connection, with whatever is over its socket, as an end.
#pragma once

#include "ends/end.hpp"
#include "report/event_log.hpp"
#include "session/connection.hpp"

namespace ieum::cli {

class ConnectionEnd final : public End {
 public:
  /// What a peer that still sends may take to notice that we have finished: a close before would
  /// reset the connection, and with it what is still on its way there.
  static constexpr Duration close_grace = std::chrono::seconds(1);

  /// Of the caller's, who also watches it. Both must outlive it.
  explicit ConnectionEnd(Connection& connection) noexcept : connection_(&connection) {}
  /// Its own; with -v, it is also said why nothing moves.
  ConnectionEnd(Connection connection, EventLog& events)
      : own_(std::move(connection)), connection_(&*own_), events_(&events) {}

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  Task<std::optional<std::size_t>> write(ConstBuffer data) override;
  Task<bool> finish() override;
  Task<> accompany() override;
  Task<> close() override;
  Task<> abort() override;
  [[nodiscard]] Address local_address() const override;
  [[nodiscard]] Address peer_address() const override;

 private:
  [[nodiscard]] Stream& stream() noexcept { return connection_->stream(); }

  std::optional<Connection> own_;
  Connection* connection_;
  EventLog* events_ = nullptr;
};

}  // namespace ieum::cli
