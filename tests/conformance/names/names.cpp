// Looking up names: what needs no name server, what servers answer and how they fail, deadlines,
// stops, and the bound on lookups at the same time.
#include <fcntl.h>
#include <net/if.h>
#include <sys/resource.h>

#include <algorithm>

#include "conformance/names/dns_server.hpp"

namespace ieum::test {
namespace {

using Kind = DnsAnswer::Kind;
using Addresses = std::vector<Address>;

DnsAnswer answer(std::vector<std::string> addresses, Duration delay = {}) {
  DnsAnswer answer;
  answer.addresses = std::move(addresses);
  answer.delay = delay;
  return answer;
}
DnsAnswer answer(Kind kind) {
  DnsAnswer answer;
  answer.kind = kind;
  return answer;
}
DnsName both(Kind kind) { return {answer(kind), answer(kind)}; }

const DnsName in_ipv4 = {answer({"192.0.2.1"}), answer({})};

/// Asks `server` only, which has a second to answer.
ResolveOptions by(const DnsServer& server) {
  ResolveOptions options;
  options.server = server.address();
  options.server_timeout = 1s;
  return options;
}

Addresses at(const std::vector<std::string>& texts) {
  Addresses addresses;
  for (const std::string& text : texts) addresses.push_back(*Address::parse(text));
  return addresses;
}

/// How resolving fails, as a sentence.
Task<std::string> failure_of(std::string host, ResolveOptions options = {}) {
  Result<Addresses> addresses = co_await attempt(resolve(std::move(host), 80, options));
  if (addresses) co_return std::string("it succeeded");
  co_return addresses.error().to_string();
}

/// `expected` holds the addresses as words.
Task<> expect_addresses(std::string host, std::string expected, ResolveOptions options) {
  const Addresses addresses = co_await resolve(host, 80, options);
  std::string words;
  for (const Address& address : addresses) words.append(" ").append(address.to_string());
  EXPECT_EQ(words, " " + expected) << host;
}

// ---- Without a name server
// ------------------------------------------------------------------------

CO_TEST(Names, literals_need_no_server) {
  const DnsServer server({});
  const ResolveOptions options = by(server);
  co_await expect_addresses("127.0.0.1", "127.0.0.1:80", options);
  co_await expect_addresses("::1", "[::1]:80", options);
  co_await expect_addresses("[2001:db8::1]", "[2001:db8::1]:80", options);
  const std::string scoped = "[fe80::1%" + std::to_string(if_nametoindex("lo")) + "]:80";
  co_await expect_addresses("fe80::1%lo", scoped, options);
  co_await expect_addresses("[fe80::1%lo]", scoped, options);
  EXPECT_EQ(server.questions(), 0);
}

CO_TEST(Names, localhost_is_the_loopback_address) {
  const DnsServer server({{"localhost", in_ipv4}});
  ResolveOptions options = by(server);
  const std::vector<std::string> names = {"localhost", "LocalHost", "localhost.", "a.b.localhost"};
  for (const std::string& name : names) {
    const Addresses addresses = co_await resolve(name, 80, options);
    EXPECT_TRUE(std::ranges::is_permutation(addresses, at({"[::1]:80", "127.0.0.1:80"}))) << name;
  }
  options.family = Family::ipv4;
  co_await expect_addresses("localhost", "127.0.0.1:80", options);
  options.family = Family::ipv6;
  co_await expect_addresses("localhost", "[::1]:80", options);
  EXPECT_EQ(server.questions(), 0);
}

CO_TEST(Names, what_can_be_no_name) {
  const DnsServer server({});
  const std::string long_part(64, 'x');
  std::string long_name;
  while (long_name.size() < 254) long_name += "x.";
  long_name += 'x';
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it is empty"},
      {".", "it is empty"},
      {"a..b", "it has an empty part"},
      {".a", "it has an empty part"},
      {"a b", "it has something else than letters, digits, - and _ in it"},
      {"http//x", "it has something else than letters, digits, - and _ in it"},
      {"*", "it has something else than letters, digits, - and _ in it"},
      {"b\xc3\xbc"
       "cher.example",
       "write it in its ASCII form, as xn--…"},
      {"256.1.1.1", "it ends in a number, and is no IPv4 address"},
      {"1.2.3", "it ends in a number, and is no IPv4 address"},
      {"1::2::3", "it has a colon, and is no IPv6 address"},
      {"[::1", "it has a colon, and is no IPv6 address"},
      {"fe80::1%nosuch0", "it is no IPv6 address with an interface of this machine"},
  };
  for (const auto& [name, why] : cases) {
    const std::string failure = co_await failure_of(name, by(server));
    const std::string named = name.empty() ? "" : " " + name;
    EXPECT_EQ(failure, "resolve" + named + ": this can be no name: " + why);
  }
  const std::string part = co_await failure_of(long_part, by(server));
  EXPECT_EQ(part, "resolve " + long_part.substr(0, 45) +
                      "…: this can be no name: it has a part of more than 63 bytes");
  const std::string name = co_await failure_of(long_name, by(server));
  EXPECT_EQ(name, "resolve " + long_name.substr(0, 45) +
                      "…: this can be no name: it has more than 253 bytes");
  const std::string control = co_await failure_of("a\nb\x1b[31m", by(server));
  EXPECT_EQ(control,
            "resolve a?b?[31m: this can be no name: it has something else than letters, "
            "digits, - and _ in it");
  const std::string zero = co_await failure_of(std::string("a\0b", 3), by(server));
  EXPECT_EQ(zero,
            "resolve a?b: this can be no name: it has something else than letters, digits, - "
            "and _ in it");
  EXPECT_EQ(server.questions(), 0);
}

CO_TEST(Names, options_that_cannot_be_honoured) {
  const auto failure_with = [](auto change) {
    ResolveOptions options;
    change(options);
    return failure_of("localhost", options);
  };
  const std::string start = "resolve localhost: invalid argument: ";
  const std::string family = co_await failure_with([](auto& o) { o.family = Family::unix_path; });
  EXPECT_EQ(family, start + "the family is ipv4, ipv6 or none");
  const std::string rounds = co_await failure_with([](auto& o) { o.rounds = 0; });
  EXPECT_EQ(rounds, start + "the rounds are from 1 to 10");
  const std::string timeout = co_await failure_with([](auto& o) { o.server_timeout = 0s; });
  EXPECT_EQ(timeout, start + "the server's timeout is from 1 ms to 1 minute");
  const std::string server =
      co_await failure_with([](auto& o) { o.server = *Address::parse("unix:/x"); });
  EXPECT_EQ(server, start + "a name server has an IP address");
}

// ---- What servers answer
// --------------------------------------------------------------------------

CO_TEST(Names, addresses_come_with_the_port) {
  const DnsServer server({{"two.example", {answer({"127.0.0.2", "127.0.0.3"}), answer({})}}});
  co_await expect_addresses("two.example", "127.0.0.2:80 127.0.0.3:80", by(server));
  co_await expect_addresses("TWO.example.", "127.0.0.2:80 127.0.0.3:80", by(server));
}

CO_TEST(Names, both_families_are_asked_for_and_ordered) {
  const DnsServer server({{"both.example", {answer({"127.0.0.2"}), answer({"::1"})}}});
  const Addresses addresses = co_await resolve("both.example", 80, by(server));
  EXPECT_TRUE(std::ranges::is_permutation(addresses, at({"[::1]:80", "127.0.0.2:80"})));
  if (has(Transport::ipv6)) {
    EXPECT_EQ(addresses.front(), Address::ipv6_loopback(80));
  }
  EXPECT_EQ(server.questions(), 2);
}

CO_TEST(Names, one_family_alone_if_asked_for) {
  const DnsServer server({{"both.example", {answer({"192.0.2.1"}), answer({"2001:db8::1"})}}});
  ResolveOptions options = by(server);
  options.family = Family::ipv4;
  co_await expect_addresses("both.example", "192.0.2.1:80", options);
  options.family = Family::ipv6;
  co_await expect_addresses("both.example", "[2001:db8::1]:80", options);
  EXPECT_EQ(server.questions(), 2);
}

CO_TEST(Names, no_more_addresses_than_the_maximum) {
  std::vector<std::string> many;
  for (int i = 1; i <= 80; ++i) many.push_back("192.0.2." + std::to_string(i));
  DnsName name = {answer(many), answer({})};
  name.ipv4.kind = Kind::truncated;  // so many take TCP
  const DnsServer server({{"many.example", name}});
  const Addresses addresses = co_await resolve("many.example", 80, by(server));
  EXPECT_EQ(addresses.size(), ResolveOptions::addresses_max);
}

CO_TEST(Names, a_truncated_answer_is_asked_for_by_tcp) {
  DnsName name = in_ipv4;
  name.ipv4.kind = Kind::truncated;
  const DnsServer server({{"long.example", name}});
  co_await expect_addresses("long.example", "192.0.2.1:80", by(server));
  EXPECT_EQ(server.questions_by_tcp(), 1);
}

CO_TEST(Names, a_question_that_was_lost_is_asked_again) {
  DnsName name = in_ipv4;
  name.ipv4.ignored = name.ipv6.ignored = 2;
  const DnsServer server({{"lost.example", name}});
  ResolveOptions options = by(server);
  options.server_timeout = 20ms;
  options.rounds = 10;
  co_await expect_addresses("lost.example", "192.0.2.1:80", options);
}

CO_TEST(Names, failures_tell_what_is_wrong) {
  const DnsServer server(
      {{"empty.example", {answer({}), answer({})}},
       {"ipv4.example", in_ipv4},
       {"failing.example", both(Kind::failure)},
       {"refused.example", both(Kind::refusal)},
       {"silent.example", both(Kind::silence)},
       {"half.example", {answer(Kind::silence), answer({})}},
       {"nonsense.example",
        {{.kind = Kind::nonsense, .addresses = {"192.0.2.1"}}, answer(Kind::no_name)}}});
  ResolveOptions options = by(server);
  const std::string nosuch = co_await failure_of("nosuch.example", options);
  EXPECT_EQ(nosuch, "resolve nosuch.example: no such name (NXDOMAIN)");
  const std::string empty = co_await failure_of("empty.example", options);
  EXPECT_EQ(empty, "resolve empty.example: the name has no address");
  const std::string failing = co_await failure_of("failing.example", options);
  EXPECT_EQ(failing,
            "resolve failing.example: the name servers failed: they could not tell (SERVFAIL)");
  const std::string refused = co_await failure_of("refused.example", options);
  EXPECT_EQ(refused, "resolve refused.example: the name servers refuse to answer (REFUSED)");
  options.server_timeout = 10ms;
  options.rounds = 2;
  const std::string silent = co_await failure_of("silent.example", options);
  EXPECT_EQ(silent, "resolve silent.example: no name server answers");
  const std::string half = co_await failure_of("half.example", options);
  EXPECT_EQ(half, "resolve half.example: no name server answers");
  options = by(server);
  options.family = Family::ipv6;
  const std::string ipv6 = co_await failure_of("ipv4.example", options);
  EXPECT_EQ(ipv6, "resolve ipv4.example: the name has no address: of IPv6");
  options.family = Family::ipv4;
  const std::string nonsense = co_await failure_of("nonsense.example", options);
  EXPECT_TRUE(nonsense.starts_with("resolve nonsense.example: the name servers failed: "))
      << nonsense;
}

CO_TEST(Names, failures_have_codes) {
  const DnsServer server({{"empty.example", {answer({}), answer({})}},
                          {"failing.example", both(Kind::failure)},
                          {"refused.example", both(Kind::refusal)},
                          {"silent.example", both(Kind::silence)}});
  ResolveOptions options = by(server);
  options.rounds = 1;
  const std::vector<std::pair<std::string, Errc>> cases = {
      {"a b", Errc::name_invalid},
      {"nosuch.example", Errc::name_not_found},
      {"empty.example", Errc::name_has_no_address},
      {"silent.example", Errc::name_servers_silent},
      {"refused.example", Errc::name_servers_refused},
      {"failing.example", Errc::name_servers_failed},
  };
  for (const auto& [name, code] : cases) {
    // The others' answers may take their time.
    options.server_timeout = code == Errc::name_servers_silent ? 50ms : 10'000ms;
    const Result<Addresses> addresses = co_await attempt(resolve(name, 80, options));
    CO_ASSERT(!addresses);
    EXPECT_EQ(addresses.error(), code) << addresses.error().to_string();
  }
}

CO_TEST(Names, nobody_listens_where_the_server_should_be) {
  // One with a peer takes nothing from others, and keeps others from its port.
  DatagramSocket elsewhere = co_await DatagramSocket::bind("127.0.0.1:0");
  co_await elsewhere.set_peer(co_await Address::parse("127.0.0.1:9"));
  ResolveOptions options;
  options.server = elsewhere.address();
  options.server_timeout = 20ms;
  const std::string failure = co_await failure_of("some.example", options);
  EXPECT_EQ(failure, "resolve some.example: no name server answers: connection refused");
}

// ---- Deadlines and stops
// --------------------------------------------------------------------------

CO_TEST(Names, a_server_that_never_answers_is_waited_for_until_the_deadline) {
  const DnsServer server({{"silent.example", both(Kind::silence)}});
  ResolveOptions options = by(server);
  options.timeout = 50ms;
  const std::string own = co_await failure_of("silent.example", options);
  EXPECT_EQ(own, "resolve silent.example: timed out after 50 ms");
  options.timeout = {};
  auto resolving = resolve("silent.example", 80, options);
  const Result<Addresses> outer = co_await attempt(with_timeout(40ms, std::move(resolving)));
  CO_ASSERT(!outer);
  EXPECT_EQ(outer.error().to_string(), "resolve silent.example: timed out after 40 ms");
}

TEST(Names, a_stop_ends_a_resolution_at_once) {
  const DnsServer server({{"silent.example", both(Kind::silence)}});
  const std::unique_ptr<Runtime> runtime = make_runtime();
  const int before = open_descriptors();
  auto running = runtime->start(resolve("silent.example", 80, by(server)));
  while (server.questions() < 2) runtime->turn(5ms);
  running.stop();
  int turns = 0;
  for (; !running.done(); ++turns) runtime->turn(0s);
  EXPECT_LE(turns, 20);  // of a loop that waits for nothing
  EXPECT_EQ(running.take().error().to_string(), "resolve silent.example: canceled");
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Names, a_runtime_ends_in_the_middle_of_a_resolution) {
  for (const bool told_to_stop : {true, false}) {
    const DnsServer server({{"silent.example", both(Kind::silence)}});
    const int without_runtime = open_descriptors();
    std::unique_ptr<Runtime> runtime = make_runtime();
    {
      const int before = open_descriptors();
      auto running = runtime->start(resolve("silent.example", 80, by(server)));
      while (server.questions() < 2) runtime->turn(5ms);
      EXPECT_FALSE(running.done());
      EXPECT_GT(open_descriptors(), before);
      if (told_to_stop) {
        runtime->stop();
        while (!running.done()) runtime->turn(0s);
        EXPECT_EQ(running.take().error().to_string(), "resolve silent.example: canceled");
        EXPECT_EQ(open_descriptors(), before);
      }
    }
    runtime.reset();
    EXPECT_EQ(open_descriptors(), without_runtime);
  }
}

CO_TEST(Names, the_loop_goes_on_meanwhile) {
  const DnsServer server({{"slow.example", {answer({"192.0.2.1"}, 500ms), answer({})}}});
  int ticks = 0;
  auto ticking = [&ticks]() -> Task<> {
    for (;; ++ticks) co_await sleep(1ms);
  };
  const ResolveOptions options = by(server);
  auto body = [&ticking, &options](Group& group) -> Task<> {
    group.start(ticking());
    co_await expect_addresses("slow.example", "192.0.2.1:80", options);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_GT(ticks, 5);
}

// ---- Many at once
// ---------------------------------------------------------------------------------

struct Crowd {
  ResolveOptions options;
  int before = 0;
  int most = 0;  // descriptors open at the same time, beyond those before
  int found = 0;
  int canceled = 0;
};

/// Names that are all different.
std::map<std::string, DnsName> crowd_of(int count, const DnsName& name) {
  std::map<std::string, DnsName> names;
  for (int i = 0; i < count; ++i) names["crowd" + std::to_string(i) + ".example"] = name;
  return names;
}

Task<> resolve_one(Crowd& crowd, int number) {
  const std::string name = "crowd" + std::to_string(number) + ".example";
  const Result<Addresses> addresses = co_await attempt(resolve(name, 80, crowd.options));
  crowd.most = std::max(crowd.most, open_descriptors() - crowd.before);
  if (addresses) ++crowd.found;
  if (!addresses && addresses.error() == std::errc::operation_canceled) ++crowd.canceled;
}

CO_TEST(Names, a_thousand_at_once_stay_within_the_bound) {
  const DnsServer server(crowd_of(1000, {answer({"192.0.2.1"}, 5ms), answer({}, 5ms)}));
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.server_timeout = 1min;  // no answer is late
  crowd.before = open_descriptors();
  auto body = [&crowd](Group& group) -> Task<> {
    for (int i = 0; i < 1000; ++i) group.start(resolve_one(crowd, i));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.found, 1000);
  EXPECT_LE(crowd.most, static_cast<int>(ResolveOptions{}.at_once_max));
  EXPECT_GT(crowd.most, 1);
}

CO_TEST(Names, a_stop_reaches_those_that_wait_for_their_turn) {
  const DnsServer server(crowd_of(200, both(Kind::silence)));
  Crowd crowd;
  crowd.options = by(server);
  auto body = [&crowd, &server](Group& group) -> Task<> {
    for (int i = 0; i < 200; ++i) group.start(resolve_one(crowd, i));
    while (server.questions() == 0) co_await sleep(1ms);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.canceled, 200);
  co_await expect_addresses("localhost", "127.0.0.1:80", {.family = Family::ipv4});
  const std::string after = co_await failure_of("nosuch.example", by(server));
  EXPECT_EQ(after, "resolve nosuch.example: no such name (NXDOMAIN)");
}

CO_TEST(Names, the_limit_is_an_option) {
  const DnsServer server(crowd_of(100, {answer({"192.0.2.1"}, 5ms), answer({}, 5ms)}));
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.server_timeout = 1min;
  crowd.options.at_once_max = 3;
  crowd.before = open_descriptors();
  auto body = [&crowd](Group& group) -> Task<> {
    for (int i = 0; i < 100; ++i) group.start(resolve_one(crowd, i));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.found, 100);
  EXPECT_LE(crowd.most, 3);
  crowd.options.at_once_max = 0;
  const std::string none = co_await failure_of("some.example", crowd.options);
  EXPECT_EQ(none,
            "resolve some.example: invalid argument: at least one name is looked up at the same "
            "time");
}

/// Of one name after another, which are found in the order in which they were asked for.
struct InOrder {
  ResolveOptions options;
  std::vector<std::string> found;
};

Task<> resolve_in_order(InOrder& order, std::string name, std::size_t at_once_max) {
  ResolveOptions options = order.options;
  options.at_once_max = at_once_max;
  co_await resolve(name, 80, options);
  order.found.push_back(name);
}

CO_TEST(Names, nobody_overtakes_those_who_wait_with_a_smaller_limit) {
  const DnsName slow = {answer({"192.0.2.1"}, 100ms), answer({}, 100ms)};
  const DnsServer server({{"a.example", slow}, {"b.example", in_ipv4}, {"c.example", in_ipv4}});
  InOrder order;
  order.options = by(server);
  order.options.server_timeout = 10s;
  auto body = [&order](Group& group) -> Task<> {
    group.start(resolve_in_order(order, "a.example", 1));
    group.start(resolve_in_order(order, "b.example", 1));
    group.start(resolve_in_order(order, "c.example", 64));
    co_return;
  };
  co_await with_group(body);
  const std::vector<std::string> expected = {"a.example", "b.example", "c.example"};
  EXPECT_EQ(order.found, expected);
}

CO_TEST(Names, who_waits_first_and_gives_up_lets_the_next_in) {
  const DnsName slow = {answer({"192.0.2.1"}, 300ms), answer({}, 300ms)};
  const DnsServer server({{"a.example", slow}, {"b.example", in_ipv4}, {"c.example", in_ipv4}});
  InOrder order;
  order.options = by(server);
  order.options.server_timeout = 10s;
  auto giving_up = [&order]() -> Task<> {
    auto second = resolve_in_order(order, "b.example", 1);
    const Result<> waited = co_await attempt(with_timeout(20ms, std::move(second)));
    EXPECT_FALSE(waited);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(resolve_in_order(order, "a.example", 1));
    group.start(giving_up());
    group.start(resolve_in_order(order, "c.example", 64));
    co_return;
  };
  co_await with_group(body);
  const std::vector<std::string> expected = {"c.example", "a.example"};
  EXPECT_EQ(order.found, expected);
}

CO_TEST(Names, of_many_who_ask_the_same_each_may_give_up) {
  const DnsServer server({{"slow.example", {answer({"192.0.2.1"}, 300ms), answer({}, 300ms)}}});
  int found = 0;
  int given_up = 0;
  auto asking = [&](Duration limit) -> Task<> {
    auto resolving = resolve("slow.example", 80, by(server));
    const auto addresses = co_await attempt(with_timeout(limit, std::move(resolving)));
    ++(addresses ? found : given_up);
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 50; ++i) {
      group.start(asking(patience));
      group.start(asking(10ms));            // all at once
      group.start(asking(20ms + 1ms * i));  // one after another
    }
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(found, 50);
  EXPECT_EQ(given_up, 100);
  EXPECT_EQ(server.questions(), 2);
}

/// Looks up `count` names that nobody answers, and then one of `server`'s.
Task<> resolve_beside_silent_ones(const DnsServer& server, ResolveOptions silent, int count,
                                  Duration limit) {
  Crowd crowd;
  crowd.options = silent;
  crowd.before = open_descriptors();
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < count; ++i) group.start(resolve_one(crowd, i));
    co_await sleep(10ms);
    auto one = expect_addresses("ipv4.example", "192.0.2.1:80", by(server));
    co_await with_timeout(limit, std::move(one));  // the others take 1023 seconds and more
    EXPECT_LE(open_descriptors() - crowd.before, 3 * 64);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.canceled, count);
}

