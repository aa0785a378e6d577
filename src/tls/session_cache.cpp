// SessionCache: a short list, which is searched once a handshake.
#include "tls/session_cache.hpp"

#include <algorithm>

namespace ieum::tls {

void SessionCache::put(std::string_view server, SessionPointer session) {
  if (SSL_SESSION_is_resumable(session.get()) != 1) return;
  const std::lock_guard lock(mutex_);
  entries_.push_front({std::string(server), std::move(session)});
  if (entries_.size() > sessions_max) entries_.pop_back();
}

SessionPointer SessionCache::take(std::string_view server) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(entries_, server, &Entry::server);
  if (found == entries_.end()) return nullptr;
  SessionPointer session;
  if (SSL_SESSION_get_protocol_version(found->session.get()) >= TLS1_3_VERSION) {
    session = std::move(found->session);
    entries_.erase(found);
  } else if (SSL_SESSION_up_ref(found->session.get()) == 1) {
    session.reset(found->session.get());
  }
  return session;
}

}  // namespace ieum::tls
