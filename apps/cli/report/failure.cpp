#include "report/failure.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "report/reason.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

bool is(const Error& error, std::errc code) { return error == code; }

bool is_about_names(const Error& error) {
  constexpr std::array codes{Errc::name_invalid,         Errc::name_not_found,
                             Errc::name_has_no_address,  Errc::name_servers_silent,
                             Errc::name_servers_refused, Errc::name_servers_failed};
  for (const Errc code : codes) {
    if (error == code) return true;
  }
  return false;
}

std::string name_advice(const Error& error, bool family_asked) {
  if (error == Errc::name_invalid) return "host names have letters, digits, '-' and '.'";
  if (error == Errc::name_not_found) return "check its spelling";
  if (error == Errc::name_has_no_address) {
    return family_asked ? "try without -4 and -6" : "check its spelling";
  }
  return "check the network and /etc/resolv.conf, or give the address itself";
}

bool is_socket_file(const Address& address) {
  struct stat status{};
  return address.family() != Family::unix_path ||
         ::stat(std::string(address.bytes()).c_str(), &status) < 0 || S_ISSOCK(status.st_mode);
}

/// One that an interface of this machine has for everyone on its network, or that of all networks.
bool is_broadcast(const Address& address) {
  if (address.family() != Family::ipv4) return false;
  if (address.bytes() == std::string_view("\xff\xff\xff\xff", 4)) return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) < 0) return false;
  bool found = false;
  for (const ifaddrs* one = all; one != nullptr && !found; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if (one->ifa_netmask == nullptr) continue;
    sockaddr_in own{};
    sockaddr_in mask{};
    std::memcpy(&own, one->ifa_addr, sizeof own);
    std::memcpy(&mask, one->ifa_netmask, sizeof mask);
    const in_addr_t hosts = ~mask.sin_addr.s_addr;
    const in_addr_t broadcast = own.sin_addr.s_addr | hosts;
    found = hosts != 0 && std::memcmp(&broadcast, address.bytes().data(), sizeof broadcast) == 0;
  }
  ::freeifaddrs(all);
  return found;
}

bool is_multicast(const Address& address) {
  if (!address.is_ip()) return false;
  const auto first = static_cast<unsigned char>(address.bytes().front());
  return address.family() == Family::ipv4 ? first >= 224 && first < 240 : first == 0xff;
}

bool lacks_zone(const Address& address) {
  if (address.family() != Family::ipv6 || address.scope() != 0) return false;
  const auto first = static_cast<unsigned char>(address.bytes()[0]);
  const auto second = static_cast<unsigned char>(address.bytes()[1]);
  return first == 0xfe && (second & 0xc0U) == 0x80;
}

/// What is to be done about an address that no connection, and no single datagram, can go to; empty
/// if there is nothing about it.
std::string address_advice(const Address& address, bool datagrams) {
  if (is_broadcast(address)) {
    return datagrams ? "it is a broadcast address: to send to everyone there, use 'ieum cast'"
                     : "it is a broadcast address, and a connection has one peer";
  }
  if (!datagrams && is_multicast(address)) {
    return "it is a multicast group, and a connection has one peer: see 'ieum cast'";
  }
  if (!lacks_zone(address)) return {};
  std::string with_zone = address.to_string();
  with_zone.insert(with_zone.find(']'), "%eth0");
  return fmt::format("a link-local address needs its interface, as {}: see 'ip link'", with_zone);
}

std::string connect_advice(const Error& error, bool datagrams) {
  using enum std::errc;
  const bool is_unix = error.address().is_unix();
  if (is(error, permission_denied) || is(error, network_unreachable) ||
      is(error, invalid_argument)) {
    std::string about_address = address_advice(error.address(), datagrams);
    if (!about_address.empty()) return about_address;
  }
  if (is(error, connection_refused)) {
    if (is_unix && !is_socket_file(error.address()))
      return "that file is not a socket: check the path";
    return is_unix ? "the socket file is there, but its server has exited: start it again"
                   : "nothing listens there: check the address, or start the server first";
  }
  if (is(error, no_such_file_or_directory)) {
    return "there is no such socket: check the path, or start the server first";
  }
  if (is(error, permission_denied) || is(error, operation_not_permitted)) {
    return is_unix ? "you may not use that socket: check the permissions of its file"
                   : "a firewall on this machine forbids it";
  }
  if (is(error, network_unreachable) || is(error, host_unreachable)) {
    return "there is no route to it: check the address and this machine's network";
  }
  if (is(error, address_not_available)) return "this machine has no such address: see 'ip address'";
  if (is(error, address_in_use)) return "the source is in use: choose another port, or none";
  if (is(error, address_family_not_supported))
    return "its address is of another family than asked for";
  if (is(error, wrong_protocol_type)) return "that socket takes datagrams, not connections";
  return {};
}