CO_TEST(Names, those_that_nobody_answers_do_not_hold_up_others) {
  auto names = crowd_of(64, both(Kind::silence));
  names["ipv4.example"] = in_ipv4;
  const DnsServer server(names);
  ResolveOptions silent = by(server);
  silent.rounds = 10;  // 1023 seconds
  co_await resolve_beside_silent_ones(server, silent, 64, 30s);
}

CO_TEST(Names, a_server_that_is_silent_does_not_hold_up_those_of_others) {
  const DnsServer mute(crowd_of(64, both(Kind::silence)));
  const DnsServer server({{"ipv4.example", in_ipv4}});
  ResolveOptions silent = by(mute);
  silent.rounds = 10;
  co_await resolve_beside_silent_ones(server, silent, 64, 30s);
}

CO_TEST(Names, a_thousand_that_nobody_answers_do_not_hold_up_others) {
  auto names = crowd_of(1000, both(Kind::silence));
  names["ipv4.example"] = in_ipv4;
  const DnsServer server(names);
  ResolveOptions silent = by(server);
  silent.server_timeout = 4s;  // a second for each would be 16
  silent.rounds = 10;
  co_await resolve_beside_silent_ones(server, silent, 1000, 10s);
}

/// Whether it is found soon, its answer taking a while.
Task<bool> finds_one_amid_silent_ones(const DnsServer& server) {
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.server_timeout = 1s;
  crowd.options.rounds = 10;
  auto until_found = [&crowd]() -> Task<> {
    while (crowd.found == 0) co_await sleep(1ms);
  };
  Result<> found;
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 1000; ++i) group.start(resolve_one(crowd, i));
    found = co_await attempt(with_timeout(5s, until_found()));
    group.stop();
  };
  co_await with_group(body);
  co_return found.has_value();
}

