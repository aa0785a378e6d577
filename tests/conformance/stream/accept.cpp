// Who is taken in: as many clients as were asked for, by whoever asks.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

/// Connects `count` clients that do nothing.
Task<> connect_all(const Address& to, int count, std::vector<StreamSocket>& clients) {
  for (int i = 0; i < count; ++i) clients.push_back(co_await StreamSocket::connect(to));
}

/// Clients by system calls, while the loop does not turn.
std::vector<Descriptor> connect_now(const Address& to, int count) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(to.port());
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<Descriptor> clients;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* address = reinterpret_cast<const sockaddr*>(&name);
    EXPECT_EQ(::connect(clients.back().get(), address, sizeof name), 0);
  }
  return clients;
}

CO_TEST(AcceptOfSystemsClients, takes_in_nobody_beyond_what_a_server_may_have) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  auto idle = [](StreamSocket /*peer*/) -> Task<> { co_await sleep(1h); };
  Server server(std::move(listener), idle, {.sessions_max = 10});
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await until_it_waits();
    const int before = open_descriptors();
    const std::vector<Descriptor> clients = connect_now(address, 100);
    while (server.sessions() < 10) co_await sleep(1ms);
    for (int i = 0; i < 5; ++i) co_await sleep(1ms);
    EXPECT_EQ(open_descriptors() - before, 100 + 10);
    EXPECT_EQ(server.sessions(), 10U);
    group.stop();
  };
  Result<> stopped = co_await attempt(with_group(body));
  EXPECT_TRUE(stopped || stopped.error() == std::errc::operation_canceled);
}

CO_TEST(Accept, that_was_given_up_takes_nobody_in) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  for (int i = 0; i < 20; ++i) {
    Result<StreamSocket> early =
        co_await attempt(with_timeout(std::chrono::microseconds(i * 50), listener.accept()));
    EXPECT_FALSE(early);
  }
  const int before = open_descriptors();
  std::vector<StreamSocket> clients;
  co_await connect_all(listener.address(), 10, clients);
  for (int i = 0; i < 5; ++i) co_await sleep(1ms);
  EXPECT_EQ(open_descriptors() - before, is_simulated() ? 0 : 10);
  for (int i = 0; i < 10; ++i) static_cast<void>(co_await listener.accept());
}

/// Two runtimes with the same open listener, as after a fork.
struct Shared {
  std::unique_ptr<Runtime> busy = make_runtime();
  std::unique_ptr<Runtime> idle = make_runtime();
  std::optional<Listener> of_busy;
  std::optional<Listener> of_idle;
};

Task<> bind_shared(std::optional<Listener>& listener) {
  listener = co_await Listener::bind("127.0.0.1:0");
}
Task<> adopt_shared(std::optional<Listener>& listener, int descriptor) {
  ieum::Descriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  listener = co_await Listener::adopt(std::move(copy));
}
Task<> take_client(Listener& listener) { const StreamSocket client = co_await listener.accept(); }
/// That the idle one, which waits, takes those who come now.
void expect_idle_takes(Shared& shared) {
  for (int i = 0; i < 3; ++i) {
    Running<void> taking = shared.idle->start(with_timeout(2s, take_client(*shared.of_idle)));
    for (int turn = 0; turn < 3; ++turn) shared.idle->turn(Duration::zero());
    const std::vector<Descriptor> client = connect_now(shared.of_idle->address(), 1);
    while (!taking.done()) shared.idle->turn();
    const Result<> taken = taking.take();
    EXPECT_TRUE(taken) << taken.error().to_string();
  }
}

void share(Shared& shared) {
  ASSERT_TRUE(run(*shared.busy, bind_shared(shared.of_busy)));
  ASSERT_TRUE(run(*shared.idle, adopt_shared(shared.of_idle, shared.of_busy->native_handle())));
}

TEST(AcceptOfSharedListener, that_a_busy_process_has_asked_for_is_anothers) {
  Shared shared;
  share(shared);
  // It asks, then computes: its loop does not turn any more.
  Running<void> asking = shared.busy->start(take_client(*shared.of_busy));
  for (int i = 0; i < 3; ++i) shared.busy->turn(Duration::zero());
  expect_idle_takes(shared);
}

TEST(AcceptOfSharedListener, after_one_leaves_further_clients_to_the_others) {
  Shared shared;
  share(shared);
  Running<void> asking = shared.busy->start(with_timeout(2s, take_client(*shared.of_busy)));
  for (int i = 0; i < 3; ++i) shared.busy->turn(Duration::zero());
  const std::vector<Descriptor> client = connect_now(shared.of_idle->address(), 1);
  while (!asking.done()) shared.busy->turn();
  EXPECT_TRUE(asking.take());
  expect_idle_takes(shared);  // while the first one has something else to do
}

}  // namespace
}  // namespace ieum::test
