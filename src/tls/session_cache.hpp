// SessionCache: the sessions that a client may resume.
#pragma once

#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "tls/openssl.hpp"

namespace ieum::tls {

/// By server, the newest first; beyond the bound the oldest go. Any thread.
class SessionCache {
 public:
  static constexpr std::size_t sessions_max = 256;

  void put(std::string_view server, SessionPointer session);
  /// One of TLS 1.3 is used once (RFC 8446, appendix C.4). Null if there is none.
  SessionPointer take(std::string_view server);

 private:
  struct Entry {
    std::string server;
    SessionPointer session;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;
};

}  // namespace ieum::tls
