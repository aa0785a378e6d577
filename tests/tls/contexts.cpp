// What contexts decide: certificates by name, ALPN, resumption, clients, reloading.
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "tls/sessions.hpp"
#include "tls/wall_clock.hpp"

namespace ieum::test {
namespace {

Certificate certificate_for(const std::string& names, const std::string& key = "P-256") {
  CertificatePlan plan;
  plan.common_name = "of " + names;
  plan.names = names;
  plan.key = key;
  return Certificate(plan, &authority());
}

CO_TEST(TlsContexts, a_server_shows_the_certificate_for_the_name) {
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  const CertificateFiles other(certificate_for("DNS:other.test"));
  const CertificateFiles wild(certificate_for("DNS:*.other.test"));
  expect_good(server.add(other.certificate.path(), other.key.path()));
  expect_good(server.add(wild.certificate.path(), wild.key.path()));
  for (const std::string_view name :
       {"server.test", "other.test", "OTHER.test", "a.other.test", "b.other.test", "a.wild.test"}) {
    const Met met = co_await try_tls(client, server, name);
    EXPECT_TRUE(met.client) << name << met.client.error().to_string();
    EXPECT_EQ(met.seen_by_server.server_name, name);
  }
  const Met unknown = co_await try_tls(client, server, "unknown.test");
  CO_ASSERT(!unknown.client);
  EXPECT_EQ(unknown.client.error(), Errc::certificate_wrong_name);
  CO_ASSERT(!unknown.seen_by_client.chain.empty());
  EXPECT_EQ(unknown.seen_by_client.chain[0].subject, "CN=server.test") << "the first of all";
}

CO_TEST(TlsContexts, a_server_has_two_kinds_of_keys) {
  const TlsClientContext client = client_context();
  const CertificateFiles rsa(certificate_for("DNS:two.test", "RSA-2048"));
  const CertificateFiles ec(certificate_for("DNS:two.test"));
  TlsServerContext server =
      expect_value(TlsServerContext::load(rsa.certificate.path(), rsa.key.path()));
  expect_good(server.add(ec.certificate.path(), ec.key.path()));
  const Met met = co_await try_tls(client, server, "two.test");
  CO_ASSERT(met.client);
  EXPECT_EQ(met.client->peer().chain[0].key, "EC 256 bits") << "the cheaper one";
}

CO_TEST(TlsContexts, protocols_are_agreed_on) {
  TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  Met met = co_await try_tls(client, server);
  CO_ASSERT(met.client && met.server);
  EXPECT_EQ(met.client->alpn(), "");
  expect_good(client.set_alpn("h2,http/1.1"));
  met = co_await try_tls(client, server);
  CO_ASSERT(met.client && met.server);
  EXPECT_EQ(met.client->alpn(), "") << "the server speaks of none";
  expect_good(server.set_alpn("http/1.1,h2"));
  met = co_await try_tls(client, server);
  CO_ASSERT(met.client && met.server);
  EXPECT_EQ(met.client->alpn(), "http/1.1") << "the server prefers it";
  EXPECT_EQ(met.server->alpn(), "http/1.1");
  EXPECT_EQ(met.seen_by_server.alpn, "http/1.1");
  expect_good(server.set_alpn("smtp"));
  met = co_await try_tls(client, server);
  CO_ASSERT(!met.client && !met.server);
  EXPECT_EQ(met.client.error(), Errc::handshake_failed);
  EXPECT_EQ(met.client.error().detail(),
            "the peer refuses: no protocol in common, ALPN (no_application_protocol)");
  EXPECT_EQ(met.server.error().detail(), "no protocol in common (ALPN)");
  EXPECT_FALSE(client.set_alpn(""));
  EXPECT_FALSE(client.set_alpn("h2,,x"));
  EXPECT_FALSE(client.set_alpn(std::string(256, 'x')));
}

CO_TEST(TlsContexts, versions_may_be_set) {
  for (int round = 0; round < 2; ++round) {
    const TlsVersion version = round == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
    TlsClientContext client = client_context();
    expect_good(client.set_versions(version, version));
    const TlsServerContext server = server_context();
    const Met met = co_await try_tls(client, server);
    CO_ASSERT(met.client);
    EXPECT_EQ(met.client->peer().version, round == 0 ? "TLSv1.2" : "TLSv1.3");
  }
  TlsClientContext older = client_context();
  TlsServerContext newer = server_context();
  expect_good(older.set_versions(TlsVersion::tls12, TlsVersion::tls12));
  expect_good(newer.set_versions(TlsVersion::tls13, TlsVersion::tls13));
  const Met met = co_await try_tls(older, newer);
  CO_ASSERT(!met.client && !met.server);
  EXPECT_EQ(met.client.error().detail(),
            "the peer refuses: it speaks no version of TLS of ours (protocol_version)");
  EXPECT_FALSE(older.set_versions(TlsVersion::tls13, TlsVersion::tls12));
}

/// One byte each way, so that a ticket comes.
Task<> talk(Met& met) {
  co_await met.client->write_all("x");
  static_cast<void>(co_await read_text(*met.server, 1));
  co_await met.server->write_all("y");
  static_cast<void>(co_await read_text(*met.client, 1));
}

CO_TEST(TlsContexts, sessions_are_resumed) {
  for (int round = 0; round < 2; ++round) {
    TlsClientContext client = client_context();
    TlsServerContext server = server_context();
    const TlsVersion version = round == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
    expect_good(server.set_versions(version, version));
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    for (int i = 0; i < 4; ++i) {
      Pair pair;
      pair.client = co_await StreamSocket::connect(listener.address());
      pair.server = co_await listener.accept();
      if (i == 3) expect_good(server.reload());
      Met met =
          co_await try_tls(std::make_unique<StreamSocket>(std::move(pair.client)),
                           std::make_unique<StreamSocket>(std::move(pair.server)), client, server);
      CO_ASSERT(met.client && met.server);
      EXPECT_EQ(met.seen_by_client.resumed, i > 0) << i;
      EXPECT_EQ(met.seen_by_server.resumed, i > 0) << i;
      EXPECT_EQ(met.seen_by_client.chain.size(), 1U) << "remembered";
      co_await talk(met);
    }
    client.resume_nothing();
    Pair pair;
    pair.client = co_await StreamSocket::connect(listener.address());
    pair.server = co_await listener.accept();
    const Met met =
        co_await try_tls(std::make_unique<StreamSocket>(std::move(pair.client)),
                         std::make_unique<StreamSocket>(std::move(pair.server)), client, server);
    CO_ASSERT(met.client);
    EXPECT_FALSE(met.seen_by_client.resumed);
  }
}

CO_TEST(TlsContexts, new_keys_before_the_first_write_leave_room_for_a_ticket) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  for (int i = 0; i < 2; ++i) {
    Pair pair;
    pair.client = co_await StreamSocket::connect(listener.address());
    pair.server = co_await listener.accept();
    Met met =
        co_await try_tls(std::make_unique<StreamSocket>(std::move(pair.client)),
                         std::make_unique<StreamSocket>(std::move(pair.server)), client, server);
    CO_ASSERT(met.client && met.server);
    EXPECT_EQ(met.seen_by_server.resumed, i > 0);
    co_await met.server->update_keys();
    co_await met.server->write_all("y");  // a read before would take them along
    static_cast<void>(co_await read_text(*met.client, 1));
  }
}

/// A connection to `listener`, one byte each way: whether the session was resumed, as the server
/// sees it.
Task<Met> meet_at(Listener& listener, const TlsClientContext& client,
                  const TlsServerContext& server) {
  Pair pair;
  pair.client = co_await StreamSocket::connect(listener.address());
  pair.server = co_await listener.accept();
  Met met =
      co_await try_tls(std::make_unique<StreamSocket>(std::move(pair.client)),
                       std::make_unique<StreamSocket>(std::move(pair.server)), client, server);
  if (met.client && met.server) {
    const Result<> talked = co_await attempt(talk(met));
    static_cast<void>(talked);  // with TLS 1.3 a client that is refused learns it here
  }
  co_return met;
}

/// Puts the clock forward by which certificates are judged; back at its end.
class LaterClock {
 public:
  explicit LaterClock(std::chrono::seconds by) { tls::wall_clock_ahead = by; }
  LaterClock(const LaterClock&) = delete;
  LaterClock& operator=(const LaterClock&) = delete;
  ~LaterClock() { tls::wall_clock_ahead = 0s; }
};

/// A server and a client, one of whom has a certificate that expires soon.
struct ShortLived {
  TlsServerContext server = server_context();
  TlsClientContext client = client_context();
  Listener listener;
  bool is_server = false;
};

Task<ShortLived> short_lived(TlsVersion version, bool is_server) {
  CertificatePlan plan;
  plan.names = "DNS:server.test";
  plan.ends = 3600;
  const CertificateFiles files(Certificate(plan, &authority()));
  ShortLived made;
  made.is_server = is_server;
  made.listener = co_await Listener::bind("127.0.0.1:0");
  if (is_server) {
    made.server = expect_value(TlsServerContext::load(files.certificate.path(), files.key.path()));
  } else {
    expect_good(made.server.require_clients(authority_file()));
    expect_good(made.client.use_certificate(files.certificate.path(), files.key.path()));
  }
  expect_good(made.server.set_versions(version, version));
  co_return made;
}

CO_TEST(TlsContexts, no_session_outlives_a_certificate) {
  std::vector<ShortLived> all;
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    for (const bool is_server : {false, true}) {
      ShortLived made = co_await short_lived(version, is_server);
      all.push_back(std::move(made));
    }
  }
  for (ShortLived& each : all) {
    for (int i = 0; i < 3; ++i) {
      const Met met = co_await meet_at(each.listener, each.client, each.server);
      CO_ASSERT(met.client && met.server);
      EXPECT_EQ(met.seen_by_server.resumed, i > 0) << i;
    }
  }
  const LaterClock later(2h);
  for (ShortLived& each : all) {
    const Met late = co_await meet_at(each.listener, each.client, each.server);
    const Result<TlsStream>& judge = each.is_server ? late.client : late.server;
    CO_ASSERT(!judge);
    EXPECT_EQ(judge.error(), Errc::certificate_expired) << judge.error().to_string();
  }
}

