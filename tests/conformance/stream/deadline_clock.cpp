// Deadlines on real clocks: they count from where they are set, and may be as long as one likes.
#include <array>
#include <thread>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

Task<> ask(Address to) {
  StreamSocket socket = co_await StreamSocket::connect(to);
  co_await socket.write_all("?");
  const std::string answer = co_await read_text(socket, 1);
  EXPECT_EQ(answer, "?");
}

CO_TEST(DeadlineClock, computing_before_it_takes_nothing_of_it) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  auto body = [&](Group& group) -> Task<> {
    group.start(serve(std::move(listener), echo));
    co_await ask(address);
    std::this_thread::sleep_for(2100ms);  // as if it computed
    const Result<> asked = co_await attempt(with_timeout(2s, ask(address)));
    EXPECT_TRUE(asked) << asked.error().to_string();
    std::this_thread::sleep_for(60ms);
    const TimePoint before = now();
    co_await sleep(50ms);
    EXPECT_GE(now() - before, 50ms);
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(DeadlineClock, no_limit_is_too_long) {
  constexpr auto for_ever = std::chrono::hours::max();
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  auto body = [&](Group& group) -> Task<> {
    group.start(serve(std::move(listener), echo));
    co_await with_timeout(for_ever, ask(address));
    StreamSocket socket = co_await StreamSocket::connect(address, {.timeout = for_ever});
    auto either = co_await select(socket.receive(), sleep(for_ever), sleep(5ms));
    EXPECT_FALSE(std::get<1>(either));
    EXPECT_TRUE(std::get<2>(either));
    either = co_await select(socket.receive(), sleep(std::chrono::years(250)), sleep(5ms));
    EXPECT_FALSE(std::get<1>(either));
    co_await socket.close_gracefully(for_ever);
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(DeadlineClock, under_the_simulator_it_stands_still_while_a_task_computes) {
  if (!is_simulated()) co_return;
  const TimePoint before = now();
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(now(), before);
  co_await sleep(3ms);
  EXPECT_EQ(now(), before + 3ms);
}

}  // namespace
}  // namespace ieum::test
