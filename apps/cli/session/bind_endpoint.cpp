#include "session/bind_endpoint.hpp"

#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"

namespace ieum::cli {

Task<Listener> bind_listener(const CommonOptions& common) {
  const Address address = co_await resolve_endpoint(common, "listen");
  Result<Listener> bound = Listener::bind(address);
  if (!bound) co_await fail_to_bind(bound.error(), address, &find_port_owner);
  co_return *std::move(bound);
}

Task<DatagramSocket> bind_datagrams(const CommonOptions& common) {
  const Address address = co_await resolve_endpoint(common, "open");
  Result<DatagramSocket> bound = DatagramSocket::bind(address);
  if (!bound) co_await fail_to_bind(bound.error(), address, &find_datagram_port_owner);
  co_return *std::move(bound);
}

}  // namespace ieum::cli