CO_TEST(TlsContexts, clients_are_let_in_by_the_authorities_that_were_named_last) {
  const Certificate other(authority_plan("Another Authority"));
  const TemporaryFile other_file(other.pem());
  CertificatePlan plan;
  plan.extended_key_usage = "clientAuth";
  const CertificateFiles of_other(Certificate(plan, &other));
  TlsServerContext server = server_context();
  expect_good(server.require_clients(authority_file()));
  expect_good(server.require_clients(other_file.path()));
  TlsClientContext former = client_context();
  expect_good(former.use_certificate(client_files().certificate.path(), client_files().key.path()));
  TlsClientContext present = client_context();
  expect_good(present.use_certificate(of_other.certificate.path(), of_other.key.path()));
  for (const char* when : {"at first", "after one that failed", "after a reload"}) {
    const Met refused = co_await try_tls(former, server);
    CO_ASSERT(!refused.server);
    EXPECT_EQ(refused.server.error(), Errc::certificate_unknown_issuer) << when;
    const Met let_in = co_await try_tls(present, server);
    EXPECT_TRUE(let_in.server) << when;
    EXPECT_FALSE(server.require_clients("/nosuch"));
    if (std::string_view(when) != "at first") expect_good(server.reload());
  }
}

CO_TEST(TlsContexts, clients_show_who_they_are) {
  const CertificateFiles& files = client_files();
  const CertificateFiles stranger(Certificate(CertificatePlan{}));
  for (int round = 0; round < 2; ++round) {
    const TlsVersion version = round == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
    TlsServerContext server = server_context();
    expect_good(server.set_versions(version, version));
    expect_good(server.require_clients(authority_file()));
    TlsClientContext known = client_context();
    expect_good(known.use_certificate(files.certificate.path(), files.key.path()));
    const Met good = co_await try_tls(known, server);
    CO_ASSERT(good.client && good.server);
    CO_ASSERT(good.seen_by_server.chain.size() == 1);
    EXPECT_EQ(good.seen_by_server.chain[0].subject, "CN=a client");

    const TlsClientContext unknown = client_context();
    Met without = co_await try_tls(unknown, server);
    CO_ASSERT(!without.server);
    EXPECT_EQ(without.server.error(), Errc::handshake_failed);
    EXPECT_EQ(without.server.error().detail(), "the client shows no certificate");
    // With TLS 1.3 the client is done first, and told when it reads.
    Error told = Error(std::errc::io_error, "not told");
    if (without.client) {
      const Result<Lease> read = co_await attempt(without.client->receive());
      CO_ASSERT(!read);
      told = read.error();
      EXPECT_EQ(round, 1);
    } else {
      told = without.client.error();
    }
    EXPECT_EQ(told, Errc::handshake_failed) << told.to_string();
    EXPECT_TRUE(told.detail().starts_with("the peer refuses: ")) << told.to_string();

    TlsClientContext strange = client_context();
    expect_good(strange.use_certificate(stranger.certificate.path(), stranger.key.path()));
    const Met refused = co_await try_tls(strange, server);
    CO_ASSERT(!refused.server);
    EXPECT_EQ(refused.server.error(), Errc::certificate_self_signed)
        << refused.server.error().to_string();
  }
}

