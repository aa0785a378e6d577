// Half-closing: each side says that it has finished, in each order, and goes on reading.
#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ShutDownReadOver);

CO_TEST_P(ShutDownReadOver, the_receiving_half_ends_a_pending_read) {
  Pair pair = co_await connected(transport);
  auto body = [&](Group& group) -> Task<> {
    group.start(expect_end(pair.server));
    co_await sleep(2ms);
    const Result<> shut = pair.server.shutdown_read();
    EXPECT_TRUE(shut);
  };
  co_await with_group(body);
  co_await pair.server.write_all("still sent");
  const std::string text = co_await read_text(pair.client, 10);
  EXPECT_EQ(text, "still sent");
}

}  // namespace
}  // namespace ieum::test
