// TlsEnd: our end of TLS, as the options have it, made once for all connections of a command.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include <ieum/task.hpp>

#include "report/failure.hpp"
#include "session/common_options.hpp"
#include "session/connection.hpp"

namespace ieum::cli {

class EventLog;
class Log;

class TlsEnd {
 public:
  /// Loads what the options name. Null if the address is not one of TLS.
  [[nodiscard]] static std::expected<std::unique_ptr<TlsEnd>, Failure> make(
      const CommonOptions& common, Role role);
  ~TlsEnd();

  /// Does the handshake over the connection, as the client of `host` or as a server, and reports
  /// what happens. If it fails, `failure` says why, unless it was stopped.
  [[nodiscard]] Task<> meet(Connection& connection, std::string host, EventLog& events,
                            std::optional<Failure>& failure) const;

  /// With --self-signed: the pin, and the line that connects to `local`.
  void announce(const Address& local, Log& log) const;
  /// The pin alone.
  void announce_certificate(Log& log) const;
  /// With --self-signed; else empty.
  [[nodiscard]] std::string pin() const;

 private:
  struct Contexts;
  TlsEnd();
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace ieum::cli
