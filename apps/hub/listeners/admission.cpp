// Admission: how many connections there are.
#include "listeners/admission.hpp"

#include <algorithm>

namespace ieum::hub {

namespace {

constexpr std::size_t refusals_max = 64;  // connections that are only told that there is no room

std::string host_of(const Address& peer) {
  if (!peer.is_ip()) return "localhost";
  std::string text = peer.to_string();
  text.resize(std::min(text.rfind(':'), text.size()));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  if (text.starts_with("::ffff:")) text.erase(0, 7);
  if (text.starts_with("127.") || text == "::1") return "localhost";
  if (text.starts_with(':')) text.insert(text.begin(), '0');  // no parameter begins with a colon
  return text;
}

}  // namespace

Admission::Place Admission::enter(const std::string& host, const Config& config) {
  if (all_ >= config.clients + refusals_max) return {};
  std::size_t& here = by_host_[host];
  if (here >= config.connections_per_address) return {};
  ++here;
  ++all_;
  return {*this, host};
}

void Admission::leave(const std::string& host) noexcept {
  --all_;
  const auto found = by_host_.find(host);
  if (--found->second == 0) by_host_.erase(found);
}

Origin origin_of(const Address& peer, bool secure, const Config& config) {
  Origin origin;
  origin.host = host_of(peer);
  origin.secure = secure;
  const std::string text = peer.to_string();
  const bool is_proxy = std::ranges::any_of(config.proxies, [&](const std::string& proxy) {
    return text.starts_with(proxy + ":") || text.starts_with("[" + proxy + "]:") ||
           origin.host == proxy;
  });
  origin.trusted = secure || (origin.host == "localhost" && !is_proxy);
  return origin;
}

}  // namespace ieum::hub
