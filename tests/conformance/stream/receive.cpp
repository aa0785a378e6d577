// receive(): what comes, leased in buffers of the runtime's, over every kind of stream, and how it
// ends.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>

#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ReceiveOnSocket);

// ---- What comes ---------------------------------------------------------------------------------

CO_TEST_P(ReceiveOnSocket, of_the_abstract_stream_gives_the_same) {
  Pair pair = co_await connected(transport);
  Stream& client = pair.client;
  Stream& server = pair.server;
  const std::vector<std::byte> source = random_bytes(1'000'000, seed());
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_and_finish(client, source));
    got = co_await receive_to_end(server);
  };
  co_await with_group(body);
  EXPECT_TRUE(is_same(got, source));
}

CO_TEST(Receive, of_a_pipe) {
  Pipe pipe;
  DescriptorStream input =
      co_await DescriptorStream::open(pipe.reader.get(), DescriptorStream::Direction::input);
  DescriptorStream output =
      co_await DescriptorStream::open(pipe.writer.get(), DescriptorStream::Direction::output);
  const std::vector<std::byte> source = random_bytes(1'000'000, seed());
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_and_finish(output, source));
    got = co_await receive_to_end(input);
  };
  co_await with_group(body);
  pipe.writer.release();  // shutdown_write has closed it
  EXPECT_TRUE(is_same(got, source));
}

CO_TEST(Receive, of_a_regular_file) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("file");
  const std::vector<std::byte> source = random_bytes(1'000'000, seed());
  {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(source.data()),
               static_cast<std::streamsize>(source.size()));
  }
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  DescriptorStream input =
      co_await DescriptorStream::open(file.get(), DescriptorStream::Direction::input);
  const std::string got = co_await receive_to_end(input);
  EXPECT_TRUE(is_same(got, source));
}

CO_TEST(Receive, of_dev_null_is_its_end) {
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  DescriptorStream input =
      co_await DescriptorStream::open(nothing.get(), DescriptorStream::Direction::input);
  const Lease data = co_await input.receive();
  EXPECT_TRUE(data.empty());
}

// ---- How it ends --------------------------------------------------------------------------------

CO_TEST_P(ReceiveOnSocket, the_next_owner_of_the_number_gets_its_own_data) {
  for (int round = 0; round < 20; ++round) {
    Listener listener = co_await Listener::bind(any_address(transport));
    StreamSocket former = co_await StreamSocket::connect(listener.address());
    StreamSocket former_server = co_await listener.accept();
    StreamSocket next_server;
    const int number = former.native_handle();
    Receiving receiving;
    std::string got;
    auto body = [&](Group& group) -> Task<> {
      group.start(receive_once(former, receiving));
      co_await let_it_wait();
      if (round % 2 == 0) co_await former_server.write_all("stale");  // an event is on its way
      co_await former.close();
      StreamSocket next = co_await StreamSocket::connect(listener.address());
      EXPECT_EQ(next.native_handle(), number);
      next_server = co_await listener.accept();
      co_await next_server.write_all("fresh");
      const Lease data = co_await next.receive();
      got = data.text();
    };
    co_await with_group(body);
    EXPECT_EQ(got, "fresh");
    // Either it was canceled, or it had won what was its own; never what came later.
    if (round % 2 == 0 && receiving.ended == "succeeded") {
      EXPECT_EQ(receiving.got, "stale");
    } else {
      EXPECT_TRUE(receiving.ended.ends_with(": canceled")) << receiving.ended;
    }
  }
}

}  // namespace
}  // namespace ieum::test
