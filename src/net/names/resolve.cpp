// resolve: what is known without asking, then the hosts file, then the name servers.
#include <ieum/resolve.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "net/names/destination_order.hpp"
#include "net/names/hosts_file.hpp"
#include "net/names/look_up.hpp"
#include "net/names/name_cache.hpp"
#include "net/names/shared_lookup.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace detail {

namespace {

std::string in_lower_case(std::string_view host) {
  std::string text(host);
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string without_final_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// One for all spellings of a name (RFC 4343). With a search list the dot at its end tells.
std::string name_to_ask_for(std::string_view host, const ResolveOptions& options) {
  std::string name = in_lower_case(host);
  return options.server.family() == Family::none ? name : without_final_dot(std::move(name));
}

Result<> check(const std::string& host, const ResolveOptions& options) {
  const auto wrong = [&](const char* detail) {
    return fail(Error(std::errc::invalid_argument, "resolve").with_name(host).with_detail(detail));
  };
  const Family family = options.family;
  if (family != Family::none && family != Family::ipv4 && family != Family::ipv6) {
    return wrong("the family is ipv4, ipv6 or none");
  }
  if (options.server.family() != Family::none && !options.server.is_ip()) {
    return wrong("a name server has an IP address");
  }
  if (options.server_timeout && (*options.server_timeout < std::chrono::milliseconds(1) ||
                                 *options.server_timeout > std::chrono::minutes(1))) {
    return wrong("the server's timeout is from 1 ms to 1 minute");
  }
  if (options.rounds && (*options.rounds < 1 || *options.rounds > ResolveOptions::rounds_max)) {
    return wrong("the rounds are from 1 to 10");
  }
  if (options.at_once_max < 1) return wrong("at least one name is looked up at the same time");
  return {};
}

void add(NameAnswers& answers, const std::vector<Address>& addresses, Family family) {
  for (const Address& address : addresses) {
    if (family != Family::none && address.family() != family) continue;
    NameAnswer& answer = address.family() == Family::ipv6 ? answers.ipv6 : answers.ipv4;
    answer.addresses.push_back(address);
  }
}

bool empty(const NameAnswers& answers) {
  return answers.ipv6.addresses.empty() && answers.ipv4.addresses.empty();
}

/// Asks the driver, if it has names of its own; false: the system is to be asked.
bool ask_driver(Driver& driver, const std::string& name, std::uint16_t port,
                const ResolveOptions& options, NameAnswers& answers) {
  std::vector<Address> addresses;
  const int status = driver.find_name(name, addresses);
  if (status == -EAGAIN) return false;
  for (Address& address : addresses) address.set_port(port);
  add(answers, addresses, options.family);
  const Errc failure = status < 0 ? Errc::name_not_found : Errc::name_has_no_address;
  for (NameAnswer* answer : {&answers.ipv6, &answers.ipv4}) {
    if (answer->addresses.empty()) answer->failure = make_error_code(failure);
  }
  return true;
}

/// Fills `answers` with what needs no name server, and tells whether that is all there is. Error:
/// those of `check`.
Result<bool> look_nearby(Driver& driver, const HostPort& to, const ResolveOptions& options,
                         NameAnswers& answers) {
  const Result<> checked = check(to.host(), options);
  if (!checked) return fail(checked.error());
  if (to.address()) {
    add(answers, {*to.address()}, options.family);
    return true;
  }
  const std::string name = without_final_dot(in_lower_case(to.host()));
  const std::uint16_t port = to.port();
  if (name == "localhost" || name.ends_with(".localhost")) {
    add(answers, {Address::ipv6_loopback(port), Address::ipv4_loopback(port)}, options.family);
  } else if (ask_driver(driver, name, port, options, answers)) {
    return true;
  } else {
    add(answers, addresses_in_hosts_file(name, port, ResolveOptions::addresses_max),
        options.family);
  }
  return !empty(answers);
}

/// Why there is no address: that there is no such name outweighs that servers failed, which
/// outweighs that one family has none.
Error no_address(const NameAnswers& answers, const std::string& host, Family family) {
  const auto weight = [](const NameAnswer& answer) {
    if (answer.failure == Errc::name_not_found) return 3;
    if (!answer.failure) return 0;
    return answer.failure == Errc::name_has_no_address ? 1 : 2;
  };
  const bool ipv6 = weight(answers.ipv6) > weight(answers.ipv4);
  const NameAnswer& answer = ipv6 ? answers.ipv6 : answers.ipv4;
  const std::error_code code =
      answer.failure ? answer.failure : make_error_code(Errc::name_has_no_address);
  Error error = Error(code, "resolve").with_name(host).with_detail(answer.detail);
  if (code == Errc::name_has_no_address && family != Family::none) {
    error.set_detail(family == Family::ipv4 ? "of IPv4" : "of IPv6");
  }
  return error;
}

Task<> ask_servers(Loop& loop, HostPort to, ResolveOptions options, NameAnswers& answers) {
  const std::string name = name_to_ask_for(to.host(), options);
  NameCache* const cache = options.cache ? NameCache::of_this_thread() : nullptr;
  if (cache != nullptr) {
    const auto* known = cache->find(cache_key(name, options), loop.driver().now());
    if (known != nullptr) {
      add(answers, *known, Family::none);
      for (NameAnswer* answer : {&answers.ipv6, &answers.ipv4}) {
        for (Address& address : answer->addresses) address.set_port(to.port());
      }
      co_return;
    }
  }
  LookupMember member(loop, name, to.port(), options, answers);
  co_await member.wait();
}

}  // namespace

Task<> look_up(HostPort to, ResolveOptions options, NameAnswers& answers) {
  Loop& loop = *co_await this_loop();
  const bool is_all = co_await look_nearby(loop.driver(), to, options, answers);
  if (!is_all) {
    const Result<> asked = co_await attempt(ask_servers(loop, to, options, answers));
    if (!asked) {
      const Error& why = asked.error();
      co_await fail(Error(why.code(), "resolve").with_name(to.host()).with_detail(why.detail()));
    }
  }
  if (empty(answers)) co_await fail(no_address(answers, to.host(), options.family));
  answers.changed.set();
}

}  // namespace detail

namespace {

Task<std::vector<Address>> resolve_now(std::string host, std::uint16_t port,
                                       ResolveOptions options) {
  const HostPort to = co_await HostPort::make(host, port);
  detail::NameAnswers answers;
  co_await detail::look_up(to, options, answers);
  std::vector<Address> addresses = std::move(answers.ipv6.addresses);
  const std::vector<Address>& ipv4 = answers.ipv4.addresses;
  addresses.insert(addresses.end(), ipv4.begin(), ipv4.end());
  detail::Loop& loop = *co_await detail::this_loop();
  detail::order(addresses, loop.driver());
  co_return addresses;
}

}  // namespace

Task<std::vector<Address>> resolve(std::string host, std::uint16_t port, ResolveOptions options) {
  auto resolving = resolve_now(std::move(host), port, options);
  if (options.timeout == Duration::zero()) {
    std::vector<Address> addresses = co_await std::move(resolving);
    co_return addresses;
  }
  std::vector<Address> addresses = co_await with_timeout(options.timeout, std::move(resolving));
  co_return addresses;
}

}  // namespace ieum
