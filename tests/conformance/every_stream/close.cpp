// Closing: what was written arrives, what is pending ends, a stop does not keep it from closing.
#include "conformance/every_stream/streams.hpp"
#include "conformance/pending.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(CloseOver);

CO_TEST_STREAM(CloseOver, sends_what_was_written_and_then_the_end) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string much(100'000, 'm');
  co_await pair.client.write_all(much);
  co_await pair.client.close();
  EXPECT_FALSE(pair.client.is_open());
  const std::string got = co_await read_to_end(pair.server);
  EXPECT_EQ(got, much);
}

CO_TEST_STREAM(CloseOver, twice_is_an_error) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string address = pair.client.peer_address().to_string();
  co_await pair.client.close();
  Result<> again = co_await attempt(pair.client.close());
  CO_ASSERT(!again);
  EXPECT_EQ(again.error().to_string(), "close " + address + ": bad file descriptor");
}

CO_TEST_STREAM(CloseOver, ends_a_pending_read_and_a_pending_write) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::string address = pair.client.peer_address().to_string();
  Pending pending;
  auto body = [&](Group& group) -> Task<> {
    group.start(pending_read(pair.client, pending));
    group.start(pending_write(pair.client, pending));
    co_await until_it_waits();
    co_await pair.client.close();
  };
  co_await with_group(body);
  EXPECT_THAT(pending.read, is_told(kind, "read", " " + address + ": canceled"));
  EXPECT_THAT(pending.written, is_told(kind, "write", " " + address + ": canceled"));
}

CO_TEST_STREAM(CloseOver, by_a_task_that_was_stopped_still_closes) {
  Ends pair = co_await connected<Ends>(kind);
  auto closing = [&]() -> Task<> {
    Result<> slept = co_await attempt(sleep(1h));
    EXPECT_FALSE(slept);
    co_await pair.client.close();  // although a stop was asked for
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(closing());
    co_await until_it_waits();
    group.stop();
  };
  co_await with_group(body);
  EXPECT_FALSE(pair.client.is_open());
  const std::string rest = co_await read_to_end(pair.server);
  EXPECT_EQ(rest, "");
}

}  // namespace
}  // namespace ieum::test