std::string listen_advice(const Error& error) {
  using enum std::errc;
  if (is(error, invalid_argument)) return address_advice(error.address(), true);
  if (is(error, address_in_use)) {
    if (!error.address().is_unix()) return "choose another port, or 0 for any free one";
    // Whoever holds it lives; what is no socket is nobody's to take.
    const bool stale = error.detail().starts_with("nobody listens");
    return stale ? "or add ?replace=1 to take its place" : "take another path";
  }
  if (is(error, permission_denied)) {
    return error.address().is_unix() ? "you may not create a file there"
                                     : "ports below 1024 need root: choose a higher one";
  }
  if (is(error, address_not_available)) return "this machine has no such address: see 'ip address'";
  if (is(error, no_such_file_or_directory)) return "there is no such directory";
  return {};
}

std::string resource_advice(const Error& error) {
  using enum std::errc;
  if (is(error, too_many_files_open)) return "raise the limit of open files: see 'ulimit -n'";
  if (is(error, too_many_files_open_in_system)) return "the system's table of open files is full";
  if (is(error, not_enough_memory) || is(error, no_buffer_space))
    return "the system is out of memory";
  return {};
}

Failure with_advice(Status status, std::string what, std::string advice) {
  if (!advice.empty()) what.append("; ").append(advice);
  return {status, std::move(what)};
}

Failure connect_failure(const Error& error, const ErrorContext& context) {
  std::string what = error.to_string();
  if (is_about_names(error)) {
    return with_advice(Status::not_resolved, std::move(what),
                       name_advice(error, context.family_asked));
  }
  if (is(error, std::errc::timed_out)) {
    const std::string_view looking_up = error.operation();
    std::string advice =
        context.limit > Duration::zero()
            ? fmt::format("no answer within {} (-w)", format_duration(context.limit))
            : std::string("no answer");
    advice += looking_up == "resolve" ? ": check the network and /etc/resolv.conf"
                                      : ": is the host up, or does a firewall drop what we send?";
    return with_advice(Status::timed_out, std::move(what), std::move(advice));
  }
  std::string lack = resource_advice(error);
  if (!lack.empty()) return with_advice(Status::other, std::move(what), std::move(lack));
  return with_advice(Status::not_connected, std::move(what),
                     connect_advice(error, context.datagrams));
}

std::string transferred(const ErrorContext& context) {
  return fmt::format("{} sent and {} received before", format_bytes(context.sent),
                     format_bytes(context.received));
}

Failure transfer_failure(Stage stage, const Error& error, const ErrorContext& context) {
  if (is(error, std::errc::timed_out)) {
    return with_advice(Status::timed_out, error.to_string(),
                       "the peer's host no longer answers; " + transferred(context));
  }
  if (stage == Stage::sending && is(error, std::errc::broken_pipe)) {
    return with_advice(Status::broken, error.to_string(),
                       "the peer closed the connection before it had received everything; " +
                           transferred(context));
  }
  if (error == Errc::cut_off) {
    return with_advice(Status::broken, error.to_string(),
                       "what was received may lack its end; " + transferred(context));
  }
  // With TLS 1.3 a client learns only when it reads that the server refuses its certificate.
  if (error == Errc::handshake_failed) {
    return with_advice(Status::tls_handshake, error.to_string(),
                       error.detail().contains("(certificate_required)") ? "see --cert" : "");
  }
  return with_advice(Status::broken, error.to_string(),
                     "data in flight are lost; " + transferred(context));
}

