// Connecting by name: Happy Eyeballs (RFC 8305). One task looks the name up, one starts attempts
// and waits for what comes of them, and each attempt is a task; all in one group, so that whoever
// wins, fails or is stopped, nothing is left behind.
#include "net/names/happy_eyeballs.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "net/names/destination_order.hpp"
#include "net/names/look_up.hpp"
#include "runtime/this_loop.hpp"

namespace ieum::detail {

namespace {

/// How much a failed attempt tells: most, what is wrong with this machine; then what the other side
/// said; least, that there is no way to an address at all.
int weight(const Error& error) {
  const auto is = [&](auto... codes) { return ((error == codes) || ...); };
  if (is(std::errc::network_unreachable, std::errc::address_not_available,
         std::errc::address_family_not_supported)) {
    return 0;
  }
  if (is(std::errc::host_unreachable)) return 1;
  if (is(std::errc::timed_out)) return 2;
  if (is(std::errc::connection_refused, std::errc::connection_reset)) return 3;
  return 4;
}

/// What the tasks of one connecting share.
struct Connecting {
  HostPort to;  // empty: the addresses are given
  ConnectOptions options;
  Loop* loop = nullptr;
  NameAnswers answers;  // its event is also set when an attempt has ended
  bool looked_up = false;
  std::optional<Error> no_answer;
  std::vector<Address> untried;  // best first
  Family last_tried = Family::none;
  std::size_t tried = 0;
  std::size_t running = 0;
  TimePoint next_attempt = TimePoint::min();
  std::optional<TimePoint> ipv4_since;
  StreamSocket winner;
  std::optional<Error> failure;
};

Task<> look_up_name(Connecting& c) {
  const ResolveOptions options{.family = c.options.family,
                               .server = c.options.name_server,
                               .at_once_max = c.options.lookups_at_once_max};
  const Result<> found = co_await attempt(look_up(c.to, options, c.answers));
  if (!found) c.no_answer = found.error();
  c.looked_up = true;
  c.answers.changed.set();
}

void note_failure(Connecting& c, const Error& error) {
  if (!c.failure || weight(error) > weight(*c.failure)) c.failure = error;
}

Task<> try_address(Connecting& c, Address to) {
  ConnectOptions options = c.options;
  options.timeout = Duration::zero();  // the one that counts is that of all
  Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to, options));
  --c.running;
  if (socket && !c.winner.is_open()) {
    c.winner = *std::move(socket);
  } else if (!socket && socket.error() != std::errc::operation_canceled) {
    note_failure(c, socket.error());
    c.next_attempt = TimePoint::min();
  }
  c.answers.changed.set();
}

/// Moves the addresses that have come to those that are to be tried.
void take_addresses(Connecting& c) {
  std::size_t taken = 0;
  for (NameAnswer* answer : {&c.answers.ipv6, &c.answers.ipv4}) {
    taken += answer->addresses.size();
    c.untried.insert(c.untried.end(), answer->addresses.begin(), answer->addresses.end());
    answer->addresses.clear();
  }
  if (taken == 0) return;
  order(c.untried, c.loop->driver());
  if (c.options.observer != nullptr) c.options.observer->resolved(c.untried);
}

/// The best untried address, of another family than the last one if there is one.
Address next_address(Connecting& c) {
  const auto other = std::ranges::find_if(
      c.untried, [&](const Address& address) { return address.family() != c.last_tried; });
  const auto chosen = c.tried == 0 || other == c.untried.end() ? c.untried.begin() : other;
  const Address address = *chosen;
  c.untried.erase(chosen);
  return address;
}

/// When the next attempt may start: not before a late IPv6 address has had its chance.
TimePoint start_time(Connecting& c) {
  const bool only_ipv4 = c.tried == 0 && !c.looked_up && !c.answers.ipv6.settled;
  if (!only_ipv4) return c.next_attempt;
  if (!c.ipv4_since) c.ipv4_since = now();
  return std::max(c.next_attempt, *c.ipv4_since + ConnectOptions::resolution_delay);
}

/// An attempt that may be given up.
struct Trying {
  Address to;
  ChildTask<> task;
};

/// Makes room for another attempt.
void give_up_first(Connecting& c, std::deque<Trying>& trying) {
  while (trying.size() >= ConnectOptions::attempts_at_once_max) {
    Trying& first = trying.front();
    if (!first.task.has_ended()) {
      note_failure(c, Error(std::errc::timed_out, "connect", first.to));
      first.task.stop();
    }
    trying.pop_front();
  }
}

