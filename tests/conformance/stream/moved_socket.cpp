// Moving a socket to another runtime: nothing is lost on the way, in either direction, or by an
// end.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(MovedSocket);

/// Off its runtime and on again.
Task<> move_here(StreamSocket& socket) {
  DetachedSocket detached = co_await socket.detach();
  EXPECT_FALSE(socket.is_open());
  socket = co_await StreamSocket::attach(std::move(detached));
}

CO_TEST_P(MovedSocket, reads_what_came_meanwhile_and_writes) {
  Pair pair = co_await connected(transport);
  const Address peer = pair.server.peer_address();
  const Address local = co_await pair.server.local_address();
  co_await pair.client.write_all("before");
  const std::string first = co_await read_text(pair.server, 3);
  EXPECT_EQ(first, "bef");
  DetachedSocket detached = co_await pair.server.detach();
  EXPECT_FALSE(pair.server.is_open());
  EXPECT_EQ(detached.peer_address(), peer);
  EXPECT_GE(detached.native_handle(), 0);
  co_await pair.client.write_all(" and meanwhile");
  StreamSocket moved = co_await StreamSocket::attach(std::move(detached));
  const std::string rest = co_await read_text(moved, 17);
  EXPECT_EQ(rest, "ore and meanwhile");
  EXPECT_EQ(moved.peer_address(), peer);
  const Address local_after = co_await moved.local_address();
  EXPECT_EQ(local_after, local);
  co_await moved.write_all("answer");
  const std::string answer = co_await read_text(pair.client, 6);
  EXPECT_EQ(answer, "answer");
}

CO_TEST_P(MovedSocket, waits_for_what_comes_later) {
  Pair pair = co_await connected(transport);
  std::array<std::byte, 8> buffer;
  for (int i = 0; i < 10; ++i) {
    // It has waited before, and been given up.
    const Result<std::size_t> none =
        co_await attempt(with_timeout(1ms, pair.server.read_some(buffer)));
    EXPECT_EQ(none.error(), std::errc::timed_out);
    co_await move_here(pair.server);
    auto body = [&](Group& group) -> Task<> {
      auto expect = [](StreamSocket& socket) -> Task<> {
        const std::string text = co_await read_text(socket, 4);
        EXPECT_EQ(text, "late");
      };
      group.start(expect(pair.server));
      co_await sleep(1ms);
      co_await pair.client.write_all("late");
    };
    co_await with_group(body);
  }
}