/// What is there instead of the socket, and what to do.
std::string taking_over_advice(const Error& error, const ErrorContext& context) {
  using enum std::errc;
  if (is(error, bad_file_descriptor)) {
    return "nothing is open there; start ieum with a socket there, as systemd and inetd do";
  }
  if (is(error, not_a_socket)) {
    return "it is no socket; start ieum with a stream socket there, as systemd and inetd do; for "
           "files and pipes the address is -";
  }
  if (is(error, wrong_protocol_type)) {
    return "it is a socket of datagrams; fd: takes those of connections";
  }
  if (is(error, address_family_not_supported)) return "it is neither a TCP nor a Unix socket";
  if (is(error, not_connected)) return "that socket is not connected";
  if (error.detail().starts_with("it listens")) {
    return fmt::format("that socket listens; write 'ieum listen {}'", context.where);
  }
  if (error.detail().starts_with("it does not listen")) {
    return fmt::format("that socket does not listen; if it is connected, write 'ieum connect {}'",
                       context.where);
  }
  return reason_of(error.code());
}

Failure output_failure(const Error& error, std::string_view where) {
  const bool is_pipe = is(error, std::errc::broken_pipe);
  std::string advice = resource_advice(error);
  if (is_pipe) advice = "its reader has gone";
  if (is(error, std::errc::no_space_on_device))
    advice = "make room; what was written before is kept";
  if (is(error, std::errc::permission_denied)) advice = "you may not write there";
  if (is(error, std::errc::no_such_file_or_directory)) advice = "there is no such directory";
  if (is(error, std::errc::is_a_directory)) advice = "name a file within it";
  const bool opening = std::string_view(error.operation()) == "open";
  return with_advice(
      Status::other,
      fmt::format("{} {}: {}", opening ? "open" : "write", where, reason_of(error.code())),
      std::move(advice));
}

}  // namespace

Failure explain_failure(Stage stage, const Error& error, const ErrorContext& context) {
  switch (stage) {
    case Stage::connecting: return connect_failure(error, context);
    case Stage::listening:
    case Stage::accepting: {
      if (is_about_names(error)) return connect_failure(error, context);
      if (is(error, std::errc::timed_out)) {
        return with_advice(Status::timed_out, error.to_string(), "no client came (-w)");
      }
      std::string advice = resource_advice(error);
      if (advice.empty()) advice = listen_advice(error);
      return with_advice(Status::other, error.to_string(), std::move(advice));
    }
    case Stage::taking_over:
      return {Status::other,
              fmt::format("take over {}: {}", context.where, taking_over_advice(error, context))};
    case Stage::setting_options:
      return with_advice(Status::other, fmt::format("{} of {}", error.to_string(), context.where),
                         "leave out its ?key=value");
    case Stage::reading_input:
      return with_advice(Status::other,
                         fmt::format("read standard input: {}", reason_of(error.code())),
                         resource_advice(error));
    case Stage::writing_output: return output_failure(error, context.where);
    case Stage::receiving:
    case Stage::sending: return transfer_failure(stage, error, context);
    case Stage::starting_command:
    case Stage::running:
      return with_advice(Status::other, error.to_string(), resource_advice(error));
  }
  return {Status::other, error.to_string()};
}

Failure explain_datagram_failure(const Error& error, std::string_view where) {
  using enum std::errc;
  if (error == connection_refused && !error.address().is_unix()) {
    return {Status::not_connected,
            fmt::format("{}; nothing receives datagrams there: check the address, or start the "
                        "receiver first",
                        error.to_string())};
  }
  if (error == message_size) {
    return {Status::other,
            fmt::format("{}; it is too large to be sent there: see --size", error.to_string())};
  }
  if (error == wrong_protocol_type) {
    return {Status::not_connected,
            fmt::format("{}; that socket takes connections, not datagrams: write {}",
                        error.to_string(), where)};
  }
  if (error == no_such_device) {
    return {Status::other, error.to_string() + "; see 'ip link' for this machine's interfaces"};
  }
  return explain_failure(Stage::connecting, error, {.where = where, .datagrams = true});
}

}  // namespace ieum::cli
