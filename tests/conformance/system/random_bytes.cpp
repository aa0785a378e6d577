// random_bytes: nobody's guess on a real machine, the seed's on a simulated one.
#include <algorithm>
#include <array>

#include <ieum/random_bytes.hpp>
#include <ieum/sim_network.hpp>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

using Drawn = std::array<std::byte, 1000>;  // more than the system gives without a break

Drawn drawn() {
  Drawn bytes{};
  EXPECT_TRUE(ieum::random_bytes(bytes));
  return bytes;
}

CO_TEST(RandomBytes, fill_what_they_are_given_and_differ) {
  const Drawn first = drawn();
  const Drawn second = drawn();
  EXPECT_NE(first, second);
  EXPECT_LT(std::ranges::count(first, std::byte{0}), 30) << "about 4 are";
  std::array<std::byte, 11> some{};
  EXPECT_TRUE(ieum::random_bytes(std::span(some).first(3)));
  EXPECT_EQ(std::ranges::count(std::span(some).subspan(3), std::byte{0}), 8);
  EXPECT_TRUE(ieum::random_bytes({}));
  co_return;
}

TEST(RandomBytes, outside_of_a_task_are_the_systems) { EXPECT_NE(drawn(), drawn()); }

Drawn drawn_by_a_host(std::uint64_t seed) {
  SimNetwork net(seed);
  Drawn bytes{};
  auto draw = [&]() -> Task<> {
    bytes = drawn();
    co_return;
  };
  net.add_host("one").start(draw());
  EXPECT_TRUE(net.run());
  return bytes;
}

TEST(RandomBytes, of_a_simulated_host_are_the_seeds) {
  EXPECT_EQ(drawn_by_a_host(1), drawn_by_a_host(1));
  EXPECT_NE(drawn_by_a_host(1), drawn_by_a_host(2));
}

}  // namespace
}  // namespace ieum::test
