// What the kernel refuses, or answers only now and then: injected beneath the drivers.
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "base/driver.hpp"
#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"
#include "support/system_fault.hpp"

namespace ieum::test {
namespace {

using Call = SystemFault::Call;

Task<> talk() {
  Pair pair = co_await connected();
  co_await pair.client.write_all("hello");
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "hello");
}

/// On the epoll driver, whatever the environment says: other drivers do not call it.
void expect_to_work_without_epoll_pwait2(int number) {
  const SystemFault none(Call::epoll_pwait2, number, SystemFault::always);
  const std::unique_ptr<Runtime> runtime = make_runtime({.driver = DriverKind::epoll});
  auto task = []() -> Task<> {
    co_await talk();
    const TimePoint begun = TimePoint::clock::now();
    co_await sleep(2500us);
    EXPECT_GE(TimePoint::clock::now() - begun, 2500us);
    std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
    std::array<std::byte, 8> room;
    Result<std::size_t> late = co_await attempt(with_timeout(5ms, pair.first.read_some(room)));
    CO_ASSERT(!late);
    EXPECT_EQ(late.error(), std::errc::timed_out);
  };
  const Result<> result = run(*runtime, with_timeout(patience, task()));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
  EXPECT_EQ(none.failures(), 1) << "it is not asked for again";
}

TEST(KernelFault, no_epoll_pwait2_in_an_old_kernel) { expect_to_work_without_epoll_pwait2(ENOSYS); }
TEST(KernelFault, no_epoll_pwait2_in_a_sandbox) { expect_to_work_without_epoll_pwait2(EPERM); }

TEST(KernelFault, without_epoll_pwait2_a_sleep_is_one_call_and_no_spin) {
  const SystemFault none(Call::epoll_pwait2, ENOSYS, SystemFault::always);
  const std::unique_ptr<Runtime> runtime = make_runtime({.driver = DriverKind::epoll});
  const std::clock_t begun = std::clock();
  EXPECT_TRUE(run(*runtime, sleep(200ms)));
  EXPECT_LT(std::clock() - begun, CLOCKS_PER_SEC / 10);
}

// ---- Accepting ----------------------------------------------------------------------------------

CO_TEST(KernelFault, of_one_client_is_no_error_of_an_accept) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  for (const int number : {EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH,
                           EHOSTDOWN, EHOSTUNREACH, ENONET, EOPNOTSUPP, EPERM}) {
    const SystemFault gone(Call::accept4, number);
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    Result<StreamSocket> server = co_await attempt(listener.accept());
    EXPECT_TRUE(server) << number << ": " << server.error().to_string();
    EXPECT_EQ(gone.failures(), 1) << number;
  }
}

CO_TEST(KernelFault, that_does_not_pass_is_an_error_of_an_accept) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  for (const int number : {EPERM, EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK}) {
    const SystemFault never(Call::accept4, number, SystemFault::always);
    Result<StreamSocket> server = co_await attempt(listener.accept());
    CO_ASSERT(!server);
    EXPECT_EQ(server.error().code().value(), number);
  }
  Result<StreamSocket> server = co_await attempt(listener.accept());
  EXPECT_TRUE(server);
}

Task<> expect_answer(StreamSocket& socket) {
  co_await socket.write_all("hello");
  const std::string text = co_await read_text(socket, 5);
  EXPECT_EQ(text, "hello");
}

CO_TEST(KernelFault, of_accepting_leaves_a_servers_sessions_alone) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo, {.retry_pause = 1ms});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket first = co_await StreamSocket::connect(address);
    co_await expect_answer(first);
    for (const int number : {EPERM, EOPNOTSUPP, ENETDOWN, ECONNABORTED, EPROTO, ETIMEDOUT, EMFILE,
                             ENFILE, ENOBUFS, ENOMEM, EIO}) {
      const SystemFault fault(Call::accept4, number, 40);
      StreamSocket next = co_await StreamSocket::connect(address);
      co_await expect_answer(next);
      EXPECT_EQ(fault.failures(), 40) << number;
      co_await expect_answer(first);
    }
    group.stop();
  };
  co_await with_group(body);
  EXPECT_GT(server.counters().refused_by_system, 0U);
}

CO_TEST(KernelFault, of_the_listener_itself_ends_a_server) {
  for (const int number : {EBADF, EINVAL, ENOTSOCK}) {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    const SystemFault fault(Call::accept4, number, SystemFault::always);
    Result<> ended = co_await attempt(serve(std::move(listener), echo));
    CO_ASSERT(!ended);
    EXPECT_EQ(ended.error().code().value(), number);
  }
}

// ---- Calls that were interrupted, connections that broke
// --------------------------------------------

bool is_on(std::string_view driver) { return detail::Loop::current()->driver().name() == driver; }

