// What the kernel refuses, or answers only now and then: injected beneath the drivers.
#include <array>
#include <cerrno>
#include <ctime>

#include "base/driver.hpp"
#include "conformance/conformance.hpp"
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

// ---- The ring's operations ----------------------------------------------------------------------

// A thread of the kernel's that was interrupted, or lost a race: nothing has moved.
CO_TEST(KernelFault, that_interrupts_a_transfer_in_the_ring_is_not_told) {
  const bool in_ring = std::string_view(detail::Loop::current()->driver().name()) == "io_uring";
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

}  // namespace
}  // namespace ieum::test
