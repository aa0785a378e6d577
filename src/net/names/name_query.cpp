// NameQuery: c-ares on our loop. It opens sockets by way of the functions below and says which of
// them it waits for (ares_getsock(3), ares_timeout(3)); the waiting is a race of operations, and
// nothing waits any more while c-ares runs (and may close a socket).
#include "net/names/name_query.hpp"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstring>

#include <ieum/descriptor.hpp>
#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "net/names/resolv_conf.hpp"
#include "net/names/server_health.hpp"

namespace ieum::detail {

namespace {

// Response codes of a DNS message (RFC 1035, section 4.1.1).
constexpr int servfail = 2;
constexpr int notimp = 4;
constexpr int refused = 5;
constexpr std::size_t header_bytes = 12;

Address address_of(const sockaddr& name, std::uint16_t port) {
  if (name.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> ip{};
    const auto& in = reinterpret_cast<const sockaddr_in&>(name);
    std::memcpy(ip.data(), &in.sin_addr, ip.size());
    return Address::ipv4(ip, port);
  }
  std::array<std::uint8_t, 16> ip{};
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(name);
  std::memcpy(ip.data(), &in6.sin6_addr, ip.size());
  return Address::ipv6(ip, port, in6.sin6_scope_id);
}

/// How long all of it may be kept: the aliases on the way count.
Duration ttl_of(const ares_addrinfo& found) {
  int seconds = INT_MAX;
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    seconds = std::min(seconds, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* alias = found.cnames; alias != nullptr; alias = alias->next) {
    seconds = std::min(seconds, alias->ttl);
  }
  return std::chrono::seconds(std::max(seconds, 0));
}

/// As c-ares lists it.
Address address_of(const ares_addr_port_node& server) {
  const auto port = static_cast<std::uint16_t>(server.udp_port == 0 ? 53 : server.udp_port);
  if (server.family == AF_INET) {
    std::array<std::uint8_t, 4> ip{};
    std::memcpy(ip.data(), &server.addr.addr4, ip.size());
    return Address::ipv4(ip, port);
  }
  std::array<std::uint8_t, 16> ip{};
  std::memcpy(ip.data(), &server.addr.addr6, ip.size());
  return Address::ipv6(ip, port);
}

using Readiness = NameQuery::Readiness;

Task<Readiness> until_readable(int descriptor) {
  co_await wait_readable(descriptor);
  const Readiness ready{descriptor, true};
  co_return ready;
}

Task<Readiness> until_writable(int descriptor) {
  co_await wait_writable(descriptor);
  const Readiness ready{descriptor, false};
  co_return ready;
}

Failure failure_of(int status) {
  if (status == ARES_ENOMEM) return fail(std::errc::not_enough_memory, "resolve");
  return fail(Error(Errc::name_servers_failed, "resolve").with_detail(ares_strerror(status)));
}

}  // namespace

struct NameQuery::Callbacks {
  static int socket(int family, int type, int protocol, void* self) {
    const int descriptor = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (descriptor < 0) return note(self, -1);
    const int on = 1;
    if (type == SOCK_STREAM) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
  }
  static int close(int descriptor, void* /*self*/) { return ::close(descriptor); }
  static int connect(int descriptor, const sockaddr* to, socklen_t size, void* self) {
    auto& query = *static_cast<NameQuery*>(self);
    const bool ipv4 = to->sa_family == AF_INET;
    const std::uint16_t port = ipv4 ? reinterpret_cast<const sockaddr_in*>(to)->sin_port
                                    : reinterpret_cast<const sockaddr_in6*>(to)->sin6_port;
    query.conversations_.push_back(
        {.descriptor = descriptor, .server = address_of(*to, ntohs(port))});
    const int status = ::connect(descriptor, to, size);
    return status < 0 && errno != EINPROGRESS ? note(self, -1) : status;
  }
  /// A datagram comes with `from`.
  static ssize_t receive(int descriptor, void* data, std::size_t size, int flags, sockaddr* from,
                         socklen_t* from_size, void* self) {
    const ssize_t count = ::recvfrom(descriptor, data, size, flags, from, from_size);
    if (count == 0 && from != nullptr) {
      // To c-ares an empty datagram is a server that has gone (CVE-2023-32067).
      errno = EAGAIN;
      return -1;
    }
    Conversation* const talk = static_cast<NameQuery*>(self)->conversation(descriptor);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR && talk != nullptr) talk->failed = true;
      return note(self, -1);
    }
    if (talk != nullptr) talk->answered = true;
    if (from != nullptr && static_cast<std::size_t>(count) >= header_bytes) {
      const int code = static_cast<const unsigned char*>(data)[3] & 0x0fU;
      if (code != 0) {
        static_cast<NameQuery*>(self)->response_code_ = code;
        static_cast<NameQuery*>(self)->error_number_ = 0;
      }
    }
    return count;
  }
  static ssize_t send(int descriptor, const iovec* parts, int count, void* self) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);  // only read
    message.msg_iovlen = static_cast<std::size_t>(count);
    auto& query = *static_cast<NameQuery*>(self);
    if (Conversation* const talk = query.conversation(descriptor)) {
      talk->asked_at = std::min(talk->asked_at, query.driver_.now());
    }
    const ssize_t sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
    return sent < 0 ? note(self, -1) : sent;
  }
  /// Keeps errno, unless it only says that we have to wait.
  static int note(void* self, int status) {
    if (errno != EAGAIN && errno != EINTR) {
      static_cast<NameQuery*>(self)->error_number_ = errno;
      static_cast<NameQuery*>(self)->response_code_ = 0;
    }
    return status;
  }
  static void answered(void* argument, int status, int /*timeouts*/, ares_addrinfo* found) {
    auto& question = *static_cast<Question*>(argument);
    std::vector<Address>& addresses = question.answer.addresses;
    if (found != nullptr) {
      question.answer.ttl = ttl_of(*found);
      for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
        if (addresses.size() == ResolveOptions::addresses_max) break;
        addresses.push_back(address_of(*node->ai_addr, 0));
      }
      ares_freeaddrinfo(found);
    }
    question.query.settle(question, status);
  }
};