/// Starts attempts until one has won, or none is left.
Task<> start_attempts(Connecting& c, Group& group) {
  if (!c.looked_up) group.start(look_up_name(c));
  std::deque<Trying> trying;
  while (!c.winner.is_open()) {
    c.answers.changed.reset();
    take_addresses(c);
    if (c.untried.empty()) {
      if (c.looked_up && c.running == 0) break;
      co_await c.answers.changed.wait();
      continue;
    }
    const TimePoint start = start_time(c);
    if (start > now()) {
      const Duration pause = start - now();
      const Result<> changed = co_await attempt(with_timeout(pause, c.answers.changed.wait()));
      if (!changed && changed.error() != std::errc::timed_out) co_await fail(changed.error());
      continue;
    }
    const Address address = next_address(c);
    c.last_tried = address.family();
    c.next_attempt = now() + c.options.attempt_delay;
    ++c.tried;
    ++c.running;
    std::erase_if(trying, [](const Trying& one) { return one.task.has_ended(); });
    give_up_first(c, trying);
    trying.push_back({address, group.spawn(try_address(c, address))});
  }
  group.stop();
}

/// Why it did not come to a connection, and how far it had come.
Error why(const Connecting& c, const Result<>& ended) {
  const bool named = !c.to.host().empty();
  if (c.tried == 0 && named) {
    if (ended) return *c.no_answer;
    return Error(ended.error().code(), "resolve").with_name(c.to.host());
  }
  const Error stopped = Error(std::errc::operation_canceled, "connect")
                            .with_name(named ? c.to.to_string() : "to one of several addresses");
  if (!ended) {
    Error error = stopped;
    error.set_code(ended.error().code());
    return error;
  }
  // A stop may end the last attempt in the turn in which nothing was left to wait for.
  if (!c.failure) return stopped;
  const std::string of = named ? " of " + c.to.host() : "";
  if (c.tried > 1) {
    return c.failure->with_detail("tried " + std::to_string(c.tried) + " addresses" + of);
  }
  return named ? c.failure->with_detail("the only address" + of) : *c.failure;
}

Error refusal(const Connecting& c, std::errc code, const char* detail) {
  return Error(code, "connect")
      .with_name(c.to.host().empty() ? "" : c.to.to_string())
      .with_detail(detail);
}

/// Prepares for attempts; a source leaves only addresses of its family.
Result<> prepare(Connecting& c) {
  ConnectOptions& options = c.options;
  if (options.attempt_delay < ConnectOptions::attempt_delay_min ||
      options.attempt_delay > ConnectOptions::attempt_delay_max) {
    return fail(
        refusal(c, std::errc::invalid_argument, "the delay between attempts is from 10 ms to 2 s"));
  }
  if (options.source.is_ip() && !options.source.is_any_family()) {
    if (options.family == Family::none) options.family = options.source.family();
    if (options.family != options.source.family()) {
      return fail(refusal(c, std::errc::address_family_not_supported,
                          "the source is of another family than the options ask for"));
    }
  }
  if (!c.looked_up) return {};
  if (c.untried.empty()) {
    return fail(refusal(c, std::errc::invalid_argument, "there is no address to connect to"));
  }
  if (options.family == Family::none) return {};
  std::erase_if(c.untried, [&](const Address& to) { return to.family() != options.family; });
  if (!c.untried.empty()) return {};
  return fail(refusal(c, std::errc::address_family_not_supported,
                      "none of the addresses is of the family that the options ask for"));
}

Task<StreamSocket> connect_first(Connecting& connecting) {
  co_await prepare(connecting);
  connecting.loop = co_await this_loop();
  Connecting& shared = connecting;
  auto body = [&shared](Group& group) { return start_attempts(shared, group); };
  const Result<> ended = co_await attempt(with_group(body));
  if (connecting.winner.is_open()) co_return std::move(connecting.winner);
  co_return fail(why(connecting, ended));
}

}  // namespace

Task<StreamSocket> connect_by_name(HostPort to, ConnectOptions options) {
  Connecting connecting;
  connecting.to = std::move(to);
  connecting.options = options;
  StreamSocket socket = co_await connect_first(connecting);
  co_return socket;
}

Task<StreamSocket> connect_to_one_of(std::vector<Address> addresses, ConnectOptions options) {
  Connecting connecting;
  connecting.options = options;
  connecting.looked_up = true;
  connecting.untried = std::move(addresses);
  StreamSocket socket = co_await connect_first(connecting);
  co_return socket;
}

}  // namespace ieum::detail
