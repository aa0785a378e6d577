// PushbackStream: what was read too far comes first, then all else.
#include <array>

#include <ieum/pushback_stream.hpp>

#include "conformance/few_buffers.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(PushbackOver);

CO_TEST_P(PushbackOver, what_is_put_back_comes_first_by_every_way_of_reading) {
  Pair pair = co_await connected(transport);
  PushbackStream stream(std::move(pair.server));
  co_await pair.client.write_all("one two three");
  Lease first = co_await stream.receive();
  EXPECT_EQ(first.text(), "one two three");
  first.remove_prefix(4);
  stream.put_back(std::move(first));
  EXPECT_EQ(stream.held(), 9U);
  stream.put_back(bytes_of(std::string_view("zero ")));
  EXPECT_EQ(stream.held(), 14U);
  co_await stream.wait_readable();
  std::array<std::byte, 5> five{};
  std::size_t count = co_await stream.read_some(five);
  EXPECT_EQ(count, 5U);
  EXPECT_TRUE(same_bytes(five, bytes_of(std::string_view("zero "))));
  const Lease rest = co_await stream.receive();
  EXPECT_EQ(rest.text(), "two three");
  EXPECT_EQ(stream.held(), 0U);
  co_await pair.client.write_all(" four");
  const std::string four = co_await read_text(stream, 5);
  EXPECT_EQ(four, " four");
  co_await stream.write_all("answer");
  const std::string answer = co_await read_text(pair.client, 6);
  EXPECT_EQ(answer, "answer");
  stream.put_back(bytes_of(std::string_view("last")));
  co_await pair.client.close();
  const std::string last = co_await read_to_end(stream);
  EXPECT_EQ(last, "last");
  co_await stream.close();
  EXPECT_FALSE(stream.is_open());
}

CO_TEST(Pushback, a_lease_is_given_again_as_it_is_and_bytes_in_pieces) {
  Pair pair = co_await connected();
  PushbackStream stream(pair.server);
  co_await pair.client.write_all("whole");
  Lease data = co_await stream.receive();
  const std::byte* const where = data.data();
  stream.put_back(std::move(data));
  data = co_await stream.receive();
  EXPECT_EQ(data.data(), where);
  const std::vector<std::byte> much = random_bytes(200'000, seed());
  stream.put_back(much);
  std::vector<std::byte> got;
  while (stream.held() > 0) {
    const Lease piece = co_await stream.receive();
    got.insert(got.end(), piece.bytes().begin(), piece.bytes().end());
  }
  EXPECT_TRUE(same_bytes(got, much));
}

CO_TEST(Pushback, of_a_closed_stream_nothing_is_read) {
  Pair pair = co_await connected();
  PushbackStream stream(pair.server);
  stream.put_back(bytes_of(std::string_view("held")));
  co_await stream.close();
  const Result<Lease> data = co_await attempt(stream.receive());
  CO_ASSERT(!data);
  EXPECT_EQ(data.error(), std::errc::bad_file_descriptor);
}

FEW_BUFFERS_TEST(what_was_put_back_waits_for_one_and_is_not_lost_by_a_stop) {
  Pair pair = co_await connected();
  PushbackStream stream(pair.server);
  stream.put_back(bytes_of(std::string_view("held")));
  std::vector<Lease> all;
  for (unsigned i = 0; i < few; ++i) all.push_back(co_await lease_buffer(1));
  const Result<Lease> late = co_await attempt(with_timeout(20ms, stream.receive()));
  CO_ASSERT(!late);
  EXPECT_EQ(late.error(), std::errc::timed_out);
  EXPECT_EQ(stream.held(), 4U);
  all.pop_back();
  const Lease data = co_await stream.receive();
  EXPECT_EQ(data.text(), "held");
}

}  // namespace
}  // namespace ieum::test
