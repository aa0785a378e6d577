// What datagram sockets are told of what went wrong: by the network, late, or not at all.
#include <array>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

/// An address whose port refuses whatever comes, and that nobody else can be given meanwhile: of a
/// socket that is its own peer.
class Nobody {
 public:
  explicit Nobody(std::string_view at) {
    Result<DatagramSocket> socket = DatagramSocket::bind(at);
    if (socket && socket->set_peer(socket->address())) socket_ = std::move(*socket);
    EXPECT_TRUE(socket_.is_open());
  }
  [[nodiscard]] const Address& address() const { return socket_.address(); }

 private:
  DatagramSocket socket_;
};

Task<> peer_refuses(std::string_view at) {
  const Nobody holder(at);
  const Address nobody = holder.address();
  DatagramSocket socket = co_await DatagramSocket::connect(nobody);
  co_await socket.send("anybody?");
  std::array<std::byte, 16> room{};
  const Result<Datagram> got = co_await attempt(with_timeout(patience, socket.receive(room)));
  CO_ASSERT(!got);
  EXPECT_EQ(got.error().to_string(), "receive " + nobody.to_string() + ": connection refused");
  // Told once; the socket goes on.
  const Result<Datagram> quiet = co_await attempt(with_timeout(5ms, socket.receive(room)));
  CO_ASSERT(!quiet);
  EXPECT_EQ(quiet.error(), std::errc::timed_out);
}

CO_TEST(DatagramErrors, a_refused_port_fails_the_receive_of_a_socket_with_a_peer) {
  co_await peer_refuses("127.0.0.1:0");
}
CO_TEST(DatagramErrors, a_refused_port_fails_it_over_ipv6_too) {
  if (has(Transport::ipv6)) co_await peer_refuses("[::1]:0");
}

CO_TEST(DatagramErrors, a_refused_port_fails_the_next_send_of_a_socket_with_a_peer) {
  const Nobody holder("127.0.0.1:0");
  const Address nobody = holder.address();
  DatagramSocket socket = co_await DatagramSocket::connect(nobody);
  co_await socket.send("anybody?");
  Result<> sent;
  for (int i = 0; i < 100 && sent; ++i) {
    sent = co_await attempt(socket.send("again"));
    co_await sleep(1ms);
  }
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error().to_string(), "send " + nobody.to_string() + ": connection refused");
}

CO_TEST(DatagramErrors, without_a_peer_a_refusal_is_hidden) {
  const Nobody holder("127.0.0.1:0");
  const Address nobody = holder.address();
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
  co_await socket.send("anybody?", nobody);
  std::array<std::byte, 16> room{};
  const Result<Datagram> got = co_await attempt(with_timeout(10ms, socket.receive(room)));
  CO_ASSERT(!got);
  EXPECT_EQ(got.error(), std::errc::timed_out);
}

Task<> reports(std::string_view at) {
  const Nobody holder(at);
  const Address nobody = holder.address();
  DatagramSocket socket = co_await DatagramSocket::bind(at, {.report_errors = true});
  DatagramSocket friendly = co_await DatagramSocket::bind(at);
  co_await socket.send("anybody?", nobody);
  std::array<std::byte, 16> room{};
  const Result<Datagram> got = co_await attempt(with_timeout(patience, socket.receive(room)));
  CO_ASSERT(!got);
  EXPECT_EQ(got.error(), std::errc::connection_refused);
  EXPECT_EQ(got.error().address(), nobody);
  EXPECT_TRUE(got.error().detail().starts_with("says ")) << got.error().to_string();

  // A send to somebody else is not failed by it; the receive is told all the same.
  co_await socket.send("anybody?", nobody);
  co_await sleep(5ms);
  co_await socket.send("hello", friendly.address());
  Datagram hello = co_await friendly.receive(room);
  EXPECT_EQ(hello.data.size(), 5U);
  const Result<Datagram> second = co_await attempt(with_timeout(patience, socket.receive(room)));
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::connection_refused);
  EXPECT_EQ(second.error().address(), nobody);
}

CO_TEST(DatagramErrors, a_socket_that_asks_is_told_who_refused) { co_await reports("127.0.0.1:0"); }
CO_TEST(DatagramErrors, a_socket_that_asks_is_told_who_refused_over_ipv6) {
  if (has(Transport::ipv6)) co_await reports("[::1]:0");
}

CO_TEST(DatagramErrors, the_error_queue_can_be_read) {
  const Nobody holder("127.0.0.1:0");
  const Address nobody = holder.address();
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0", {.report_errors = true});
  Result<std::optional<DatagramError>> error = socket.take_error();
  CO_ASSERT(error);
  EXPECT_FALSE(error->has_value());
  co_await socket.send("anybody?", nobody);
  for (int i = 0; i < 1000 && error && !*error; ++i) {
    co_await sleep(1ms);
    error = socket.take_error();
  }
  CO_ASSERT(error && *error);
  EXPECT_EQ((*error)->number, ECONNREFUSED);
  EXPECT_EQ((*error)->peer, nobody);
  EXPECT_TRUE((*error)->reporter.is_ip());
}