CO_TEST(KernelFault, that_interrupts_a_call_is_not_told) {
  if (!SystemFault::reaches_transfers) co_return;
  Pair pair = co_await connected();
  const SystemFault receiving(Call::receive, EINTR, 3);
  const SystemFault sending(Call::send, EINTR, 3);
  co_await pair.client.write_all("hello");
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(receiving.failures(), is_on("epoll") ? 3 : 0);
  EXPECT_EQ(sending.failures(), is_on("epoll") ? 3 : 0);
}

// A large send is a call of its own also where others go into the ring.
CO_TEST(KernelFault, that_interrupts_a_large_send_is_not_told) {
  if (!SystemFault::reaches_transfers) co_return;
  const std::string text(std::size_t{64} * 1024, 'x');
  Pair pair = co_await connected();
  const SystemFault sending(Call::send, EINTR, 3);
  auto write = [&]() -> Task<> { co_await pair.client.write_all(text); };
  auto body = [&](Group& group) -> Task<> {
    group.start(write());
    const std::string got = co_await read_text(pair.server, text.size());
    EXPECT_EQ(got, text);
  };
  co_await with_group(body);
  EXPECT_EQ(sending.failures(), 3);
}

CO_TEST(KernelFault, that_breaks_a_connection_in_a_large_send_is_told_to_a_later_read) {
  if (!SystemFault::reaches_transfers) co_return;
  const std::string text(std::size_t{64} * 1024, 'x');
  Pair pair = co_await connected();
  {
    const SystemFault sending(Call::send, ECONNRESET);
    Result<> sent = co_await attempt(pair.server.write_all(text));
    CO_ASSERT(!sent);
    EXPECT_EQ(sent.error(), std::errc::connection_reset);
  }
  co_await pair.client.shutdown_write();
  Result<std::string> later = co_await attempt(read_text(pair.server, 1));
  CO_ASSERT(!later);
  EXPECT_EQ(later.error(), std::errc::connection_reset);
}

CO_TEST(KernelFault, that_interrupts_datagrams_is_not_told) {
  if (!SystemFault::reaches_transfers) co_return;
  DatagramSocket one = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket other = co_await DatagramSocket::bind("127.0.0.1:0");
  const SystemFault receiving(Call::receive_from, EINTR, 3);
  const SystemFault sending(Call::send_to, EINTR, 3);
  co_await one.send("hello", other.address());
  std::array<std::byte, 16> room;
  const Datagram datagram = co_await other.receive(room);
  EXPECT_EQ(datagram.data.size(), 5U);
  EXPECT_EQ(receiving.failures(), 3);
  EXPECT_EQ(sending.failures(), 3);
}

// Of a batch that takes more than one call of recvmmsg(2), the first of which gives 64.
CO_TEST(KernelFault, of_a_batch_of_datagrams_is_told_after_what_came_before_it) {
  if (!SystemFault::reaches_transfers) co_return;
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0");
  for (int i = 0; i < 70; ++i) co_await from.send("x", to.address());
  DatagramBatch batch(128);
  const SystemFault fault(Call::receive_many, EHOSTUNREACH, 1, 1);
  const std::size_t first = co_await to.receive(batch);
  EXPECT_EQ(first, 64U);
  Result<std::size_t> failed = co_await attempt(to.receive(batch));
  CO_ASSERT(!failed);
  EXPECT_EQ(failed.error(), std::errc::host_unreachable);
  const std::size_t rest = co_await to.receive(batch);
  EXPECT_EQ(rest, 6U);
}

CO_TEST(KernelFault, that_interrupts_a_wait_for_a_child_is_not_told) {
  const std::array<std::string, 1> command{"true"};
  Process process = co_await Process::start(command);
  const SystemFault waiting(Call::wait_child, EINTR, 3);
  const ExitStatus status = co_await process.wait();
  EXPECT_EQ(status.to_string(), "exited with 0");
  EXPECT_EQ(waiting.failures(), 3);
}

// The kernel tells it once, and shows an orderly end from then on.
CO_TEST(KernelFault, that_breaks_a_connection_is_told_to_every_later_read) {
  if (!SystemFault::reaches_transfers) co_return;
  for (const int number : {ECONNRESET, ECONNABORTED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH}) {
    Pair pair = co_await connected();
    {
      const SystemFault in_a_call(Call::receive, number);
      const SystemFault in_the_ring(Call::ring_receive, number);
      Result<std::string> broken = co_await attempt(read_text(pair.server, 1));
      CO_ASSERT(!broken);
      EXPECT_EQ(broken.error().code().value(), number);
    }
    co_await pair.client.shutdown_write();
    Result<std::string> later = co_await attempt(read_text(pair.server, 1));
    CO_ASSERT(!later);
    EXPECT_EQ(later.error().code().value(), number);
  }
}

// ---- The ring's operations ----------------------------------------------------------------------

