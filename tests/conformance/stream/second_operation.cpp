// A second operation of one direction on a socket: an error of that one, whenever it happens.
#include <array>

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

}  // namespace
}  // namespace ieum::test