Task<> refusals_in_a_batch(std::string_view at) {
  const Nobody holder(at);
  const Nobody other_holder(at);
  DatagramSocket socket = co_await DatagramSocket::bind(at, {.report_errors = true});
  DatagramSocket friendly = co_await DatagramSocket::bind(at);
  // Of different sizes, so that none is joined to another.
  std::array<Datagram, 5> all;
  const std::array<Address, 5> to{holder.address(), friendly.address(), other_holder.address(),
                                  friendly.address(), friendly.address()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].data = std::as_bytes(std::span("12345").first(i + 1));
    all[i].peer = to[i];
  }
  const std::size_t sent = co_await socket.send(all);
  EXPECT_EQ(sent, all.size());
  std::array<std::byte, 16> room{};
  for (const Nobody* nobody : {&holder, &other_holder}) {
    const Result<Datagram> got = co_await attempt(with_timeout(patience, socket.receive(room)));
    CO_ASSERT(!got);
    EXPECT_EQ(got.error(), std::errc::connection_refused);
    EXPECT_EQ(got.error().address(), nobody->address());
    EXPECT_TRUE(got.error().detail().starts_with("says ")) << got.error().to_string();
  }
  const Result<Datagram> quiet = co_await attempt(with_timeout(5ms, socket.receive(room)));
  CO_ASSERT(!quiet);
  EXPECT_EQ(quiet.error(), std::errc::timed_out);
  DatagramBatch batch;
  std::size_t came = 0;
  while (came < 3) came += co_await friendly.receive(batch);
  EXPECT_EQ(came, 3U);
}

CO_TEST(DatagramErrors, each_refusal_within_a_batch_is_told_once) {
  co_await refusals_in_a_batch("127.0.0.1:0");
  if (has(Transport::ipv6)) co_await refusals_in_a_batch("[::1]:0");
}

Task<> expect_a_refusal(DatagramSocket& socket, const Address& of) {
  std::array<std::byte, 16> room{};
  const Result<Datagram> got = co_await attempt(with_timeout(patience, socket.receive(room)));
  CO_ASSERT(!got);
  EXPECT_EQ(got.error(), std::errc::connection_refused);
  EXPECT_EQ(got.error().address(), of);
}

TEST(DatagramErrors, looking_at_the_tasks_takes_no_error_away) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto body = [](Runtime& own) -> Task<> {
    const Nobody holder("127.0.0.1:0");
    DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0", {.report_errors = true});
    co_await with_group([&](Group& group) -> Task<> {
      group.start(expect_a_refusal(socket, holder.address()));
      co_await until_it_waits();
      co_await socket.send("anybody?", holder.address());
      const std::string dump = own.dump_tasks();
      EXPECT_NE(dump.find("receive"), std::string::npos) << dump;
    });
  };
  const Result<> done = run(*runtime, body(*runtime));
  EXPECT_TRUE(done) << done.error().to_string();
}

CO_TEST(DatagramErrors, what_take_error_has_told_no_receive_tells_again) {
  const Nobody holder("127.0.0.1:0");
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0", {.report_errors = true});
  DatagramSocket friendly = co_await DatagramSocket::bind("127.0.0.1:0");
  co_await socket.send("anybody?", holder.address());
  co_await sleep(5ms);
  co_await socket.send("hello", friendly.address());  // meets the error
  const Result<std::optional<DatagramError>> told = socket.take_error();
  CO_ASSERT(told && *told);
  EXPECT_EQ((*told)->peer, holder.address());
  std::array<std::byte, 16> room{};
  const Result<Datagram> quiet = co_await attempt(with_timeout(5ms, socket.receive(room)));
  CO_ASSERT(!quiet);
  EXPECT_EQ(quiet.error(), std::errc::timed_out);
}

