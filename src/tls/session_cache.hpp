// SessionCache: the sessions that a client may resume.
#pragma once

#include <chrono>
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
  /// So that one server that sends many leaves room for others.
  static constexpr std::size_t sessions_each_max = 8;

  using Time = std::chrono::system_clock::time_point;
  /// For how long a full handshake vouches for the sessions that come of it.
  static constexpr std::chrono::hours lifetime{12};

  /// A session that may be resumed, and until when.
  struct Entry {
    std::string server;
    SessionPointer session;
    Time until;
  };
  void put(std::string_view server, SessionPointer session, Time until);
  /// One of TLS 1.3 is used once (RFC 8446, appendix C.4). Without a session if there is none.
  Entry take(std::string_view server, Time now);

 private:
  std::mutex mutex_;
  std::list<Entry> entries_;
};

}  // namespace ieum::tls
