// Names by way of the system's files: /etc/hosts and /etc/resolv.conf, in namespaces of the test's
// own.
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <fstream>

#include "conformance/names/dns_server.hpp"

namespace ieum::test {
namespace {

/// Runs `body` in a thread that sees these texts as the two files. Gives the reason if the system
/// does not allow it.
std::string with_files(std::string_view resolv_conf, std::string_view hosts,
                       const std::function<void()>& body) {
  const TemporaryDirectory directory;
  const std::string own_resolv_conf = directory.path("resolv.conf");
  const std::string own_hosts = directory.path("hosts");
  std::ofstream(own_resolv_conf) << resolv_conf;
  std::ofstream(own_hosts) << hosts;
  std::string reason;
  const std::string no_namespace = in_network_namespace("", [&] {
    const bool mounted =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount(own_resolv_conf.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0 &&
        ::mount(own_hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
    if (mounted) {
      body();
    } else {
      reason = "the system does not let files be mounted over /etc/resolv.conf and /etc/hosts";
    }
  });
  return no_namespace.empty() ? reason : no_namespace;
}

DnsName in_ipv4(std::string address) {
  DnsName name;
  name.ipv4.addresses.push_back(std::move(address));
  return name;
}
DnsName silent() {
  DnsName name;
  name.ipv4.kind = name.ipv6.kind = DnsAnswer::Kind::silence;
  return name;
}

/// The addresses of `host` as words, or how it failed.
std::string resolved(std::string host, ResolveOptions options = {}) {
  const Result<std::vector<Address>> addresses = run_alone(resolve(std::move(host), 80, options));
  if (!addresses) return addresses.error().to_string();
  std::string words;
  for (const Address& address : *addresses) words.append(" ").append(address.to_string());
  return words;
}

TEST(NamesOfTheSystem, hosts_come_first) {
  const std::string reason =
      with_files("nameserver 127.0.0.53\n",
                 "192.0.2.7\tprinter.example printer # comment ghost\n"
                 "# 192.0.2.8 ghost\n"
                 "nonsense ghost\n"
                 "192.0.2.9\n"
                 "2001:db8::7 printer\n"
                 "fe80::7%lo scoped\n"
                 "192.0.2.1 localhost",
                 [] {
                   const DnsServer dns({{"printer", in_ipv4("192.0.2.99")}}, "127.0.0.53:53");
                   EXPECT_EQ(resolved("printer.example"), " 192.0.2.7:80");
                   EXPECT_EQ(resolved("PRINTER", {.family = Family::ipv4}), " 192.0.2.7:80");
                   EXPECT_EQ(resolved("printer", {.family = Family::ipv6}), " [2001:db8::7]:80");
                   const std::string scope = std::to_string(if_nametoindex("lo"));
                   EXPECT_EQ(resolved("scoped"), " [fe80::7%" + scope + "]:80");
                   EXPECT_EQ(resolved("localhost", {.family = Family::ipv4}), " 127.0.0.1:80");
                   EXPECT_EQ(dns.questions(), 0);
                   EXPECT_EQ(resolved("ghost"), "resolve ghost: no such name (NXDOMAIN)");
                 });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, servers_and_search_list_of_resolv_conf) {
  const std::string reason =
      with_files("nameserver 127.0.0.53\nsearch corp.example\noptions ndots:1\n", "", [] {
        const DnsServer dns(
            {{"intra.corp.example", in_ipv4("192.0.2.7")}, {"www.example", in_ipv4("192.0.2.8")}},
            "127.0.0.53:53");
        EXPECT_EQ(resolved("www.example"), " 192.0.2.8:80");
        EXPECT_EQ(resolved("intra"), " 192.0.2.7:80");
        EXPECT_EQ(resolved("intra."), "resolve intra.: no such name (NXDOMAIN)");
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, a_final_dot_tells_where_there_is_a_search_list) {
  const std::string reason =
      with_files("nameserver 127.0.0.53\nsearch corp.example\noptions ndots:2\n", "", [] {
        DnsName searched = in_ipv4("192.0.2.7");
        DnsName absolute = in_ipv4("192.0.2.8");
        searched.ipv4.ttl = absolute.ipv4.ttl = 60;
        const DnsServer dns({{"www.example.corp.example", searched}, {"www.example", absolute}},
                            "127.0.0.53:53");
        EXPECT_EQ(resolved("www.example"), " 192.0.2.7:80");
        EXPECT_EQ(resolved("www.example."), " 192.0.2.8:80");
        const int asked = dns.questions();
        EXPECT_EQ(resolved("WWW.Example"), " 192.0.2.7:80");
        EXPECT_EQ(resolved("WWW.Example."), " 192.0.2.8:80");
        EXPECT_EQ(dns.questions(), asked) << "both are kept";
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, the_next_server_is_asked_when_one_is_silent) {
  const std::string reason = with_files("nameserver 127.0.0.53\nnameserver 127.0.0.54\n", "", [] {
    const DnsServer first({{"www.example", silent()}}, "127.0.0.53:53");
    const DnsServer second({{"www.example", in_ipv4("192.0.2.8")}}, "127.0.0.54:53");
    EXPECT_EQ(resolved("www.example", {.server_timeout = 500ms}), " 192.0.2.8:80");
    EXPECT_GE(first.questions(), 1);
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

// Whose own deadline comes before the server's time is over: it is waited for again and again.
TEST(NamesOfTheSystem, a_silent_server_is_asked_last_also_by_the_impatient) {
  const std::string reason = with_files("nameserver 127.0.0.53\nnameserver 127.0.0.54\n", "", [] {
    const DnsServer first({{"www.example", silent()}}, "127.0.0.53:53");
    const DnsServer second({{"www.example", in_ipv4("192.0.2.8")}}, "127.0.0.54:53");
    const ResolveOptions impatient = {.timeout = 200ms, .server_timeout = 500ms};
    std::string found;
    int lookups = 0;
    while (!found.starts_with(" ") && lookups < 10) {
      found = resolved("www.example", impatient);
      ++lookups;
    }
    EXPECT_EQ(found, " 192.0.2.8:80");
    EXPECT_GE(lookups, 3);  // one that is slow once, or given up on at once, has not failed
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, no_more_servers_than_the_maximum_are_asked) {
  const std::string reason = with_files(
      "nameserver 127.0.0.50\nnameserver 127.0.0.51\nnameserver 127.0.0.52\n"
      "nameserver 127.0.0.53\n",
      "", [] {
        const DnsServer third({{"www.example", silent()}}, "127.0.0.52:53");
        const DnsServer fourth({{"www.example", in_ipv4("192.0.2.8")}}, "127.0.0.53:53");
        const std::string failure = resolved("www.example", {.server_timeout = 200ms, .rounds = 2});
        EXPECT_TRUE(failure.starts_with("resolve www.example: no name server answers")) << failure;
        EXPECT_GE(third.questions(), 1);
        EXPECT_EQ(fourth.questions(), 0);
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, a_server_that_was_silent_is_asked_last) {
  const std::string reason = with_files("nameserver 127.0.0.53\nnameserver 127.0.0.54\n", "", [] {
    const DnsServer first({{"www.example", silent()}, {"more.example", silent()}}, "127.0.0.53:53");
    const DnsServer second(
        {{"www.example", in_ipv4("192.0.2.8")}, {"more.example", in_ipv4("192.0.2.9")}},
        "127.0.0.54:53");
    EXPECT_EQ(resolved("www.example", {.server_timeout = 500ms}), " 192.0.2.8:80");
    const int questions = first.questions();
    EXPECT_EQ(resolved("more.example", {.server_timeout = 10s}), " 192.0.2.9:80");
    EXPECT_EQ(first.questions(), questions);
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, timeout_and_attempts_of_resolv_conf) {
  const std::string reason =
      with_files("options ndots:1 attempts:2 timeout:1\nnameserver 127.0.0.53\n", "", [] {
        const DnsServer dns({{"www.example", silent()}}, "127.0.0.53:53");
        const auto before = std::chrono::steady_clock::now();
        EXPECT_EQ(resolved("www.example"), "resolve www.example: no name server answers");
        const auto took = std::chrono::steady_clock::now() - before;
        EXPECT_GE(took, 3s);   // one second, and then two
        EXPECT_LT(took, 12s);  // by default 14
        EXPECT_EQ(dns.questions(), 4);
        // Those of the call count more.
        EXPECT_EQ(resolved("www.example", {.server_timeout = 500ms, .rounds = 1}),
                  "resolve www.example: no name server answers");
        EXPECT_EQ(dns.questions(), 6);
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, kept_answers_depend_on_resolv_conf) {
  const std::string reason = with_files("nameserver 127.0.0.53\n", "", [] {
    DnsName name = in_ipv4("192.0.2.8");
    name.ipv4.ttl = 60;
    const DnsServer dns({{"www.example", name}}, "127.0.0.53:53");
    DnsName changed = in_ipv4("192.0.2.9");
    const DnsServer other({{"www.example", changed}}, "127.0.0.54:53");
    EXPECT_EQ(resolved("www.example"), " 192.0.2.8:80");
    EXPECT_EQ(resolved("www.example"), " 192.0.2.8:80");
    EXPECT_EQ(dns.questions(), 2);
    std::ofstream("/etc/resolv.conf") << "# another\nnameserver 127.0.0.54\n";
    EXPECT_EQ(resolved("www.example"), " 192.0.2.9:80");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, without_a_server_there) {
  const std::string reason = with_files("nameserver 127.0.0.53\n", "", [] {
    EXPECT_EQ(resolved("www.example", {.server_timeout = 20ms}),
              "resolve www.example: no name server answers: connection refused");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(NamesOfTheSystem, a_change_of_the_files_counts_at_once) {
  const std::string reason = with_files("nameserver 127.0.0.53\n", "192.0.2.7 printer\n", [] {
    EXPECT_EQ(resolved("printer"), " 192.0.2.7:80");
    std::ofstream("/etc/hosts") << "192.0.2.9 printer\n";
    EXPECT_EQ(resolved("printer"), " 192.0.2.9:80");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
