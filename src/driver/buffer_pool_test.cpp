// BufferPool: how many buffers there are.
#include "driver/buffer_pool.hpp"

#include <set>

#include "support/support.hpp"

namespace ieum::detail {
namespace {

TEST(BufferPool, LendsSoManyOfEachSizeAndNoMore) {
  BufferPool pool(160);
  for (const auto& [size, most] :
       {std::pair(BufferPool::Size::small, 160U), std::pair(BufferPool::Size::large, 10U)}) {
    std::set<std::byte*> buffers;
    std::vector<std::uint32_t> ids;
    for (unsigned i = 0; i < most; ++i) {
      ids.push_back(pool.take(size));
      ASSERT_NE(ids.back(), BufferPool::none);
      EXPECT_EQ(BufferPool::size_of(ids.back()), size);
      buffers.insert(pool.data(ids.back()));
    }
    EXPECT_EQ(buffers.size(), most);
    EXPECT_EQ(pool.take(size), BufferPool::none);
    for (const std::uint32_t id : ids) pool.give_back(id);
    EXPECT_NE(pool.take(size), BufferPool::none);
  }
}

TEST(BufferPool, LendsExtraOnesAsLongAsTheyAreAllowed) {
  BufferPool pool(1);
  EXPECT_NE(pool.take(BufferPool::Size::small), BufferPool::none);
  for (int round = 0; round < 3; ++round) {
    const std::uint32_t first = pool.take_extra(2);
    const std::uint32_t second = pool.take_extra(2);
    ASSERT_NE(first, BufferPool::none);
    ASSERT_NE(second, BufferPool::none);
    EXPECT_EQ(pool.take_extra(2), BufferPool::none);
    EXPECT_EQ(pool.extra_left(2), 0U);
    EXPECT_TRUE(pool.is_extra(first));
    EXPECT_TRUE(pool.owns(pool.data(second)));
    pool.give_back(first);
    EXPECT_EQ(pool.extra_left(2), 1U);
    pool.give_back(second);
  }
}

}  // namespace
}  // namespace ieum::detail