NameQuery::~NameQuery() {
  const TimePoint now = driver_.now();
  for (const Conversation& talk : conversations_) {
    if (talk.answered) {
      server_answered(talk.server);
    } else if (talk.failed) {
      server_failed(talk.server, now);
    } else if (talk.asked_at != TimePoint::max()) {
      server_silent(talk.server, talk.asked_at, now, server_timeout_);
    }
  }
  if (channel_ != nullptr) ares_destroy(channel_);
}

Result<> NameQuery::open(const ResolveOptions& options) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);  // once, also with threads
  if (library != ARES_SUCCESS) return failure_of(library);

  std::string lookups = "b";  // name servers only: we have read /etc/hosts
  std::string nowhere = "/dev/null";
  ares_options given{};
  given.lookups = lookups.data();
  ResolverOptions configured;
  if (options.server.family() == Family::none) configured = resolver_options();
  server_timeout_ = options.server_timeout.value_or(
      configured.timeout.value_or(ResolveOptions::server_timeout_default));
  given.timeout =
      static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(server_timeout_).count());
  given.tries =
      options.rounds.value_or(configured.attempts.value_or(ResolveOptions::rounds_default));
  int which = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
  if (options.server.family() != Family::none) {
    given.resolvconf_path = nowhere.data();
    which |= ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS;  // no search list
  }
  const int status = ares_init_options(&channel_, &given, which);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return failure_of(status);
  }
  static const ares_socket_functions functions = {&Callbacks::socket, &Callbacks::close,
                                                  &Callbacks::connect, &Callbacks::receive,
                                                  &Callbacks::send};
  ares_set_socket_functions(channel_, &functions, this);
  return use_servers(options.server);
}

NameQuery::Conversation* NameQuery::conversation(int descriptor) noexcept {
  for (auto at = conversations_.rbegin(); at != conversations_.rend(); ++at) {
    if (at->descriptor == descriptor) return &*at;
  }
  return nullptr;
}

/// Sets the server `only`, or leaves the first ones of those that are configured, those that have
/// failed lately behind the others.
Result<> NameQuery::use_servers(const Address& only) {
  if (only.family() != Family::none) {
    ares_addr_port_node server{};
    server.family = only.family() == Family::ipv6 ? AF_INET6 : AF_INET;
    std::memcpy(&server.addr, only.bytes().data(), only.bytes().size());
    server.udp_port = server.tcp_port = only.port();
    const int status = ares_set_servers_ports(channel_, &server);
    if (status != ARES_SUCCESS) return failure_of(status);
    return {};
  }
  ares_addr_port_node* listed = nullptr;
  int status = ares_get_servers_ports(channel_, &listed);
  if (status != ARES_SUCCESS) return failure_of(status);
  std::vector<ares_addr_port_node> servers;
  std::vector<ares_addr_port_node> failed;
  bool changed = false;
  for (const ares_addr_port_node* at = listed; at != nullptr; at = at->next) {
    if (servers.size() + failed.size() == ResolveOptions::servers_max) {
      changed = true;
      break;
    }
    if (has_failed_lately(address_of(*at), driver_.now())) {
      failed.push_back(*at);
    } else {
      changed |= !failed.empty();
      servers.push_back(*at);
    }
  }
  ares_free_data(listed);
  servers.insert(servers.end(), failed.begin(), failed.end());
  if (!changed || servers.empty()) return {};
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i].next = i + 1 < servers.size() ? &servers[i + 1] : nullptr;
  }
  status = ares_set_servers_ports(channel_, servers.data());
  if (status != ARES_SUCCESS) return failure_of(status);
  return {};
}

