// select: what several operations at once give, and that none of it is lost.
#include <ieum/select.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(SelectAccepts);

CO_TEST_P(SelectAccepts, accepts_lose_no_client) {
  constexpr int count = 50;
  const Transport of = transport;
  Listener first = co_await Listener::bind(any_address(of));
  Listener second = co_await Listener::bind(any_address(of));
  int accepted = 0;
  auto connect_all = [](Address to) -> Task<> {
    for (int i = 0; i < count; ++i) {
      StreamSocket client = co_await StreamSocket::connect(to);
      std::array<std::byte, 1> room;
      const std::size_t bytes = co_await client.read_some(room);  // the other end is closed
      EXPECT_EQ(bytes, 0U);
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(connect_all(first.address()));
    group.start(connect_all(second.address()));
    while (accepted < 2 * count) {
      auto both = co_await select(first.accept(), second.accept());
      if (auto& one = std::get<0>(both)) {
        StreamSocket socket = co_await std::move(*one);
        ++accepted;
        co_await socket.close();
      }
      if (auto& one = std::get<1>(both)) {
        StreamSocket socket = co_await std::move(*one);
        ++accepted;
        co_await socket.close();
      }
    }
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(accepted, 2 * count);
}

CO_TEST(WaitReadable, of_a_stream_that_cannot) {
  class Silent final : public Stream {
   public:
    Task<> shutdown_write() override { co_return; }
    Task<> close() override { co_return; }
    [[nodiscard]] bool is_open() const noexcept override { return true; }
    void begin_read(detail::StreamIo& /*io*/, std::span<std::byte> /*into*/) override {}
    void begin_write(detail::StreamIo& /*io*/, const detail::WriteRequest& /*write*/) override {}
  };
  Silent stream;
  const Result<> result = co_await attempt(stream.wait_readable());
  CO_ASSERT(!result);
  EXPECT_EQ(result.error(), std::errc::operation_not_supported);
}

CO_TEST(DescriptorStreamOnPipe, waits_until_readable) {
  Pipe pipe;
  DescriptorStream stream =
      co_await DescriptorStream::open(pipe.reader.get(), DescriptorStream::Direction::input);
  auto either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  EXPECT_EQ(::write(pipe.writer.get(), "ab", 2), 2);
  co_await stream.wait_readable();
  const std::string text = co_await read_text(stream, 2);
  EXPECT_EQ(text, "ab");
  pipe.writer.close();
  co_await stream.wait_readable();
  const std::string rest = co_await read_to_end(stream);
  EXPECT_EQ(rest, "");
}

CO_TEST(DescriptorStreamOnSocket, waits_until_readable) {
  auto ends = co_await StreamSocket::pair();
  auto& [near, far] = ends;
  DescriptorStream stream =
      co_await DescriptorStream::open(near.native_handle(), DescriptorStream::Direction::input);
  auto either = co_await select(stream.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await far.write_all("ab");
  co_await stream.wait_readable();
  const std::string text = co_await read_text(stream, 2);
  EXPECT_EQ(text, "ab");
}

CO_TEST(DescriptorStreamOnFile, is_always_readable) {
  TemporaryFile file("text");
  auto path = file.path();
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  DescriptorStream stream =
      co_await DescriptorStream::open(descriptor.get(), DescriptorStream::Direction::input);
  co_await stream.wait_readable();
  const std::string text = co_await read_to_end(stream);
  EXPECT_EQ(text, "text");
}

CO_TEST(Select, datagrams_are_left_or_given) {
  DatagramSocket receiver = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket sender = co_await DatagramSocket::bind("127.0.0.1:0");
  std::array<std::byte, 64> room;
  auto either = co_await select(receiver.receive(room), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await sender.send("first", receiver.address());
  co_await sender.send("second", receiver.address());
  std::string got;
  while (got.size() < 11) {
    either = co_await select(receiver.receive(room), sleep(1ms));
    if (!std::get<0>(either)) continue;
    const Datagram datagram = co_await *std::move(std::get<0>(either));
    got.append(reinterpret_cast<const char*>(datagram.data.data()), datagram.data.size());
  }
  EXPECT_EQ(got, "firstsecond");
}

CO_TEST(Process, its_output_is_waited_for) {
  const std::vector<std::string> command{"sh", "-c", "read line; echo $line"};
  Process process = co_await Process::start(command, {.input = ProcessOptions::Standard::stream,
                                                      .output = ProcessOptions::Standard::stream});
  auto either = co_await select(process.output().wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await process.input().write_all("hello\n");
  co_await process.output().wait_readable();
  const std::string text = co_await read_text(process.output(), 6);
  EXPECT_EQ(text, "hello\n");
  co_await process.wait();
}

}  // namespace
}  // namespace ieum::test