CO_TEST(Names, one_amid_a_thousand_silent_ones_has_time_for_its_answer) {
  auto names = crowd_of(1000, both(Kind::silence));
  names["crowd500.example"] = {answer({"192.0.2.1"}, 30ms), answer({}, 30ms)};
  const DnsServer server(names);
  bool found = false;  // a machine that pauses for 70 ms is to blame once, not three times
  for (int i = 0; i < 3 && !found; ++i) found = co_await finds_one_amid_silent_ones(server);
  EXPECT_TRUE(found);
}

CO_TEST(Names, a_server_silent_to_a_thousand_does_not_hold_up_those_of_others) {
  const DnsServer mute(crowd_of(1000, both(Kind::silence)));
  const DnsServer server({{"ipv4.example", in_ipv4}});
  ResolveOptions silent = by(mute);
  silent.server_timeout = 4s;
  silent.rounds = 10;
  co_await resolve_beside_silent_ones(server, silent, 1000, 10s);
}

CO_TEST(Names, who_has_given_way_is_asked_for_again) {
  const DnsServer server(crowd_of(10, {answer({"192.0.2.1"}, 600ms), answer({}, 600ms)}));
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.at_once_max = 1;
  crowd.before = open_descriptors();
  auto body = [&crowd](Group& group) -> Task<> {
    for (int i = 0; i < 10; ++i) group.start(resolve_one(crowd, i));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.found, 10);
  EXPECT_GT(server.questions(), 20);
  EXPECT_LE(crowd.most, 3);
}

