// SessionCache: a short list, which is searched once a handshake.
#include "tls/session_cache.hpp"

#include <algorithm>

namespace ieum::tls {

void SessionCache::put(std::string_view server, SessionPointer session, Time until) {
  if (SSL_SESSION_is_resumable(session.get()) != 1) return;
  const std::lock_guard lock(mutex_);
  entries_.push_front({std::string(server), std::move(session), until});
  std::size_t of_server = 0;
  entries_.remove_if([&](const Entry& entry) {
    return entry.server == server && ++of_server > sessions_each_max;
  });
  if (entries_.size() > sessions_max) entries_.pop_back();
}

SessionCache::Entry SessionCache::take(std::string_view server, Time now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [now](const Entry& entry) { return entry.until <= now; });
  const auto found = std::ranges::find(entries_, server, &Entry::server);
  if (found == entries_.end()) return {};
  if (SSL_SESSION_get_protocol_version(found->session.get()) >= TLS1_3_VERSION) {
    Entry taken = std::move(*found);
    entries_.erase(found);
    return taken;
  }
  if (SSL_SESSION_up_ref(found->session.get()) != 1) return {};
  return {found->server, SessionPointer(found->session.get()), found->until};
}

}  // namespace ieum::tls
