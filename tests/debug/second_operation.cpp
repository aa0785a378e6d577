// What a debug build does where a release build refuses a second operation: it names both and
// aborts. The two sources of the library that know the difference are compiled into this program
// with IEUM_DEBUG; the rest is the library as it is.
#include <array>
#include <cstddef>
#include <utility>

#include <ieum/ieum.hpp>

#include "support/support.hpp"

namespace ieum::test {
namespace {

Task<> read_into(StreamSocket& socket, std::span<std::byte> room) {
  co_await socket.read_some(room);
}

Task<> read_twice() {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  std::array<std::byte, 8> room{};
  std::array<std::byte, 8> second{};
  auto body = [&](Group& group) -> Task<> {
    group.start(read_into(pair.first, room));
    co_await yield();
    co_await pair.first.read_some(second);
  };
  co_await with_group(body);
}

Task<> receive_into(Mailbox<int>& mailbox) { co_await mailbox.receive(); }

Task<> receive_twice() {
  auto [sender, mailbox] = Mailbox<int>::create(1);
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_into(mailbox));
    co_await yield();
    co_await mailbox.receive();
  };
  co_await with_group(body);
}

TEST(SecondOperationDeath, on_a_socket_names_both) {
  EXPECT_DEATH(static_cast<void>(run(read_twice())),
               "a read was begun on descriptor [0-9]+ while a read is pending on it");
}

TEST(SecondOperationDeath, on_a_mailbox_names_both) {
  EXPECT_DEATH(static_cast<void>(run(receive_twice())),
               "receive from mailbox: a receive was begun while a receive is pending on it");
}

}  // namespace
}  // namespace ieum::test
