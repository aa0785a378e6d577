// Which name servers have failed lately: for how long, until they answer, how many.
#include "net/names/server_health.hpp"

#include <thread>

#include "support/support.hpp"

namespace ieum::detail {
namespace {

using std::chrono::seconds;

Address server(std::uint8_t number) { return Address::ipv4({192, 0, 2, number}, 53); }
constexpr TimePoint start{seconds(1000)};

// What is known is a thread's own: each test has one that knows nothing.
void in_a_new_thread(void (*test)()) { std::thread(test).join(); }

TEST(ServerHealth, IsForgivenAfterHalfAMinute) {
  in_a_new_thread([] {
    EXPECT_FALSE(has_failed_lately(server(1), start));
    server_failed(server(1), start);
    EXPECT_TRUE(has_failed_lately(server(1), start + seconds(29)));
    EXPECT_FALSE(has_failed_lately(server(2), start));
    EXPECT_FALSE(has_failed_lately(server(1), start + seconds(30)));
    server_failed(server(1), start + seconds(20));  // again
    EXPECT_TRUE(has_failed_lately(server(1), start + seconds(49)));
  });
}

TEST(ServerHealth, IsForgivenWithItsNextAnswer) {
  in_a_new_thread([] {
    server_failed(server(1), start);
    server_failed(server(2), start);
    server_answered(server(1));
    EXPECT_FALSE(has_failed_lately(server(1), start));
    EXPECT_TRUE(has_failed_lately(server(2), start));
  });
}

TEST(ServerHealth, IsKnownOfTheLastEight) {
  in_a_new_thread([] {
    for (std::uint8_t i = 1; i <= 9; ++i) server_failed(server(i), start + seconds(i));
    EXPECT_FALSE(has_failed_lately(server(1), start + seconds(9)));
    for (std::uint8_t i = 2; i <= 9; ++i) {
      EXPECT_TRUE(has_failed_lately(server(i), start + seconds(9))) << int{i};
    }
  });
}

}  // namespace
}  // namespace ieum::detail
