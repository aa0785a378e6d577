// Connecting for a client: straight to a host, to a Unix socket, to a proxy or through one, with
// TLS where the URL asks for it. Of the client, only this knows sockets and TLS.
#pragma once

#include <memory>
#include <string_view>

#include "http/client_connection.hpp"
#include "http/client_request.hpp"

namespace ieum::http::detail {

/// A host that is not looked up, as of KnownHost.
struct HostPlace {
  std::string host;
  std::uint16_t port;
  Address address;
};

struct ClientConnectOptions {
  ConnectOptions connect;
  const TlsClientContext* tls;
  std::span<const HostPlace> hosts;
  Connector* connector;  // or null
  std::string_view user_agent;
  HeadLimits head;
};

[[nodiscard]] Task<std::unique_ptr<ClientConnection>> connect_client(const ClientRequest& request,
                                                                     ClientConnectOptions options);

}  // namespace ieum::http::detail