TEST(DatagramErrors, an_unreachable_network_and_host_are_told) {
  const std::string reason = in_network_namespace(
      "ip link add name d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; ip addr "
      "add 10.1.1.1/24 dev d0; "
      "ip route add unreachable 10.9.9.0/24",
      [] {
        auto body = []() -> Task<> {
          DatagramSocket socket =
              co_await DatagramSocket::bind("0.0.0.0:0", {.report_errors = true});
          const Result<> no_way =
              co_await attempt(socket.send("x", Address::ipv4({192, 0, 2, 1}, 9)));
          CO_ASSERT(!no_way);
          EXPECT_EQ(no_way.error().to_string(), "send 192.0.2.1:9: network is unreachable");
          const Result<> barred =
              co_await attempt(socket.send("x", Address::ipv4({10, 9, 9, 9}, 9)));
          CO_ASSERT(!barred);
          EXPECT_EQ(barred.error(), std::errc::host_unreachable);
          std::array<std::byte, 16> room{};
          const Result<Datagram> quiet = co_await attempt(with_timeout(5ms, socket.receive(room)));
          CO_ASSERT(!quiet);
          EXPECT_EQ(quiet.error(), std::errc::timed_out) << "the sends have told it";
        };
        expect_success_in_time(body());
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(DatagramErrors, the_mtu_of_the_way_is_kept_and_learnt) {
  const std::string reason = in_network_namespace(
      "ip link add name v0 type veth peer name v1; ip link set dev v0 mtu 1400 up; "
      "ip link set dev v1 mtu 1400 up; ip addr add 10.1.1.1/24 dev v0",
      [] {
        auto body = []() -> Task<> {
          const Address there = Address::ipv4({10, 1, 1, 2}, 9);
          DatagramSocket whole = co_await DatagramSocket::connect(there, {.dont_fragment = true});
          const Result<std::size_t> mtu = whole.path_mtu();
          CO_ASSERT(mtu);
          EXPECT_EQ(*mtu, 1400U);
          const std::vector<std::byte> fits(1400 - 28);
          co_await whole.send(fits);
          const std::vector<std::byte> large(1400 - 27);
          const Result<> refused = co_await attempt(whole.send(large));
          CO_ASSERT(!refused);
          EXPECT_EQ(refused.error(), std::errc::message_size);
          DatagramSocket asks = co_await DatagramSocket::connect(
              there, {.dont_fragment = true, .report_errors = true});
          const Result<> told = co_await attempt(asks.send(large));
          EXPECT_FALSE(told);
          const Result<std::optional<DatagramError>> error = asks.take_error();
          CO_ASSERT(error && *error);
          EXPECT_EQ((*error)->number, EMSGSIZE);
          EXPECT_EQ((*error)->mtu, 1400U);
          DatagramSocket cut = co_await DatagramSocket::connect(there);
          co_await cut.send(large);  // in fragments
        };
        expect_success_in_time(body());
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

CO_TEST(DatagramErrors, a_broadcast_is_refused_unless_it_is_allowed) {
  const Address everyone = Address::ipv4({255, 255, 255, 255}, 9);
  DatagramSocket careful = co_await DatagramSocket::bind("0.0.0.0:0");
  const Result<> refused = co_await attempt(careful.send("all", everyone));
  CO_ASSERT(!refused);
  EXPECT_EQ(refused.error().to_string(),
            "send 255.255.255.255:9: permission denied: a broadcast must be allowed: "
            "DatagramOptions::broadcast");
}

TEST(DatagramErrors, an_allowed_broadcast_reaches_all_who_share_the_port) {
  const std::string reason = in_network_namespace(
      "ip link add name v0 type veth peer name v1; ip link set dev v0 up; "
      "ip link set dev v1 up; ip addr add 10.1.1.1/24 broadcast 10.1.1.255 dev v0",
      [] {
        auto body = []() -> Task<> {
          const DatagramOptions shared{.reuse_address = true};
          DatagramSocket one = co_await DatagramSocket::bind("0.0.0.0:7000", shared);
          DatagramSocket two = co_await DatagramSocket::bind("0.0.0.0:7000", shared);
          DatagramSocket sender = co_await DatagramSocket::bind("10.1.1.1:0", {.broadcast = true});
          co_await sender.send("all", Address::ipv4({10, 1, 1, 255}, 7000));
          std::array<std::byte, 16> room{};
          Datagram first = co_await with_timeout(patience, one.receive(room));
          EXPECT_EQ(first.data.size(), 3U);
          // The address to answer from, not that of everybody.
          EXPECT_EQ(first.local, Address::ipv4({10, 1, 1, 1}, 7000));
          Datagram second = co_await with_timeout(patience, two.receive(room));
          EXPECT_EQ(second.peer, sender.address());
          co_await two.send(second);
          Datagram echo = co_await with_timeout(patience, sender.receive(room));
          EXPECT_EQ(echo.data.size(), 3U);
        };
        expect_success_in_time(body());
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

CO_TEST(DatagramErrors, a_unix_peer_that_is_gone_is_refused_or_not_there) {
  const TemporaryDirectory directory;
  const Address path = Address::unix_path(directory.path("socket")).value();
  DatagramSocket socket = co_await DatagramSocket::open(Family::unix_path);
  Result<> sent = co_await attempt(socket.send("x", path));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::no_such_file_or_directory);
  {
    DatagramSocket left = co_await DatagramSocket::bind(path, {.unlink_on_close = false});
  }
  sent = co_await attempt(socket.send("x", path));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::connection_refused);

  const Result<DatagramSocket> second = DatagramSocket::bind(path);
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
  {
    DatagramSocket next = co_await DatagramSocket::bind(path, {.replace_stale = true});
    co_await socket.send("x", path);
    const Result<DatagramSocket> third = DatagramSocket::bind(path, {.replace_stale = true});
    EXPECT_FALSE(third) << "it is not stale";
  }
  sent = co_await attempt(socket.send("x", path));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::no_such_file_or_directory) << "its file is removed with it";
}

}  // namespace
}  // namespace ieum::test