CO_TEST(Names, a_stop_reaches_those_that_have_given_way) {
  auto names = crowd_of(20, both(Kind::silence));
  names["slow.example"] = {answer({"192.0.2.1"}, 500ms), answer({}, 500ms)};
  const DnsServer server(names);
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.at_once_max = 1;
  auto body = [&crowd, &server](Group& group) -> Task<> {
    for (int i = 0; i < 20; ++i) group.start(resolve_one(crowd, i));
    while (server.questions() < 40) co_await sleep(1ms);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.canceled, 20);
  auto slow = expect_addresses("slow.example", "192.0.2.1:80", crowd.options);
  co_await with_timeout(10s, std::move(slow));  // it gives way as well
}

// ---- Asked once
// -----------------------------------------------------------------------------------

CO_TEST(Names, what_several_ask_for_is_asked_once) {
  const DnsServer server({{"crowd0.example", {answer({"192.0.2.1"}, 20ms), answer({}, 20ms)}}});
  Crowd crowd;
  crowd.options = by(server);
  crowd.options.server_timeout = 10s;
  crowd.before = open_descriptors();
  auto body = [&crowd](Group& group) -> Task<> {
    for (int i = 0; i < 1000; ++i) group.start(resolve_one(crowd, 0));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(crowd.found, 1000);
  EXPECT_EQ(server.questions(), 2);
  EXPECT_LE(crowd.most, 1);
}

CO_TEST(Names, each_gets_its_own_port) {
  const DnsServer server({{"ipv4.example", {answer({"192.0.2.1"}, 20ms), answer({}, 20ms)}}});
  auto with_port = [&server](std::uint16_t port) -> Task<> {
    const Addresses addresses = co_await resolve("ipv4.example", port, by(server));
    EXPECT_EQ(addresses, at({"192.0.2.1:" + std::to_string(port)}));
  };
  auto body = [&](Group& group) -> Task<> {
    for (std::uint16_t port = 1; port < 10; ++port) group.start(with_port(port));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(server.questions(), 2);
}

CO_TEST(Names, a_stop_of_the_first_who_asked_does_not_stop_the_others) {
  const DnsServer server({{"slow.example", {answer({"192.0.2.1"}, 500ms), answer({}, 500ms)}}});
  int found = 0;
  auto asking = [&]() -> Task<> {
    const Addresses addresses = co_await resolve("slow.example", 80, by(server));
    found += addresses == at({"192.0.2.1:80"}) ? 1 : 0;
  };
  auto giving_up = [&]() -> Task<> {
    auto first = resolve("slow.example", 80, by(server));
    const Result<Addresses> given_up = co_await attempt(with_timeout(10ms, std::move(first)));
    EXPECT_FALSE(given_up);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(giving_up());
    for (int i = 0; i < 5; ++i) group.start(asking());
    group.start(giving_up());
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(found, 5);
  EXPECT_EQ(server.questions(), 2);
}

CO_TEST(Names, a_failure_is_told_to_all_who_asked) {
  const DnsServer server({{"failing.example", both(Kind::failure)}});
  int failed = 0;
  auto asking = [&]() -> Task<> {
    const std::string failure = co_await failure_of("failing.example", by(server));
    failed += failure.contains("SERVFAIL") ? 1 : 0;
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 5; ++i) group.start(asking());
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(failed, 5);
}

/// An answer that may be kept for `ttl` seconds.
DnsName kept(unsigned ttl) {
  DnsName name = in_ipv4;
  name.ipv4.ttl = ttl;
  return name;
}

CO_TEST(Names, answers_are_kept_as_long_as_they_say) {
  const DnsServer server({{"kept.example", kept(60)}, {"short.example", kept(1)}});
  for (int i = 0; i < 3; ++i) {
    co_await expect_addresses("kept.example", "192.0.2.1:80", by(server));
    co_await expect_addresses("Kept.Example", "192.0.2.1:80", by(server));
  }
  const Addresses other_port = co_await resolve("kept.example", 443, by(server));
  EXPECT_EQ(other_port, at({"192.0.2.1:443"}));
  EXPECT_EQ(server.questions(), 2);
  ResolveOptions uncached = by(server);
  uncached.cache = false;
  co_await expect_addresses("kept.example", "192.0.2.1:80", uncached);
  EXPECT_EQ(server.questions(), 4);
  co_await expect_addresses("short.example", "192.0.2.1:80", by(server));
  co_await sleep(1010ms);
  co_await expect_addresses("short.example", "192.0.2.1:80", by(server));
  EXPECT_EQ(server.questions(), 8);
}

CO_TEST(Names, capital_letters_and_a_final_dot_make_no_other_name) {
  DnsName slow = kept(60);
  slow.ipv4.delay = slow.ipv6.delay = 20ms;
  const DnsServer server({{"same.example", slow}});
  ResolveOptions options = by(server);
  options.server_timeout = 10s;
  auto body = [&options](Group& group) -> Task<> {
    group.start(expect_addresses("same.example", "192.0.2.1:80", options));
    group.start(expect_addresses("SAME.example", "192.0.2.1:80", options));
    group.start(expect_addresses("same.example.", "192.0.2.1:80", options));
    co_return;
  };
  for (int i = 0; i < 2; ++i) {  // all at the same time, then from the cache
    co_await with_group(body);
    EXPECT_EQ(server.questions(), 2);
  }
}

CO_TEST(Names, what_may_not_be_kept_is_asked_for_again) {
  const DnsServer server({{"ipv4.example", in_ipv4},
                          {"empty.example", {answer({}), answer({})}},
                          {"half.example", {kept(60).ipv4, answer(Kind::failure)}}});
  for (int i = 0; i < 2; ++i) {
    co_await expect_addresses("ipv4.example", "192.0.2.1:80", by(server));
    const std::string empty = co_await failure_of("empty.example", by(server));
    EXPECT_EQ(empty, "resolve empty.example: the name has no address");
    const std::string nosuch = co_await failure_of("nosuch.example", by(server));
    EXPECT_EQ(nosuch, "resolve nosuch.example: no such name (NXDOMAIN)");
  }
  EXPECT_EQ(server.questions(), 12);
  const int before = server.questions();
  co_await expect_addresses("half.example", "192.0.2.1:80", by(server));
  const int once = server.questions();
  co_await expect_addresses("half.example", "192.0.2.1:80", by(server));
  EXPECT_EQ(server.questions() - once, once - before);
}

CO_TEST(Names, no_more_are_kept_than_the_maximum) {
  std::map<std::string, DnsName> names = crowd_of(300, kept(60));
  const DnsServer server(names);
  for (int i = 0; i < 300; ++i) {
    co_await expect_addresses("crowd" + std::to_string(i) + ".example", "192.0.2.1:80", by(server));
  }
  EXPECT_EQ(server.questions(), 600);
  co_await expect_addresses("crowd299.example", "192.0.2.1:80", by(server));
  EXPECT_EQ(server.questions(), 600);
  co_await expect_addresses("crowd0.example", "192.0.2.1:80", by(server));
  EXPECT_EQ(server.questions(), 602);
}

CO_TEST(Names, without_a_descriptor_to_spare) {
  const DnsServer server({{"ipv4.example", in_ipv4}});
  co_await expect_addresses("ipv4.example", "192.0.2.1:80", by(server));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));  // the lowest free number
  rlimit now = before;
  now.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  setrlimit(RLIMIT_NOFILE, &now);
  const std::string failure = co_await failure_of("ipv4.example", by(server));
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(failure, "resolve ipv4.example: too many open files");
}

CO_TEST(Names, garbage_is_survived) {
  DnsName name = {answer({"192.0.2.1", "192.0.2.2"}), answer({"2001:db8::1"})};
  name.ipv4.kind = name.ipv6.kind = Kind::garbage;
  const DnsServer server({{"garbage.example", name}});
  ResolveOptions options = by(server);
  options.server_timeout = 5ms;
  options.rounds = 2;
  options.cache = false;  // an answer whose changed bytes are its TTL would answer all that follow
  int found = 0;
  int failed = 0;
  const int count = long_form() ? 5000 : 100;
  for (int i = 0; i < count; ++i) {
    const Result<Addresses> addresses = co_await attempt(resolve("garbage.example", 80, options));
    ++(addresses ? found : failed);
    if (addresses) {
      EXPECT_LE(addresses->size(), 2 * ResolveOptions::addresses_max);
    }
  }
  EXPECT_GT(found, 0);
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace ieum::test
