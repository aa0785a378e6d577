// Certificates that are wrong.
#include "tls/wrong_certificates.hpp"

#include <array>
#include <ctime>

namespace ieum::test {

CertificatePlan server_plan() {
  CertificatePlan plan;
  plan.common_name = "server.test";
  plan.names = "DNS:server.test";
  return plan;
}

CertificatePlan named(std::string names) {
  CertificatePlan plan = server_plan();
  plan.names = std::move(names);
  return plan;
}
CertificatePlan between_plan() { return authority_plan("Between"); }

namespace {

constexpr long day = 24L * 3600;

template <class Change>
CertificatePlan changed(CertificatePlan plan, Change change) {
  change(plan);
  return plan;
}
std::string days_from_now(long seconds) {
  const std::time_t at = std::time(nullptr) + seconds;
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", std::gmtime(&at));
  return text.data();
}

}  // namespace

std::vector<Wrong> kinds_of_wrong() {
  const std::string past = days_from_now(-2 * day);
  const std::string future = days_from_now(2 * day);
  const auto expired = [](CertificatePlan& plan) {
    plan.begins = -9 * day;
    plan.ends = -2 * day;
  };
  const auto not_yet = [](CertificatePlan& plan) {
    plan.begins = 2 * day;
    plan.ends = 9 * day;
  };
  return {
      {.kind = "expired",
       .plan = changed(server_plan(), expired),
       .code = Errc::certificate_expired,
       .detail = "on " + past},
      {.kind = "not yet valid",
       .plan = changed(server_plan(), not_yet),
       .code = Errc::certificate_not_yet_valid,
       .detail = "not until " + future},
      {.kind = "another name",
       .plan = named("DNS:other.test"),
       .code = Errc::certificate_wrong_name,
       .detail = "for other.test, not for server.test"},
      {.kind = "many other names",
       .plan = named("DNS:a.test,DNS:b.test,DNS:c.test,DNS:d.test"),
       .code = Errc::certificate_wrong_name,
       .detail = "for a.test, b.test and 2 more, not for server.test"},
      {.kind = "a wildcard one level too high",
       .plan = named("DNS:*.wild.test"),
       .name = "a.b.wild.test",
       .code = Errc::certificate_wrong_name,
       .detail = "for *.wild.test, not for a.b.wild.test"},
      {.kind = "a wildcard for the domain itself",
       .plan = named("DNS:*.wild.test"),
       .name = "wild.test",
       .code = Errc::certificate_wrong_name,
       .detail = "for *.wild.test, not for wild.test"},
      {.kind = "a wildcard for a part of a label",
       .plan = named("DNS:s*.wild.test"),
       .name = "server.wild.test",
       .code = Errc::certificate_wrong_name,
       .detail = "for s*.wild.test, not for server.wild.test"},
      {.kind = "a name in the subject only",
       .plan = named(""),
       .code = Errc::certificate_wrong_name,
       .detail = "for no name, not for server.test"},
      {.kind = "an IP address as a name",
       .plan = named("DNS:127.0.0.1"),
       .name = "127.0.0.1",
       .code = Errc::certificate_wrong_name,
       .detail = "for 127.0.0.1, not for 127.0.0.1"},
      {.kind = "another IP address",
       .plan = named("IP:127.0.0.2"),
       .name = "127.0.0.1",
       .code = Errc::certificate_wrong_name,
       .detail = "for 127.0.0.2, not for 127.0.0.1"},
      {.kind = "an unknown issuer",
       .root = authority_plan("Nobody Knows"),
       .root_is_trusted = false,
       .code = Errc::certificate_unknown_issuer,
       .detail = "Nobody Knows"},
      {.kind = "an unknown issuer that is sent along",
       .root = authority_plan("Nobody Knows"),
       .root_is_trusted = false,
       .sends_root = true,
       .code = Errc::certificate_unknown_issuer,
       .detail = "Nobody Knows"},
      {.kind = "a missing certificate between it and the root",
       .between = {between_plan()},
       .sends_between = false,
       .code = Errc::certificate_unknown_issuer,
       .detail = "Between"},
      {.kind = "self-signed",
       .is_self_signed = true,
       .code = Errc::certificate_self_signed,
       .detail = "server.test"},
      {.kind = "an issuer that is no authority",
       .between = {changed(between_plan(),
                           [](auto& plan) { plan.basic_constraints = "critical,CA:FALSE"; })},
       .detail = "Between is no authority, but has issued one"},
      {.kind = "an issuer that does not say that it is an authority",
       .between = {changed(between_plan(), [](auto& plan) { plan.basic_constraints.clear(); })},
       .detail = "Between is no authority, but has issued one"},
      {.kind = "an issuer that may not issue",
       .between = {changed(between_plan(),
                           [](auto& plan) { plan.key_usage = "critical,digitalSignature"; })},
       .detail = "Between may not issue certificates"},
      {.kind = "a chain that is longer than one of it allows",
       .between = {changed(between_plan(),
                           [](auto& plan) {
                             plan.basic_constraints = "critical,CA:TRUE,pathlen:0";
                             plan.common_name = "Last";
                           }),
                   between_plan()},
       .detail = "Last may not be followed by so many"},
      {.kind = "a name that its issuer may not give",
       .between = {changed(between_plan(),
                           [](auto& plan) {
                             plan.more = {
                                 {NID_name_constraints, "critical,permitted;DNS:example.org"}};
                           })},
       .detail = "it has a name its issuer may not give"},
      {.kind = "a name that its issuer must not give",
       .between = {changed(between_plan(),
                           [](auto& plan) {
                             plan.more = {
                                 {NID_name_constraints, "critical,excluded;DNS:server.test"}};
                           })},
       .detail = "it has a name its issuer must not give"},
      {.kind = "for clients only",
       .plan = changed(server_plan(), [](auto& plan) { plan.extended_key_usage = "clientAuth"; }),
       .detail = "it is not meant for this end of TLS"},
      {.kind = "for mail only",
       .plan =
           changed(server_plan(), [](auto& plan) { plan.extended_key_usage = "emailProtection"; }),
       .detail = "it is not meant for this end of TLS"},
      {.kind = "a key that is for lists of revoked certificates only",
       .plan = changed(server_plan(), [](auto& plan) { plan.key_usage = "critical,cRLSign"; }),
       .detail = "it is not meant for this end of TLS"},
      {.kind = "a false signature", .is_damaged = true, .detail = "it has a false signature"},
      {.kind = "an issuer that has expired",
       .between = {changed(between_plan(), expired)},
       .code = Errc::certificate_expired,
       .detail = "that of Between, on " + past},
      {.kind = "an issuer that is not valid yet",
       .between = {changed(between_plan(), not_yet)},
       .code = Errc::certificate_not_yet_valid,
       .detail = "that of Between, not until " + future},
      {.kind = "a root that has expired",
       .root = changed(authority_plan("Old Root"), expired),
       .code = Errc::certificate_expired,
       .detail = "that of Old Root, on " + past},
      {.kind = "a critical extension that nobody knows",
       .plan =
           changed(server_plan(),
                   [](auto& plan) { plan.more = {{NID_netscape_comment, "critical,read this"}}; }),
       .detail = "it has a critical extension that we do not know"},
      {.kind = "expired, for another name, by an unknown issuer",
       .plan = changed(named("DNS:other.test"), expired),
       .root = authority_plan("Nobody"),
       .root_is_trusted = false,
       .code = Errc::certificate_unknown_issuer,
       .detail = "Nobody; it is for other.test, not for server.test; it expired on " + past},
      {.kind = "self-signed, expired, for another name",
       .plan = changed(named("DNS:other.test"), expired),
       .is_self_signed = true,
       .code = Errc::certificate_self_signed,
       .detail = "server.test; it is for other.test, not for server.test; it expired on " + past},
  };
}

std::vector<Wrong> kinds_of_weak() {
  return {
      {.kind = "a weak key",
       .plan = changed(server_plan(), [](auto& plan) { plan.key = "RSA-1024"; }),
       .detail = "it has a weak key: RSA 1024 bits"},
      {.kind = "a weak digest",
       .plan = changed(server_plan(), [](auto& plan) { plan.digest = "SHA1"; }),
       .detail = "it is signed with ecdsa-with-SHA1, which is weak"},
  };
}

Made make(const Wrong& wrong) {
  std::vector<std::unique_ptr<Certificate>> issuers;
  issuers.push_back(std::make_unique<Certificate>(wrong.root.value_or(authority_plan("Root"))));
  for (const CertificatePlan& plan : wrong.between) {
    issuers.push_back(std::make_unique<Certificate>(plan, issuers.back().get()));
  }
  Certificate leaf(wrong.plan, wrong.is_self_signed ? nullptr : issuers.back().get());
  if (wrong.is_damaged) leaf.damage();
  std::vector<const Certificate*> chain;
  Made made;
  for (std::size_t i = issuers.size(); i-- > 0;) {
    if (i == 0 ? !wrong.sends_root : !wrong.sends_between) continue;
    chain.push_back(issuers[i].get());
    made.chain_pem += issuers[i]->pem();
  }
  made.server = std::make_unique<CertificateFiles>(leaf, chain);
  made.root_pem = wrong.root_is_trusted ? issuers.front()->pem() : authority().pem();
  made.leaf_pem = leaf.pem();
  return made;
}

}  // namespace ieum::test