// A thread of the kernel's that was interrupted, or lost a race: nothing has moved.
CO_TEST(KernelFault, that_interrupts_a_transfer_in_the_ring_is_not_told) {
  const bool in_ring = is_on("io_uring");
  for (const int number : {EINTR, EAGAIN}) {
    Pair pair = co_await connected();
    const SystemFault receiving(Call::ring_receive, number, 3);
    const SystemFault sending(Call::ring_send, number, 3);
    co_await pair.client.write_all("hello");
    const std::string text = co_await read_text(pair.server, 5);
    EXPECT_EQ(text, "hello");
    const std::array<ConstBuffer, 2> parts{bytes_of(std::string_view("wor")),
                                           bytes_of(std::string_view("ld"))};
    co_await pair.server.write_all(std::span<const ConstBuffer>(parts));
    std::string got;
    while (got.size() < 5) {
      const Lease data = co_await pair.client.receive();
      got += data.text();
    }
    EXPECT_EQ(got, "world");
    EXPECT_EQ(receiving.failures(), in_ring ? 3 : 0);
    EXPECT_EQ(sending.failures(), in_ring ? 3 : 0);
  }
}

// A cancel that the kernel has no use for any more: what was canceled completes.
CO_TEST(KernelFault, that_lets_an_accept_win_over_its_cancel_takes_no_client_in) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const SystemFault late(Call::ring_cancel, ENOENT);
  Result<StreamSocket> early = std::unexpected(Error(std::errc::io_error, "accept"));
  auto accept = [&]() -> Task<> { early = co_await attempt(listener.accept()); };
  StreamSocket client;
  auto body = [&](Group& group) -> Task<> {
    ChildTask<void> child = group.spawn(accept());
    co_await until_it_waits();
    child.stop();
    co_await yield();
    client = co_await StreamSocket::connect(listener.address());
  };
  co_await with_group(body);
  EXPECT_FALSE(early) << "it had been given up";
  const StreamSocket taken = co_await with_timeout(patience, listener.accept());
}

CO_TEST(KernelFault, that_lets_a_receive_win_over_its_cancel_takes_no_datagram) {
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0");
  const SystemFault late(Call::ring_cancel, ENOENT);
  std::array<std::byte, 16> room;
  bool received = false;
  auto receive = [&]() -> Task<> {
    const Result<Datagram> early = co_await attempt(to.receive(room));
    received = early.has_value();
  };
  auto body = [&](Group& group) -> Task<> {
    ChildTask<void> child = group.spawn(receive());
    co_await until_it_waits();
    child.stop();
    co_await yield();
    co_await from.send("x", to.address());
  };
  co_await with_group(body);
  EXPECT_FALSE(received) << "it had been given up";
  const Datagram kept = co_await with_timeout(patience, to.receive(room));
  EXPECT_EQ(kept.data.size(), 1U);
}

Task<> wait_on_all(std::vector<Pair>& pairs, Group& group) {
  auto read = [](StreamSocket& socket) -> Task<> {
    static_cast<void>(co_await read_text(socket, 1));
  };
  for (Pair& pair : pairs) group.start(read(pair.server));
  co_await until_it_waits();
}

Task<> cancel_more_than_the_ring_takes() {
  std::vector<Pair> pairs;
  for (int i = 0; i < 40; ++i) pairs.push_back(co_await connected());
  auto body = [&](Group& group) -> Task<> {
    co_await wait_on_all(pairs, group);
    const SystemFault full(Call::ring_submit, EBUSY, SystemFault::always);
    group.stop();
  };
  co_await with_group(body);
}

TEST(KernelFault, of_a_ring_that_takes_no_more_delays_cancels) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.ring_entries = 4});
  const Result<> result = run(*runtime, with_timeout(10s, cancel_more_than_the_ring_takes()));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

// ---- Waiting until all has been acknowledged ----------------------------------------------------

CO_TEST(KernelFault, is_none_where_the_peer_closes_in_order_while_we_look) {
  Pair pair = co_await connected_with_small_buffers();
  fill(pair.client.native_handle());
  co_await pair.client.shutdown_write();
  co_await pair.server.shutdown_write();
  const std::string nothing = co_await read_to_end(pair.client);
  EXPECT_EQ(nothing, "");
  // The last byte and the end are acknowledged, and so the connection closed, between two looks.
  const BeforeTcpInfo drained([server = pair.server.native_handle()] {
    std::array<char, 4096> room;
    pollfd readable{.fd = server, .events = POLLIN, .revents = 0};
    while (::poll(&readable, 1, 5000) == 1 && ::recv(server, room.data(), room.size(), 0) > 0) {
    }
  });
  const Result<> acknowledged = co_await attempt(pair.client.wait_acknowledged());
  EXPECT_TRUE(acknowledged) << acknowledged.error().to_string();
  EXPECT_TRUE(BeforeTcpInfo::has_happened()) << "nothing was left to be acknowledged";
}

}  // namespace
}  // namespace ieum::test
