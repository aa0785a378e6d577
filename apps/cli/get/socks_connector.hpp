// SocksConnector: the connections of `ieum get --proxy socks5://…`.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <ieum/http/connector.hpp>

#include "connect/proxy.hpp"

namespace ieum::cli {

/// Asks the proxy for each connection, which looks up the name.
class SocksConnector final : public http::Connector {
 public:
  SocksConnector(Proxy proxy, std::optional<Credentials> credentials)
      : proxy_(std::move(proxy)), credentials_(std::move(credentials)) {}

  Task<std::unique_ptr<Stream>> connect(HostPort to, ConnectOptions options) override;
  /// What the proxy had against the last one; none if it failed otherwise.
  [[nodiscard]] const std::optional<Failure>& refusal() const noexcept { return refusal_; }

 private:
  Proxy proxy_;
  std::optional<Credentials> credentials_;
  std::optional<Failure> refusal_;
};

}  // namespace ieum::cli
