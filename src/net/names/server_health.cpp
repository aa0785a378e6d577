// Which name servers have not answered lately: a few places, the oldest of which is taken.
#include "net/names/server_health.hpp"

#include <algorithm>
#include <array>

namespace ieum::detail {

namespace {

constexpr Duration failed_time = std::chrono::seconds(30);

struct FailedServer {
  Address server;
  TimePoint until = TimePoint::min();
};
thread_local constinit std::array<FailedServer, 8> failed_servers;

}  // namespace

void server_failed(const Address& server, TimePoint now) noexcept {
  auto* place = std::ranges::find(failed_servers, server, &FailedServer::server);
  if (place == failed_servers.end()) {
    place = std::ranges::min_element(failed_servers, {}, &FailedServer::until);
  }
  *place = {server, now + failed_time};
}

void server_answered(const Address& server) noexcept {
  auto* const place = std::ranges::find(failed_servers, server, &FailedServer::server);
  if (place != failed_servers.end()) *place = {};
}

bool has_failed_lately(const Address& server, TimePoint now) noexcept {
  const auto* place = std::ranges::find(failed_servers, server, &FailedServer::server);
  return place != failed_servers.end() && place->until > now;
}

}  // namespace ieum::detail
