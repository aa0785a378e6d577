// Who holds a taken port: never the wrong one, never on the loop.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// A TCP socket of the system's, bound to all addresses of IPv4; it does not listen. None if the
/// port is in use there.
Descriptor bound_only(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return Descriptor(-1);
  return socket;
}

/// A listener for IPv6 alone, and a socket that has its port in IPv4.
Result<std::pair<Listener, Descriptor>> bound_in_both() {
  for (;;) {
    Result<Listener> listener = Listener::bind("[::]:0", {.ipv6_only = true});
    if (!listener) return fail(listener.error());
    Descriptor socket = bound_only(listener->address().port());
    // Another program's connection may have the port in IPv4.
    if (socket.get() >= 0) return std::pair(*std::move(listener), std::move(socket));
  }
}

CO_TEST(PortOwner, is_none_of_a_free_port) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  co_await listener.close();
  const std::optional<PortOwner> stream = co_await find_port_owner(address);
  EXPECT_FALSE(stream);
  const std::optional<PortOwner> datagram = co_await find_datagram_port_owner(address);
  EXPECT_FALSE(datagram);
}

CO_TEST(PortOwner, is_not_whoever_has_the_port_for_ipv6_alone) {
  if (!has(Transport::ipv6)) co_return;
  const std::pair<Listener, Descriptor> both = co_await bound_in_both();
  const Listener& innocent = both.first;
  const std::uint16_t port = innocent.address().port();
  const Address wanted = Address::ipv4({}, port);
  const Result<Listener> refused = Listener::bind(wanted);
  CO_ASSERT(!refused);
  EXPECT_EQ(refused.error().to_string(),
            "listen " + wanted.to_string() + ": address already in use");
  const std::optional<PortOwner> owner = co_await find_port_owner(wanted);
  EXPECT_FALSE(owner);
  const std::optional<PortOwner> of_ipv6 = co_await find_port_owner(innocent.address());
  EXPECT_TRUE(of_ipv6);
}

CO_TEST(PortOwner, is_not_whoever_has_the_port_for_ipv4_when_ipv6_alone_is_wanted) {
  if (!has(Transport::ipv6)) co_return;
  Listener innocent = co_await Listener::bind("0.0.0.0:0");
  const std::uint16_t port = innocent.address().port();
  const std::optional<PortOwner> only = co_await find_port_owner(Address::ipv6({}, port));
  EXPECT_FALSE(only);
  const std::optional<PortOwner> any = co_await find_port_owner(Address::any_family(port));
  EXPECT_TRUE(any);
}

CO_TEST(PortOwner, is_the_one_that_workers_descend_from) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const ForkedChild worker([]() -> int {
    for (;;) ::pause();
  });
  const std::optional<PortOwner> owner = co_await find_port_owner(listener.address());
  CO_ASSERT(owner);
  EXPECT_EQ(owner->to_string(), held_by(getpid()));
  EXPECT_EQ(owner->pid, getpid());
}

CO_TEST(PortOwner, is_not_guessed_among_processes_that_share_the_socket) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  const ForkedChild one([]() -> int {
    for (;;) ::pause();
  });
  const ForkedChild two([]() -> int {
    for (;;) ::pause();
  });
  co_await listener.close();
  const std::optional<PortOwner> owner = co_await find_port_owner(address);
  EXPECT_FALSE(owner);
}

CO_TEST(PortOwner, of_a_unix_path_is_the_one_that_listens_now) {
  const TemporaryDirectory directory;
  const Address address = co_await Address::unix_path(directory.path("socket"));
  Listener former = co_await Listener::bind(address, {.unlink_on_close = false});
  std::filesystem::remove(directory.path("socket"));
  const std::optional<PortOwner> nobody = co_await find_port_owner(address);
  EXPECT_FALSE(nobody);  // the file of that name has gone, though one still listens
  Listener now = co_await Listener::bind(address);
  const std::optional<PortOwner> owner = co_await find_port_owner(address);
  EXPECT_TRUE(owner);
}

CO_TEST(PortOwner, is_looked_for_beside_the_loop) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  int turns = 0;
  auto turning = [&turns]() -> Task<> {
    for (;; ++turns) co_await yield();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(turning());
    const std::optional<PortOwner> owner = co_await find_port_owner(address);
    EXPECT_TRUE(owner);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_GT(turns, 1);
}

TEST(PortOwnerInNamespace, is_none_of_another_network_namespace) {
  const Result<Listener> outside = run([]() -> Task<Listener> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    co_return listener;
  }());
  ASSERT_TRUE(outside);
  const Address address = outside->address();
  const std::string reason = in_network_namespace("", [&address] {
    const auto looking = [](Address at) -> Task<> {
      const std::optional<PortOwner> owner = co_await find_port_owner(at);
      EXPECT_FALSE(owner);
    };
    expect_success(looking(address));
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
