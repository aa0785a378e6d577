// Certificates that are wrong in one way or another: each has its own sentence.
#include <gmock/gmock.h>

#include "tls/sessions.hpp"
#include "tls/wrong_certificates.hpp"

namespace ieum::test {
namespace {

template <class Change>
CertificatePlan changed(CertificatePlan plan, Change change) {
  change(plan);
  return plan;
}

CO_TEST(TlsCertificates, that_are_wrong_have_each_their_sentence) {
  for (const Wrong& wrong : kinds_of_wrong()) {
    const Made made = make(wrong);
    TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
    expect_good(client.add_roots_of(made.root_pem));
    const TlsServerContext server = expect_value(
        TlsServerContext::load(made.server->certificate.path(), made.server->key.path()));
    const Met met = co_await try_tls(client, server, wrong.name);
    EXPECT_FALSE(met.client) << wrong.kind;
    EXPECT_FALSE(met.server) << wrong.kind << ": the server is told";
    if (met.client) continue;
    EXPECT_EQ(met.client.error(), wrong.code)
        << wrong.kind << ": " << met.client.error().to_string();
    EXPECT_EQ(met.client.error().detail(), wrong.detail) << wrong.kind;
    EXPECT_FALSE(met.seen_by_client.problems.empty());
    EXPECT_FALSE(met.seen_by_client.chain.empty());
    if (met.server) continue;
    EXPECT_EQ(met.server.error(), Errc::handshake_failed) << met.server.error().to_string();
    EXPECT_TRUE(met.server.error().detail().starts_with("the peer refuses: "));
  }
}

CO_TEST(TlsCertificates, that_are_wrong_are_taken_by_those_who_verify_nothing) {
  for (const Wrong& wrong : kinds_of_wrong()) {
    const Made made = make(wrong);
    TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
    expect_good(client.add_roots_of(made.root_pem));
    client.verify_nothing();
    const TlsServerContext server = expect_value(
        TlsServerContext::load(made.server->certificate.path(), made.server->key.path()));
    const Met met = co_await try_tls(client, server, wrong.name);
    EXPECT_TRUE(met.client) << wrong.kind << ": " << met.client.error().to_string();
    EXPECT_TRUE(met.server) << wrong.kind;
    EXPECT_FALSE(met.seen_by_client.problems.empty()) << wrong.kind;
  }
}

CO_TEST(TlsCertificates, that_are_right) {
  const std::vector<Wrong> right{
      {.kind = "plain"},
      {.kind = "by one between", .between = {between_plan()}},
      {.kind = "by two between", .between = {between_plan(), authority_plan("Next")}},
      {.kind = "with the root sent along", .sends_root = true},
      {.kind = "by a wildcard", .plan = named("DNS:*.wild.test"), .name = "a.wild.test"},
      {.kind = "in capitals", .plan = named("DNS:Server.Test"), .name = "sERVER.tEST"},
      {.kind = "with a final dot", .name = "server.test."},
      {.kind = "by IPv4 address", .plan = named("IP:127.0.0.1"), .name = "127.0.0.1"},
      {.kind = "by IPv6 address", .plan = named("IP:::1"), .name = "::1"},
      {.kind = "self-signed and trusted", .is_self_signed = true},
      {.kind = "within the names its issuer may give",
       .between = {changed(between_plan(),
                           [](auto& plan) {
                             plan.more = {
                                 {NID_name_constraints, "critical,permitted;DNS:server.test"}};
                           })}},
      {.kind = "of an RSA key",
       .plan = changed(server_plan(), [](auto& plan) { plan.key = "RSA-2048"; })},
  };
  for (const Wrong& each : right) {
    const Made made = make(each);
    TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
    expect_good(client.add_roots_of(each.is_self_signed ? made.leaf_pem : made.root_pem));
    const TlsServerContext server = expect_value(
        TlsServerContext::load(made.server->certificate.path(), made.server->key.path()));
    const Met met = co_await try_tls(client, server, each.name);
    EXPECT_TRUE(met.client) << each.kind << ": " << met.client.error().to_string();
    EXPECT_TRUE(met.seen_by_client.problems.empty());
  }
}

CO_TEST(TlsCertificates, names_are_wanted_to_verify) {
  TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  const Met without = co_await try_tls(client, server, "");
  CO_ASSERT(!without.client);
  EXPECT_EQ(without.client.error(), std::errc::invalid_argument);
  const Met strange = co_await try_tls(client, server, "not a name");
  CO_ASSERT(!strange.client);
  EXPECT_EQ(strange.client.error(), Errc::name_invalid) << strange.client.error().to_string();
  client.verify_nothing();
  const Met insecure = co_await try_tls(client, server, "");
  EXPECT_TRUE(insecure.client);
}

CO_TEST(TlsCertificates, pins_are_checked_besides) {
  const TlsServerContext server = server_context();
  const std::string other = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  for (int round = 0; round < 2; ++round) {
    TlsClientContext right = client_context();
    TlsClientContext wrong = client_context();
    if (round == 1) {
      right.verify_nothing();
      wrong.verify_nothing();
    }
    expect_good(right.pin(other));
    expect_good(right.pin(server.pin()));
    expect_good(wrong.pin(other));
    const Met good = co_await try_tls(right, server);
    EXPECT_TRUE(good.client);
    const Met bad = co_await try_tls(wrong, server);
    CO_ASSERT(!bad.client);
    EXPECT_EQ(bad.client.error(), Errc::certificate_not_pinned);
    EXPECT_EQ(bad.client.error().detail(), "it is " + server.pin());
  }
  TlsClientContext untrusting = expect_value(TlsClientContext::create_without_roots());
  expect_good(untrusting.pin(server.pin()));
  const Met replaced = co_await try_tls(untrusting, server);
  EXPECT_FALSE(replaced.client) << "a pin replaces nothing";
  for (const std::string_view bad :
       {"", "sha256//", "sha256//AAAA", "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256//!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
    EXPECT_FALSE(untrusting.pin(bad)) << bad;
  }
}

CO_TEST(TlsCertificates, of_a_servers_own_making) {
  for (const std::string_view name : {"server.test", "127.0.0.1", "::1"}) {
    const TlsServerContext server = expect_value(TlsServerContext::self_signed(name));
    TlsClientContext client = expect_value(TlsClientContext::create_without_roots());
    const Met untrusted = co_await try_tls(client, server, name);
    CO_ASSERT(!untrusted.client);
    EXPECT_EQ(untrusted.client.error(), Errc::certificate_self_signed);
    client.verify_nothing();
    expect_good(client.pin(server.pin()));
    const Met pinned = co_await try_tls(client, server, name);
    EXPECT_TRUE(pinned.client);
    EXPECT_THAT(pinned.seen_by_client.problems, testing::ElementsAre("it is self-signed"));
  }
  EXPECT_FALSE(TlsServerContext::self_signed("not a name"));
}

}  // namespace
}  // namespace ieum::test
