#include "tls/session_cache.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ieum::tls {
namespace {

using namespace std::chrono_literals;

SessionPointer resumable_session(int version) {
  SessionPointer session(SSL_SESSION_new());
  constexpr std::array<unsigned char, 4> id{1, 2, 3, 4};
  SSL_SESSION_set1_id(session.get(), id.data(), id.size());
  SSL_SESSION_set_protocol_version(session.get(), version);
  return session;
}

TEST(TlsSessionCache, gives_sessions_until_their_time_is_over) {
  const SessionCache::Time now{};
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SessionCache cache;
    cache.put("a", resumable_session(version), now + 12h);
    cache.put("b", resumable_session(version), now + 1h);
    EXPECT_EQ(cache.take("b", now + 1h).session, nullptr);
    const SessionCache::Entry taken = cache.take("a", now + 11h);
    EXPECT_NE(taken.session, nullptr);
    EXPECT_EQ(taken.until, now + 12h) << "what comes of it lives no longer";
    EXPECT_EQ(cache.take("a", now + 11h).session == nullptr, version == TLS1_3_VERSION) << "once";
    EXPECT_EQ(cache.take("a", now + 12h).session, nullptr);
  }
}

TEST(TlsSessionCache, has_room_for_others_beside_a_server_that_sends_many) {
  const SessionCache::Time now{};
  SessionCache cache;
  cache.put("a", resumable_session(TLS1_3_VERSION), now + 1h);
  for (std::size_t i = 0; i < 2 * SessionCache::sessions_max; ++i) {
    cache.put("b", resumable_session(TLS1_3_VERSION), now + 2h);
  }
  EXPECT_NE(cache.take("a", now).session, nullptr);
  std::size_t of_b = 0;
  while (cache.take("b", now).session != nullptr) ++of_b;
  EXPECT_EQ(of_b, SessionCache::sessions_each_max);
}

}  // namespace
}  // namespace ieum::tls
