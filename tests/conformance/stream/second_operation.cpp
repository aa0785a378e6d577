// A second operation of one direction on a socket, or a second wait for what one may wait for at a
// time: an error of that one, whenever it happens.
#include <array>
#include <optional>
#include <stdexcept>
#include <string>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

CO_TEST(SecondOperation, a_write_beside_a_write_is_an_error_and_the_first_goes_on) {
  Pair pair = co_await connected();
  const std::size_t before = fill(pair.client.native_handle());
  bool written = false;
  auto writing = [&]() -> Task<> {
    co_await pair.client.write_all("first");
    written = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await until_it_waits();
    Result<> second = co_await attempt(pair.client.write_all("second"));
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(second.error().detail(), "a write was begun while a write is pending on it");
    EXPECT_FALSE(written);
    const std::string all = co_await read_text(pair.server, before + 5);
    EXPECT_EQ(all.substr(before), "first");
  };
  co_await with_group(body);
  EXPECT_TRUE(written);
  co_await pair.client.write_all("third");
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "third");
}

CO_TEST(SecondOperation, a_read_or_a_receive_beside_a_read_is_an_error_and_the_first_goes_on) {
  Pair pair = co_await connected();
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_text(pair.server, 5); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await until_it_waits();
    std::array<std::byte, 8> room;
    Result<std::size_t> read = co_await attempt(pair.server.read_some(room));
    CO_ASSERT(!read);
    EXPECT_EQ(read.error(), std::errc::device_or_resource_busy);
    Result<Lease> received = co_await attempt(pair.server.receive());
    CO_ASSERT(!received);
    EXPECT_EQ(received.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(received.error().detail(), "a read was begun while a read is pending on it");
    co_await pair.client.write_all("hello");
  };
  co_await with_group(body);
  EXPECT_EQ(got, "hello");
}

CO_TEST(SecondOperation, an_accept_beside_an_accept_is_an_error_and_the_first_goes_on) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  bool accepted = false;
  auto accepting = [&]() -> Task<> {
    static_cast<void>(co_await listener.accept());
    accepted = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(accepting());
    co_await until_it_waits();
    Result<StreamSocket> second = co_await attempt(listener.accept());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(second.error().detail(), "an accept was begun while an accept is pending on it");
    const StreamSocket client = co_await StreamSocket::connect(listener.address());
  };
  co_await with_group(body);
  EXPECT_TRUE(accepted);
}

CO_TEST(SecondOperation, a_receive_of_datagrams_beside_another_is_an_error) {
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
  std::array<std::byte, 64> room;
  auto receiving = [&]() -> Task<> { static_cast<void>(co_await socket.receive(room)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await until_it_waits();
    std::array<std::byte, 64> other;
    Result<Datagram> second = co_await attempt(socket.receive(other));
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(SecondOperation, a_receive_from_a_mailbox_beside_another_is_an_error) {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  int got = 0;
  auto receiving = [&]() -> Task<> { got = co_await mailbox.receive(); };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await until_it_waits();
    const Result<int> second = co_await attempt(mailbox.receive());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_STREQ(second.error().operation(), "receive from mailbox");
    EXPECT_EQ(second.error().detail(), "a receive was begun while a receive is pending on it");
    co_await sender.send(7);
  };
  co_await with_group(body);
  EXPECT_EQ(got, 7);
  co_await sender.send(8);
  const int next = co_await mailbox.receive();
  EXPECT_EQ(next, 8);
}

CO_TEST(SecondOperation, a_pop_beside_a_pop_is_an_error_and_the_first_goes_on) {
  SendQueue queue;
  std::string got;
  auto popping = [&]() -> Task<> {
    const Payload payload = co_await queue.pop();
    got = payload.text();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(popping());
    co_await until_it_waits();
    const Result<Payload> second = co_await attempt(queue.pop());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(second.error().detail(), "a pop was begun while a pop is pending on it");
    EXPECT_TRUE(queue.try_push(Payload(std::string("first"))));
    // The first has been told, but has not run yet: what has come is its own.
    const Result<Payload> third = co_await attempt(queue.pop());
    CO_ASSERT(!third);
    EXPECT_EQ(third.error(), std::errc::device_or_resource_busy);
  };
  co_await with_group(body);
  EXPECT_EQ(got, "first");
  EXPECT_TRUE(queue.try_push(Payload(std::string("next"))));
  const Payload next = co_await queue.pop();
  EXPECT_EQ(next.text(), "next");
}

CO_TEST(SecondOperation, a_pop_that_nobody_took_leaves_its_payload_to_the_next) {
  SendQueue queue;
  EXPECT_TRUE(queue.try_push(Payload(std::string("kept"))));
  auto explode = []() -> Task<> {
    throw std::runtime_error("explode");
    co_return;
  };
  bool threw = false;
  try {
    static_cast<void>(co_await select(explode(), queue.pop()));
  } catch (const std::runtime_error&) {
    threw = true;
  }
  EXPECT_TRUE(threw);
  const Payload kept = co_await queue.pop();
  EXPECT_EQ(kept.text(), "kept");
}

CO_TEST(SecondOperation, a_wait_for_a_child_task_beside_another_is_an_error) {
  Event go;
  int got = 0;
  auto work = [&]() -> Task<int> {
    co_await go.wait();
    co_return 7;
  };
  auto waiting = [&](ChildTask<int>& child) -> Task<> { got = co_await child.result(); };
  auto body = [&](Group& group) -> Task<> {
    ChildTask<int> child = group.spawn(work());
    group.start(waiting(child));
    co_await until_it_waits();
    const Result<int> second = co_await attempt(child.result());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(second.error().detail(), "a wait was begun while a wait is pending on it");
    go.set();
    co_await group.join();
  };
  co_await with_group(body);
  EXPECT_EQ(got, 7);
}

CO_TEST(SecondOperation, a_wait_for_a_child_whose_value_another_was_told_of_is_an_error) {
  Event go;
  int got = 0;
  auto work = [&]() -> Task<int> {
    co_await go.wait();
    co_return 7;
  };
  auto waiting = [&](ChildTask<int>& child) -> Task<> { got = co_await child.result(); };
  Result<int> second = 0;
  auto body = [&](Group& group) -> Task<> {
    ChildTask<int> child = group.spawn(work());
    group.start(waiting(child));
    co_await until_it_waits();
    go.set();
    co_await yield();  // the child has ended, and who waits for it has not run yet
    second = co_await attempt(child.result());
    co_await group.join();
  };
  co_await with_group(body);
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
  EXPECT_EQ(got, 7);
}

CO_TEST(SecondOperation, a_join_beside_a_join_is_an_error_and_the_first_goes_on) {
  std::optional<Error> error;
  auto body = [&](Group& group) -> Task<> {
    auto joining = [&]() -> Task<> {
      co_await until_it_waits();
      const Result<> second = co_await attempt(group.join());
      if (!second) error = second.error();
    };
    group.start(joining());
    co_await group.join();
  };
  co_await with_group(body);
  CO_ASSERT(error);
  EXPECT_EQ(*error, std::errc::device_or_resource_busy);
  EXPECT_EQ(error->detail(), "a join was begun while a join is pending on it");
}

}  // namespace
}  // namespace ieum::test