void NameQuery::ask(const std::string& host) {
  for (Question* question : {&ipv6_, &ipv4_}) {  // in the order that RFC 8305, section 3, wants
    if (question->answer.settled) continue;
    ares_addrinfo_hints hints{};
    hints.ai_flags = ARES_AI_NOSORT;  // both families are sorted together, by us
    hints.ai_family = question == &ipv6_ ? AF_INET6 : AF_INET;
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Callbacks::answered, question);
  }
}

void NameQuery::settle(Question& question, int status) {
  NameAnswer& answer = question.answer;
  if (status == ARES_EDESTRUCTION || answer.settled) return;  // we are being destroyed
  answer.settled = true;
  if (answer.addresses.empty()) explain(answer, status);
  on_settled_();
}

void NameQuery::explain(NameAnswer& answer, int status) const {
  const auto failed = [&](Errc code, const char* detail = "") {
    answer.failure = code;
    answer.detail = detail;
  };
  if (status == ARES_ECONNREFUSED) {  // to c-ares: whatever went wrong with all servers
    if (response_code_ == refused) status = ARES_EREFUSED;
    if (response_code_ == servfail) status = ARES_ESERVFAIL;
    if (response_code_ == notimp) status = ARES_ENOTIMP;
  }
  switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA: return failed(Errc::name_has_no_address);
    case ARES_ENOTFOUND: return failed(Errc::name_not_found);
    case ARES_EREFUSED: return failed(Errc::name_servers_refused);
    case ARES_ESERVFAIL: return failed(Errc::name_servers_failed, "they could not tell (SERVFAIL)");
    case ARES_EBADNAME: return failed(Errc::name_invalid);
    case ARES_ENOMEM: answer.failure = std::make_error_code(std::errc::not_enough_memory); return;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED: break;
    default: return failed(Errc::name_servers_failed, ares_strerror(status));
  }
  if (error_number_ == EMFILE || error_number_ == ENFILE || error_number_ == ENOMEM ||
      error_number_ == ENOBUFS) {
    answer.failure = std::error_code(error_number_, std::generic_category());
    return;
  }
  failed(Errc::name_servers_silent);
  if (error_number_ != 0) {
    answer.detail = std::error_code(error_number_, std::generic_category()).message();
    answer.detail[0] =
        static_cast<char>(std::tolower(static_cast<unsigned char>(answer.detail[0])));
  }
}

Task<> NameQuery::drive(LookupLimiter& place) {
  const TimePoint patient_until = began_ + place.share_of(server_timeout_ / 4);
  while (!settled()) {
    if (driver_.now() >= patient_until) {
      take_what_has_come();
      if (settled() || !place.give_way()) co_return;
    }
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto wanted = static_cast<unsigned>(
        ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size())));
    std::vector<Task<Readiness>> waits;
    for (unsigned i = 0; i < sockets.size(); ++i) {
      if (ARES_GETSOCK_READABLE(wanted, i) != 0) waits.push_back(until_readable(sockets[i]));
      if (ARES_GETSOCK_WRITABLE(wanted, i) != 0) waits.push_back(until_writable(sockets[i]));
    }
    waits.push_back(until_timeout(patient_until));
    const Readiness ready = co_await race(std::move(waits));
    ares_process_fd(channel_, ready.readable ? ready.descriptor : ARES_SOCKET_BAD,
                    ready.readable ? ARES_SOCKET_BAD : ready.descriptor);
  }
}

/// Answers that came while the loop was busy: they are not late.
void NameQuery::take_what_has_come() {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto wanted = static_cast<unsigned>(
      ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size())));
  for (unsigned i = 0; i < sockets.size(); ++i) {
    if (ARES_GETSOCK_READABLE(wanted, i) != 0) {
      ares_process_fd(channel_, sockets[i], ARES_SOCKET_BAD);
    }
  }
}

/// Until c-ares has something to do without a socket: a server has not answered in time; or until
/// our patience ends.
Task<NameQuery::Readiness> NameQuery::until_timeout(TimePoint patient_until) {
  timeval buffer{};
  const timeval* next = ares_timeout(channel_, nullptr, &buffer);
  IEUM_ASSERT(next != nullptr, "c-ares waits for nothing, and has not ended");
  // It rounds down to milliseconds: without one more we would spin.
  const Duration pause = std::chrono::seconds(next->tv_sec) +
                         std::chrono::microseconds(next->tv_usec) + std::chrono::milliseconds(1);
  const Duration left = patient_until - driver_.now();
  co_await sleep(left > Duration::zero() ? std::min(pause, left) : pause);
  const Readiness ready{ARES_SOCKET_BAD, false};
  co_return ready;
}

}  // namespace ieum::detail