CO_TEST_P(MovedSocket, goes_on_writing_once_there_is_room_again) {
  Pair pair = co_await connected_with_small_buffers(transport);
  const std::vector<std::byte> data = random_bytes(400'000, seed());
  std::size_t sent = 0;
  bool full = false;
  while (!full) {
    const Result<std::size_t> count = co_await attempt(
        with_timeout(1ms, pair.client.write_some(ConstBuffer(data).subspan(sent))));
    full = !count;
    if (count) sent += *count;
  }
  co_await move_here(pair.client);
  auto body = [&](Group& group) -> Task<> {
    auto send_rest = [](StreamSocket& socket, ConstBuffer rest) -> Task<> {
      co_await socket.write_all(rest);
    };
    group.start(send_rest(pair.client, ConstBuffer(data).subspan(sent)));
    std::vector<std::byte> received(data.size());
    co_await pair.server.read_exact(received);
    EXPECT_EQ(received, data);
  };
  co_await with_group(body);
}

CO_TEST_P(MovedSocket, reads_the_end_that_came_meanwhile) {
  Pair pair = co_await connected(transport);
  DetachedSocket detached = co_await pair.server.detach();
  co_await pair.client.write_all("bye");
  co_await pair.client.shutdown_write();
  StreamSocket moved = co_await StreamSocket::attach(std::move(detached));
  const std::string text = co_await read_to_end(moved);
  EXPECT_EQ(text, "bye");
}

CO_TEST_P(MovedSocket, is_closed_if_it_is_dropped) {
  Pair pair = co_await connected(transport);
  {
    DetachedSocket detached = co_await pair.server.detach();
    DetachedSocket other = std::move(detached);
    EXPECT_EQ(detached.native_handle(), -1);
    EXPECT_GE(::fcntl(other.native_handle(), F_GETFD), 0);
  }
  const std::string text = co_await read_to_end(pair.client);
  EXPECT_EQ(text, "");
}

CO_TEST_P(MovedSocket, that_is_none_is_an_error) {
  Pair pair = co_await connected(transport);
  DetachedSocket detached = co_await pair.server.detach();
  Result<DetachedSocket> again = pair.server.detach();
  CO_ASSERT(!again);
  EXPECT_EQ(again.error(), std::errc::bad_file_descriptor);
  StreamSocket moved = co_await StreamSocket::attach(std::move(detached));
  Result<StreamSocket> twice = StreamSocket::attach(std::move(detached));
  CO_ASSERT(!twice);
  EXPECT_EQ(twice.error(), std::errc::bad_file_descriptor);
}

CO_TEST(MovedSockets, tells_a_reset_that_came_meanwhile) {
  Pair pair = co_await connected();
  DetachedSocket detached = co_await pair.server.detach();
  co_await pair.client.reset();
  StreamSocket moved = co_await StreamSocket::attach(std::move(detached));
  std::array<std::byte, 8> buffer;
  for (int i = 0; i < 2; ++i) {
    const Result<std::size_t> count = co_await attempt(moved.read_some(buffer));
    CO_ASSERT(!count);
    EXPECT_EQ(count.error(), std::errc::connection_reset);
  }
}

CO_TEST(MovedSockets, that_has_broken_stays) {
  Pair pair = co_await connected();
  co_await pair.client.reset();
  std::array<std::byte, 8> buffer;
  const Result<std::size_t> count = co_await attempt(pair.server.read_some(buffer));
  EXPECT_EQ(count.error(), std::errc::connection_reset);
  const Result<DetachedSocket> detached = pair.server.detach();
  CO_ASSERT(!detached);
  EXPECT_EQ(detached.error().to_string(),
            "detach " + pair.server.peer_address().to_string() + ": connection reset by peer");
  EXPECT_TRUE(pair.server.is_open());
}

// ---- Between cores ------------------------------------------------------------------------------

/// A connection with what was read from it so far; without one it says that all is done.
struct Moving {
  std::optional<DetachedSocket> socket;
  std::vector<std::byte> received;
  int moves = 0;
};

/// Reads and answers a bit, waits now and then for nothing, and gives the socket to the other core.
Task<> carry_on(Mailbox<Moving>& from, MailboxSender<Moving>& to, std::size_t total,
                Moving& arrived) {
  std::vector<std::byte> buffer(3000);
  for (;;) {
    Moving moving = co_await from.receive();
    if (!moving.socket) co_return;
    StreamSocket socket = co_await StreamSocket::attach(*std::move(moving.socket));
    const std::size_t room = 1 + static_cast<std::size_t>(moving.moves) * 977 % buffer.size();
    const std::span<std::byte> part = std::span(buffer).first(room);
    const Duration limit = std::chrono::microseconds(moving.moves % 3 * 200);
    const Result<std::size_t> count = co_await attempt(with_timeout(limit, socket.read_some(part)));
    if (count) {
      co_await socket.write_all(ConstBuffer(part).first(*count));
      moving.received.insert(moving.received.end(), part.begin(),
                             part.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    ++moving.moves;
    if (moving.received.size() == total) {
      arrived = std::move(moving);
      Moving done;
      co_await to.send(std::move(done));
      co_return;
    }
    DetachedSocket detached = co_await socket.detach();
    moving.socket.emplace(std::move(detached));
    co_await to.send(std::move(moving));
  }
}

Task<> expect_echo(StreamSocket& client, ConstBuffer data) {
  auto body = [&](Group& group) -> Task<> {
    auto send = [](StreamSocket& socket, ConstBuffer all) -> Task<> {
      co_await socket.write_all(all);
    };
    group.start(send(client, data));
    std::vector<std::byte> echoed(data.size());
    co_await client.read_exact(echoed);
    EXPECT_TRUE(same_bytes(echoed, data));
  };
  co_await with_group(body);
}

TEST_P(MovedSocket, between_two_cores_again_and_again_under_load) {
  if (!has(GetParam())) GTEST_SKIP() << "this machine has no IPv6";
  const std::vector<std::byte> data = random_bytes(sanitized ? 500'000 : 3'000'000, seed());
  auto first = Mailbox<Moving>::create(1);
  auto second = Mailbox<Moving>::create(1);
  Moving arrived;
  auto accept_one = [&](Listener& listener) -> Task<> {
    StreamSocket socket = co_await listener.accept();
    DetachedSocket detached = co_await socket.detach();
    Moving moving;
    moving.socket.emplace(std::move(detached));
    co_await first.sender.send(std::move(moving));
  };
  auto talk = [&]() -> Task<> {
    Listener listener = co_await Listener::bind(any_address(GetParam()));
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    co_await accept_one(listener);
    co_await expect_echo(client, data);
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == 0) return talk();
    if (core.index() == 1) return carry_on(first.mailbox, second.sender, data.size(), arrived);
    return carry_on(second.mailbox, first.sender, data.size(), arrived);
  };
  const Result<> ended = run_on_cores(body, {.count = 3});
  EXPECT_TRUE(ended) << ended.error().to_string_with_trace();
  EXPECT_TRUE(same_bytes(arrived.received, data));
  EXPECT_GT(arrived.moves, 10);
}

/// One core accepts, the others serve; descriptors' numbers are used again on other cores.
TEST(MovedSockets, from_an_acceptor_to_the_others) {
  constexpr std::size_t clients = 300;
  constexpr std::size_t servers = 2;
  std::vector<Mailbox<DetachedSocket>> mailboxes;
  std::vector<MailboxSender<DetachedSocket>> senders;
  for (std::size_t i = 0; i < servers; ++i) {
    auto ends = Mailbox<DetachedSocket>::create(4);
    mailboxes.push_back(std::move(ends.mailbox));
    senders.push_back(std::move(ends.sender));
  }
  auto accepting = [&](Listener& listener) -> Task<> {
    for (std::size_t i = 0; i < clients; ++i) {
      StreamSocket socket = co_await listener.accept();
      DetachedSocket detached = co_await socket.detach();
      co_await senders[i % servers].send(std::move(detached));
    }
    senders.clear();  // which ends the servers
  };
  auto talking = [](Address address) -> Task<> {
    for (std::size_t i = 0; i < clients; ++i) {
      StreamSocket socket = co_await StreamSocket::connect(address);
      const std::string text = std::to_string(i);
      co_await socket.write_all(text);
      const std::string got = co_await read_text(socket, text.size());
      EXPECT_EQ(got, text);
    }
  };
  auto accept_and_talk = [&]() -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    auto both = [&](Group& group) -> Task<> {
      group.start(accepting(listener));
      co_await talking(listener.address());
    };
    co_await with_group(both);
  };
  auto serving = [](Mailbox<DetachedSocket> mailbox) -> Task<> {
    for (;;) {
      Result<DetachedSocket> detached = co_await attempt(mailbox.receive());
      if (!detached) co_return;
      StreamSocket socket = co_await StreamSocket::attach(*std::move(detached));
      co_await echo(std::move(socket));
    }
  };
  auto body = [&](Core& core) -> Task<> {
    if (core.index() == servers) return accept_and_talk();
    return serving(std::move(mailboxes[core.index()]));
  };
  const Result<> ended = run_on_cores(body, {.count = servers + 1});
  EXPECT_TRUE(ended) << ended.error().to_string_with_trace();
}

TEST(MovedSockets, that_nobody_receives_are_closed) {
  auto ends = Mailbox<DetachedSocket>::create(4);
  std::atomic<bool> sent = false;
  auto sending = [&]() -> Task<> {
    Pair pair = co_await connected();
    DetachedSocket detached = co_await pair.server.detach();
    co_await ends.sender.send(std::move(detached));
    sent = true;
    const std::string text = co_await read_to_end(pair.client);
    EXPECT_EQ(text, "");
  };
  auto closing = [&]() -> Task<> {
    while (!sent) co_await sleep(100us);
    ends.mailbox.close();
  };
  auto body = [&](Core& core) -> Task<> { return core.index() == 0 ? sending() : closing(); };
  const Result<> ended = run_on_cores(body, {.count = 2});
  EXPECT_TRUE(ended) << ended.error().to_string_with_trace();
}

TEST(MovedListener, accepts_on_the_other_runtime_who_waited) {
  auto binding = []() -> Task<DetachedListener> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    DetachedListener detached = co_await listener.detach();
    EXPECT_FALSE(listener.is_open());
    EXPECT_EQ(detached.address().port(), listener.address().port());
    co_return detached;
  };
  DetachedListener detached = run_alone(binding()).value();
  const Address address = detached.address();
  auto connecting = [&]() -> Task<> {
    StreamSocket early = co_await StreamSocket::connect(address);
    auto serving = [&]() -> Task<> {
      Listener listener = co_await Listener::attach(std::move(detached));
      EXPECT_EQ(listener.address(), address);
      for (int i = 0; i < 2; ++i) {
        StreamSocket peer = co_await listener.accept();
        co_await echo(std::move(peer));
      }
    };
    std::jthread server([&] { expect_success_in_time(serving()); });
    {
      StreamSocket first = std::move(early);
      co_await first.write_all("early");
      const std::string got = co_await read_text(first, 5);
      EXPECT_EQ(got, "early");
    }
    {
      StreamSocket late = co_await StreamSocket::connect(address);
      co_await late.write_all("late");
      const std::string got = co_await read_text(late, 4);
      EXPECT_EQ(got, "late");
    }
    server.join();
  };
  expect_success_in_time(connecting());
}

TEST(MovedSocketDeath, while_an_operation_is_pending) {
  auto task = []() -> Task<> {
    Pair pair = co_await connected();
    auto read = [](StreamSocket& socket) -> Task<> {
      std::array<std::byte, 8> buffer;
      co_await socket.read_some(buffer);
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(read(pair.server));
      co_await sleep(1ms);
      static_cast<void>(pair.server.detach());
    };
    co_await with_group(body);
  };
  EXPECT_DEATH(static_cast<void>(run_alone(task())),
               "a socket is detached while an operation on it is pending");
}

}  // namespace
}  // namespace ieum::test