/// With very many names.
Certificate certificate_of(std::size_t bytes) {
  std::string names = "DNS:server.test";
  for (int i = 0; names.size() < bytes; ++i) {
    names += ",DNS:a-rather-long-name-" + std::to_string(i) + ".example.test";
  }
  return certificate_for(names);
}

CO_TEST(TlsContexts, a_large_certificate_of_a_client_leaves_room_for_what_is_written) {
  for (const std::size_t bytes : {10'000, 20'000, 40'000}) {
    const CertificateFiles large(certificate_of(bytes));
    TlsServerContext server = server_context();
    expect_good(server.require_clients(authority_file()));
    TlsClientContext client = client_context();
    expect_good(client.use_certificate(large.certificate.path(), large.key.path()));
    Met met = co_await try_tls(client, server);
    CO_ASSERT(met.client && met.server);
    const std::vector<std::byte> data = random_bytes(100'000, seed());
    auto sending = [&]() -> Task<> {
      co_await met.server->write_all(data);
      co_await met.server->shutdown_write();
    };
    std::string got;
    auto body = [&](Group& group) -> Task<> {
      group.start(sending());
      got = co_await read_to_end(*met.client);
    };
    co_await with_group(body);
    EXPECT_TRUE(same_bytes(bytes_of(got), data)) << bytes;
  }
}

CO_TEST(TlsContexts, a_certificate_that_is_larger_than_what_is_sent_at_once) {
  const CertificateFiles large(certificate_of(110'000));
  const TlsServerContext server =
      expect_value(TlsServerContext::load(large.certificate.path(), large.key.path()));
  const TlsClientContext client = client_context();
  const Met met = co_await try_tls(client, server);
  CO_ASSERT(!met.server);
  EXPECT_EQ(met.server.error(), Errc::limit_exceeded) << met.server.error().to_string();
  EXPECT_EQ(met.server.error().detail(), "what is to be sent at once has more than 89 KiB");
}

Task<> connect_often(const TlsClientContext& client, const TlsServerContext& server, int times,
                     int& met_well) {
  for (int i = 0; i < times; ++i) {
    const Met met = co_await try_tls(client, server, "rsa.test");
    if (met.client && met.server) ++met_well;
  }
}

CO_TEST(TlsContexts, handshakes_with_slow_keys_leave_others_their_turn) {
  TlsClientContext client = client_context();
  client.resume_nothing();
  const CertificateFiles rsa(certificate_for("DNS:rsa.test", "RSA-2048"));
  const TlsServerContext server =
      expect_value(TlsServerContext::load(rsa.certificate.path(), rsa.key.path()));
  int met_well = 0;
  const int tasks = 10;
  const int times = sanitized ? 5 : 20;
  TlsPair pair = co_await tls_pair();
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < tasks; ++i) {
      group.start(connect_often(client, server, times, met_well));
    }
    for (int i = 0; i < 100; ++i) {
      co_await pair.client.write_all("x");
      static_cast<void>(co_await read_text(pair.server, 1));
      co_await pair.server.write_all("y");
      static_cast<void>(co_await read_text(pair.client, 1));
    }
  };
  co_await with_group(body);
  EXPECT_EQ(met_well, tasks * times);
}

CO_TEST(TlsContexts, handshakes_with_slow_keys_may_be_stopped) {
  const TlsClientContext client = client_context();
  const CertificateFiles rsa(certificate_for("DNS:rsa.test", "RSA-2048"));
  const TlsServerContext server =
      expect_value(TlsServerContext::load(rsa.certificate.path(), rsa.key.path()));
  int met_well = 0;
  for (int i = 0; i < 30; ++i) {
    auto body = [&](Group& group) -> Task<> {
      for (int j = 0; j < 5; ++j) group.start(connect_often(client, server, 1, met_well));
      co_await sleep(std::chrono::microseconds(200 * i));
      group.stop();
    };
    static_cast<void>(co_await attempt(with_group(body)));
  }
  co_await connect_often(client, server, 1, met_well);
  EXPECT_GE(met_well, 1);
}

/// A client that sends at once what a server never reads which refuses it.
CO_TEST(TlsContexts, a_client_that_is_refused_reads_why_although_it_has_sent) {
  TlsServerContext server = server_context();
  expect_good(server.require_clients(authority_file()));
  const TlsClientContext client = client_context();
  TlsOptions options;
  options.context = &client;
  const std::vector<std::byte> data = random_bytes(30'000, seed());
  for (int i = 0; i < 20; ++i) {
    Pair pair = co_await connected();
    auto serving = [&]() -> Task<> {
      const Result<TlsStream> met =
          co_await attempt(TlsStream::server(std::move(pair.server), server));
      EXPECT_FALSE(met);
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(serving());
      TlsStream stream = co_await TlsStream::client(std::move(pair.client), "server.test", options);
      const Result<> sent = co_await attempt(stream.write_all(data));
      static_cast<void>(sent);
      const Result<Lease> read = co_await attempt(stream.receive());
      CO_ASSERT(!read);
      EXPECT_EQ(read.error(), Errc::handshake_failed) << read.error().to_string();
      co_await stream.close();
    };
    co_await with_group(body);
  }
}

void overwrite(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::trunc) << content;
}

CO_TEST(TlsContexts, a_reload_is_all_or_nothing_and_sessions_live_on) {
  const TlsClientContext client = client_context();
  const Certificate first = certificate_for("DNS:server.test");
  const Certificate second = certificate_for("DNS:server.test");
  const CertificateFiles files(first);
  TlsServerContext server =
      expect_value(TlsServerContext::load(files.certificate.path(), files.key.path()));
  const std::string pin_before = server.pin();
  Met before = co_await try_tls(client, server);
  CO_ASSERT(before.client && before.server);
  overwrite(files.certificate.path(), second.pem());  // and the key not yet
  const Result<> half = server.reload();
  CO_ASSERT(!half);
  EXPECT_EQ(half.error(), std::errc::invalid_argument);
  EXPECT_EQ(server.pin(), pin_before);
  overwrite(files.key.path(), second.key_pem());
  expect_good(server.reload());
  EXPECT_NE(server.pin(), pin_before);
  const Met after = co_await try_tls(client, server);
  CO_ASSERT(after.client);
  EXPECT_EQ(after.seen_by_client.chain[0].pin, server.pin());
  co_await talk(before);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

CO_TEST(TlsContexts, a_self_signed_certificate_is_kept) {
  const TemporaryDirectory directory;
  const std::string file = directory.path("tls.pem");
  TlsServerContext server = expect_value(TlsServerContext::self_signed("server.test", file));
  struct stat status{};
  EXPECT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U) << "its key is in it";
  const TlsServerContext again = expect_value(TlsServerContext::self_signed("server.test", file));
  EXPECT_EQ(again.pin(), server.pin());
  TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
  client.verify_nothing();
  expect_good(client.pin(again.pin()));
  const Met met = co_await try_tls(client, server);
  CO_ASSERT(met.client);
  expect_good(server.reload());
  EXPECT_EQ(server.pin(), again.pin());
  const TlsServerContext other = expect_value(TlsServerContext::self_signed("127.0.0.1", file));
  EXPECT_NE(other.pin(), server.pin()) << "for another name";
  const TlsServerContext same = expect_value(TlsServerContext::self_signed("127.0.0.1", file));
  EXPECT_EQ(same.pin(), other.pin());
}

CO_TEST(TlsContexts, a_kept_certificate_that_has_ended_is_made_anew) {
  CertificatePlan plan;
  plan.names = "DNS:server.test";
  plan.begins = -7200;
  plan.ends = -3600;
  const Certificate ended(plan);
  const TemporaryFile file(ended.key_pem() + ended.pem());
  const TlsServerContext before = expect_value(TlsServerContext::load(file.path(), file.path()));
  const TlsServerContext server =
      expect_value(TlsServerContext::self_signed("server.test", file.path()));
  EXPECT_NE(server.pin(), before.pin());
  co_return;
}

CO_TEST(TlsContexts, what_is_no_certificate_is_not_written_over) {
  const TemporaryFile notes("my notes\n");
  const Result<TlsServerContext> refused =
      TlsServerContext::self_signed("server.test", notes.path());
  CO_ASSERT(!refused);
  EXPECT_EQ(refused.error().to_string(), "load certificate " + notes.path() +
                                             ": invalid argument: there is no certificate in it");
  EXPECT_EQ(content_of(notes.path()), "my notes\n");
  const Certificate issued = certificate_for("DNS:other.test");
  const TemporaryFile theirs(issued.key_pem() + issued.pem());
  const Result<TlsServerContext> of_somebody =
      TlsServerContext::self_signed("server.test", theirs.path());
  CO_ASSERT(!of_somebody);
  EXPECT_EQ(of_somebody.error(), std::errc::invalid_argument);
  EXPECT_EQ(content_of(theirs.path()), issued.key_pem() + issued.pem());
  const TemporaryDirectory directory;
  const Result<TlsServerContext> nowhere =
      TlsServerContext::self_signed("server.test", directory.path("none/tls.pem"));
  CO_ASSERT(!nowhere);
  EXPECT_EQ(nowhere.error(), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(TlsServerContext::self_signed("two words", directory.path("tls.pem")));
  co_return;
}

CO_TEST(TlsContexts, sessions_end_with_what_clients_were_asked_for) {
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    TlsServerContext server = server_context();
    expect_good(server.set_versions(version, version));
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const TlsClientContext unknown = client_context();
    const Met before = co_await meet_at(listener, unknown, server);
    CO_ASSERT(before.server);
    const TemporaryFile roots(authority().pem());
    expect_good(server.require_clients(roots.path()));
    const Met after = co_await meet_at(listener, unknown, server);
    CO_ASSERT(!after.server);
    EXPECT_EQ(after.server.error().detail(), "the client shows no certificate");

    TlsClientContext known = client_context();
    expect_good(
        known.use_certificate(client_files().certificate.path(), client_files().key.path()));
    for (int i = 0; i < 3; ++i) {
      const Met met = co_await meet_at(listener, known, server);
      CO_ASSERT(met.server);
      EXPECT_EQ(met.seen_by_server.resumed, i > 0) << i;
      expect_good(server.reload());
    }
    overwrite(roots.path(), Certificate(authority_plan("another authority")).pem());
    expect_good(server.reload());
    const Met refused = co_await meet_at(listener, known, server);
    EXPECT_FALSE(refused.server);
  }
}

TEST(TlsContextFiles, that_are_wrong) {
  const CertificateFiles& good = server_files();
  const CertificateFiles other(certificate_for("DNS:other.test"));
  const TemporaryFile garbage("this is no certificate\n");
  const TemporaryFile damaged("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const std::string certificate = good.certificate.path();
  const std::string key = good.key.path();
  const auto error_of = [](const std::string& first, const std::string& second) {
    const Result<TlsServerContext> loaded = TlsServerContext::load(first, second);
    EXPECT_FALSE(loaded);
    return loaded ? std::string() : std::string(loaded.error().to_string());
  };
  EXPECT_THAT(error_of("/no/such/file", key),
              testing::HasSubstr("load certificate /no/such/file: no such file or directory"));
  EXPECT_THAT(error_of(certificate, "/no/such/key"), testing::HasSubstr("load key /no/such/key"));
  EXPECT_THAT(error_of(garbage.path(), key), testing::HasSubstr("there is no certificate in it"));
  EXPECT_THAT(error_of(damaged.path(), key), testing::HasSubstr("certificate"));
  EXPECT_THAT(error_of(certificate, garbage.path()), testing::HasSubstr("there is no key in it"));
  EXPECT_THAT(error_of(certificate, other.key.path()), testing::HasSubstr("it is not the key of"));
  const CertificateFiles weak(certificate_for("DNS:weak.test", "RSA-1024"));
  EXPECT_THAT(error_of(weak.certificate.path(), weak.key.path()), testing::HasSubstr("too small"));
  TlsServerContext server = server_context();
  EXPECT_FALSE(server.staple(garbage.path()));
  EXPECT_FALSE(server.staple("/no/such/file"));
  EXPECT_FALSE(server.require_clients("/no/such/file"));
  TlsClientContext client = client_context();
  EXPECT_FALSE(client.add_roots(garbage.path()));
  EXPECT_FALSE(client.use_certificate(certificate, other.key.path()));
}

TEST(TlsContextFiles, a_key_with_a_password_is_refused_and_nobody_is_asked) {
  static constexpr std::string_view encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  const TemporaryFile key(encrypted);
  const Result<TlsServerContext> loaded =
      TlsServerContext::load(server_files().certificate.path(), key.path());
  EXPECT_FALSE(loaded);
}

/// Of this thread.
bool openssl_has_errors() { return ERR_peek_error() != 0; }

TEST(TlsContextFiles, leave_no_errors_to_others_who_use_openssl) {
  const CertificateFiles& good = server_files();
  const CertificateFiles other(certificate_for("DNS:other.test"));
  const CertificateFiles weak(certificate_for("DNS:weak.test", "RSA-1024"));
  const TemporaryFile garbage("this is no certificate\n");
  ERR_clear_error();
  EXPECT_FALSE(TlsServerContext::load(garbage.path(), garbage.path()));
  EXPECT_FALSE(openssl_has_errors());
  EXPECT_FALSE(TlsServerContext::load(good.certificate.path(), garbage.path()));
  EXPECT_FALSE(openssl_has_errors());
  EXPECT_FALSE(TlsServerContext::load(good.certificate.path(), other.key.path()));
  EXPECT_FALSE(openssl_has_errors());
  EXPECT_FALSE(TlsServerContext::load(weak.certificate.path(), weak.key.path()));
  EXPECT_FALSE(openssl_has_errors());
  EXPECT_TRUE(TlsServerContext::self_signed("server.test"));
  EXPECT_TRUE(TlsClientContext::create());
  EXPECT_FALSE(openssl_has_errors());
}

CO_TEST(TlsContexts, sessions_leave_no_errors_to_others_who_use_openssl) {
  const TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
  const TlsServerContext server = server_context();
  ERR_clear_error();
  const Met met = co_await try_tls(client, server);
  EXPECT_FALSE(met.client || met.server);
  EXPECT_FALSE(openssl_has_errors());
  TlsPair pair = co_await tls_pair();
  pair.client = TlsStream();
  ERR_clear_error();
  const Result<Lease> cut = co_await attempt(pair.server.receive());
  EXPECT_FALSE(cut);
  EXPECT_FALSE(openssl_has_errors());
}

class Messages final : public TlsObserver {
 public:
  void message(const TlsMessage& message) override {
    names += (message.is_sent ? '>' : '<');
    names += message.name;
    if (message.alert >= 0) names += std::to_string(message.alert);
    names += ' ';
    EXPECT_GT(message.bytes, 0U);
  }
  std::string names;
};

CO_TEST(TlsContexts, each_message_is_told_to_whoever_looks_on) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  Pair pair = co_await connected();
  Messages at_client;
  Messages at_server;
  TlsOptions options;
  options.context = &client;
  options.observer = &at_client;
  TlsServerOptions server_options;
  server_options.observer = &at_server;
  auto serving = [&]() -> Task<> {
    TlsStream stream = co_await TlsStream::server(std::move(pair.server), server, server_options);
    static_cast<void>(co_await read_to_end(stream));
    co_await stream.close();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    TlsStream stream = co_await TlsStream::client(std::move(pair.client), "server.test", options);
    co_await stream.shutdown_write();
    static_cast<void>(co_await read_to_end(stream));
  };
  co_await with_group(body);
  // A ChangeCipherSpec that comes means nothing in TLS 1.3.
  EXPECT_EQ(at_client.names,
            ">ClientHello <ServerHello <EncryptedExtensions <Certificate <CertificateVerify "
            "<Finished >ChangeCipherSpec >Finished >alert0 <alert0 ");
  EXPECT_EQ(at_server.names,
            "<ClientHello >ServerHello >ChangeCipherSpec >EncryptedExtensions >Certificate "
            ">CertificateVerify >Finished <Finished <alert0 >alert0 ");
}

CO_TEST(TlsContexts, keys_are_logged_for_those_who_record) {
  const TemporaryDirectory directory;
  TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  expect_good(client.log_keys(directory.path("client")));
  expect_good(server.log_keys(directory.path("server")));
  expect_good(server.reload());
  const Met met = co_await try_tls(client, server);
  CO_ASSERT(met.client && met.server);
  const auto content = [&](std::string_view name) {
    std::ifstream file(directory.path(name));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_THAT(content("client"), testing::HasSubstr("CLIENT_TRAFFIC_SECRET_0 "));
  EXPECT_EQ(content("client").size(), content("server").size());
}

}  // namespace
}  // namespace ieum::test
