// A SOCKS5 client's session (RFC 1928). It reads as the RFC does, from the greeting to the relay.
#include "session.hpp"

#include <algorithm>
#include <array>
#include <string>

using namespace ieum;
using namespace std::chrono_literals;

namespace socks5 {
namespace {

constexpr Duration negotiation_max = 10s;
constexpr Duration connect_max = 15s;

/// RFC 1928, section 6.
enum class Reply : std::uint8_t {
  succeeded = 0,
  failure = 1,
  network_unreachable = 3,
  host_unreachable = 4,
  refused = 5,
  command_not_supported = 7,
  address_type_not_supported = 8,
};

Reply reply_for(const Error& error) {
  if (error == std::errc::connection_refused) return Reply::refused;
  if (error == std::errc::network_unreachable) return Reply::network_unreachable;
  const bool is_unreachable = error == std::errc::host_unreachable ||
                              error == std::errc::timed_out || error == Errc::name_invalid ||
                              error == Errc::name_not_found || error == Errc::name_has_no_address;
  return is_unreachable ? Reply::host_unreachable : Reply::failure;
}

/// `bound` is where we connected from.
Task<> answer(StreamSocket& client, Reply reply, Address bound = Address::ipv4({}, 0)) {
  const char type = bound.family() == Family::ipv6 ? 4 : 1;
  std::string text{5, static_cast<char>(reply), 0, type};
  text += bound.bytes();
  text += {static_cast<char>(bound.port() >> 8U), static_cast<char>(bound.port() & 0xffU)};
  co_await client.write_all(text);
}

/// Tells the client, so that it arrives, and ends the session with `why`.
Task<> refuse(StreamSocket& client, Reply reply, Error why) {
  co_await attempt(answer(client, reply));
  co_await attempt(client.close_gracefully(1s));
  co_await fail(why);
}

Error broken_rule(StreamSocket& client, const char* what) {
  return Error(std::errc::protocol_error, "socks", client.peer_address()).with_detail(what);
}

Task<> refuse(StreamSocket& client, Reply reply, const char* broken) {
  return refuse(client, reply, broken_rule(client, broken));
}

std::uint8_t byte_of(ConstBuffer bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

struct Destination {
  std::string host;  // a name; or else
  Address address;
  std::uint16_t port = 0;
};

/// The client's greeting, our choice of no authentication, the client's request.
Task<Destination> negotiate(StreamSocket& client, BufferedReader& reader) {
  const ConstBuffer greeting = co_await reader.read_exact(2);
  if (byte_of(greeting, 0) != 5) co_await fail(broken_rule(client, "it does not speak SOCKS5"));
  const ConstBuffer methods = co_await reader.read_exact(byte_of(greeting, 1));
  const bool may_be_anybody = std::ranges::find(methods, std::byte{0}) != methods.end();
  co_await client.write_all(std::string_view(may_be_anybody ? "\x05\x00" : "\x05\xff", 2));
  if (!may_be_anybody) {
    co_await attempt(client.close_gracefully(1s));
    co_await fail(broken_rule(client, "it insists on saying who it is"));
  }

  const ConstBuffer request = co_await reader.read_exact(4);
  if (byte_of(request, 0) != 5) {
    co_await refuse(client, Reply::failure, "it does not speak SOCKS5 any more");
  }
  const std::uint8_t command = byte_of(request, 1);
  const std::uint8_t type = byte_of(request, 3);
  Destination to;
  std::array<std::uint8_t, 16> ip{};
  if (type == 1 || type == 4) {
    const ConstBuffer bytes = co_await reader.read_exact(type == 1 ? 4 : 16);
    std::ranges::transform(bytes, ip.begin(), std::to_integer<std::uint8_t>);
  } else if (type == 3) {
    const ConstBuffer length = co_await reader.read_exact(1);
    const ConstBuffer name = co_await reader.read_exact(byte_of(length, 0));
    to.host.assign(reinterpret_cast<const char*>(name.data()), name.size());
  } else {
    co_await refuse(client, Reply::address_type_not_supported, "an unknown type of address");
  }
  const ConstBuffer port = co_await reader.read_exact(2);
  to.port = static_cast<std::uint16_t>(byte_of(port, 0) << 8U | byte_of(port, 1));
  if (type == 1) to.address = Address::ipv4({ip[0], ip[1], ip[2], ip[3]}, to.port);
  if (type == 4) to.address = Address::ipv6(ip, to.port);
  if (command != 1) {
    co_await refuse(client, Reply::command_not_supported, "another command than CONNECT");
  }
  co_return to;
}

/// A host that a client names is a name or an IP address here, and never a Unix socket.
Task<StreamSocket> connect(const Destination& to) {
  if (to.address.is_ip()) return StreamSocket::connect(to.address, {.timeout = connect_max});
  return StreamSocket::connect(to.host, to.port, {.timeout = connect_max});
}

Task<> pass_on(Stream& client, std::string_view early, Stream& target) {
  co_await target.write_all(early);
  co_await relay(client, target);
}

}  // namespace

Task<> session(StreamSocket client) {
  BufferedReader reader(client);
  const Destination to = co_await with_timeout(negotiation_max, negotiate(client, reader));
  Result<StreamSocket> target = co_await attempt(connect(to));
  if (!target) co_await refuse(client, reply_for(target.error()), target.error());
  const Address bound = co_await target->local_address();
  co_await answer(client, Reply::succeeded, bound);
  const std::string early = reader.take_buffered();  // of a client that did not wait for the answer
  const Result<> relayed = co_await attempt(pass_on(client, early, *target));
  if (relayed) co_return;
  co_await attempt(client.reset());  // closing would look like a good end
  co_await attempt(target->reset());
  co_await fail(relayed.error());
}

}  // namespace socks5
