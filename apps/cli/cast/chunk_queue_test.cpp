#include "cast/chunk_queue.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ieum::cli {
namespace {

TEST(ChunkQueue, small_chunks_are_no_way_around_its_limit) {
  constexpr std::size_t bytes_max = std::size_t{1} << 20;
  ChunkQueue queue;
  std::size_t chunks = 0;
  for (; queue.bytes() < bytes_max; ++chunks) queue.push(std::vector<std::byte>(chunks % 2));
  EXPECT_LE(chunks, bytes_max / ChunkQueue::chunk_overhead_bytes);
  for (; chunks > 0; --chunks) queue.pop();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(ChunkQueue, gives_the_oldest_first) {
  ChunkQueue queue;
  queue.push({std::byte{1}});
  const std::vector<std::byte>& first = queue.front();
  for (int i = 0; i < 1000; ++i) queue.push({std::byte{2}});
  EXPECT_EQ(first.front(), std::byte{1});
  queue.pop();
  EXPECT_EQ(queue.front().front(), std::byte{2});
}

}  // namespace
}  // namespace ieum::cli
