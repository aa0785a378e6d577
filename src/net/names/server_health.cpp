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
  // Since its last answer, or failure; lookups at the same time count once.
  Duration waited{};
  TimePoint waited_until = TimePoint::min();
};
thread_local constinit std::array<FailedServer, 8> failed_servers;

FailedServer& place_of(const Address& server) noexcept {
  auto* place = std::ranges::find(failed_servers, server, &FailedServer::server);
  if (place == failed_servers.end()) {
    const auto age = [](const FailedServer& at) { return std::max(at.until, at.waited_until); };
    place = std::ranges::min_element(failed_servers, {}, age);
    *place = {.server = server};
  }
  return *place;
}

}  // namespace

void server_silent(const Address& server, TimePoint asked_at, TimePoint now,
                   Duration limit) noexcept {
  FailedServer& place = place_of(server);
  place.waited += std::max(now - std::max(asked_at, place.waited_until), Duration::zero());
  place.waited_until = now;
  if (place.waited >= limit) server_failed(server, now);
}

void server_failed(const Address& server, TimePoint now) noexcept {
  place_of(server) = {.server = server, .until = now + failed_time};
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
