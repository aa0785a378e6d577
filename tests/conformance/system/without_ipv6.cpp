// A system without IPv6 (ipv6.disable=1, some sandboxes): what binds to any family binds to IPv4.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstddef>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

/// From now on socket(2) of this thread, and of those that it starts, knows no IPv6.
bool take_ipv6_away() {
  const std::array<sock_filter, 6> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter = {.len = program.size(),
                             .filter = const_cast<sock_filter*>(program.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Runs `body` in a thread without IPv6.
void without_ipv6(Task<> (*body)()) {
  bool taken = false;
  std::thread([&] {
    taken = take_ipv6_away();
    if (taken) expect_success_in_time(body());
  }).join();
  if (!taken) GTEST_SKIP() << "the system does not let a thread filter its calls";
}

Task<> expect_listeners_on_ipv4() {
  Listener listener = co_await Listener::bind("*:0");
  const std::uint16_t port = listener.address().port();
  EXPECT_EQ(listener.address(), Address::ipv4({}, port));
  const StreamSocket client = co_await StreamSocket::connect("localhost", port);
  const StreamSocket server = co_await listener.accept();
  const Result<std::vector<DetachedListener>> shared =
      Listener::bind_shared(Address::any_family(0), 2);
  EXPECT_TRUE(shared);
}

TEST(WithoutIpv6, a_listener_at_any_address_is_one_of_ipv4) {
  without_ipv6(expect_listeners_on_ipv4);
}

Task<> expect_datagrams_on_ipv4() {
  DatagramSocket socket = co_await DatagramSocket::bind("*:0");
  EXPECT_EQ(socket.address(), Address::ipv4({}, socket.address().port()));
  const Address to = Address::ipv4_loopback(socket.address().port());
  co_await socket.send("x", to);
  std::array<std::byte, 8> room{};
  const Datagram got = co_await socket.receive(room);
  EXPECT_EQ(got.data.size(), 1U);
}

TEST(WithoutIpv6, a_datagram_socket_at_any_address_is_one_of_ipv4) {
  without_ipv6(expect_datagrams_on_ipv4);
}

Task<> expect_explicit_ipv6_refused() {
  const Address all = Address::ipv6({}, 0);
  const Result<Listener> listener = Listener::bind(all);
  CO_ASSERT(!listener);
  EXPECT_EQ(listener.error().to_string(),
            "listen [::]:0: address family not supported by protocol");
  const Result<Listener> only = Listener::bind(Address::any_family(0), {.ipv6_only = true});
  EXPECT_FALSE(only);
  const Result<DatagramSocket> socket = DatagramSocket::bind(all);
  CO_ASSERT(!socket);
  EXPECT_EQ(socket.error(), std::errc::address_family_not_supported);
  co_return;
}

TEST(WithoutIpv6, what_asks_for_ipv6_is_refused) { without_ipv6(expect_explicit_ipv6_refused); }

}  // namespace
}  // namespace ieum::test
