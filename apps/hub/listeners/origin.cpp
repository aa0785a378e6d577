// Where a client comes from.
#include "listeners/origin.hpp"

#include <algorithm>

namespace ieum::hub {

namespace {

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
