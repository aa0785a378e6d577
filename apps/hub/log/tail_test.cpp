#include "log/tail.hpp"

#include <array>
#include <atomic>
#include <thread>

#include "support/support.hpp"

namespace ieum::hub {
namespace {

using namespace ieum::test;

constexpr std::chrono::milliseconds a_while{100};

SharedBatch batch_of(Position position, std::size_t entries = 1) {
  auto batch = std::make_shared<Batch>();
  batch->entries.resize(entries);
  batch->entries[0].position = position;
  return batch;
}

/// Publishes until it is told to stop by `hub.hurry()`, and counts.
class Publisher {
 public:
  /// Of so many entries each.
  explicit Publisher(TailHub& hub, std::size_t entries = 1)
      : thread_([this, &hub, entries] {
          while (!stop) {
            hub.publish(batch_of(published + 1, entries), true);
            ++published;
          }
        }) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() { thread_.join(); }

  void wait_for(std::size_t count) const {
    while (published < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::atomic<std::size_t> published = 0;
  std::atomic<bool> stop = false;

 private:
  std::thread thread_;
};

TEST(TailTest, FollowerThatLagsHoldsThePublisherUp) {
  TailHub hub;
  Tail tail = hub.follow();
  Publisher publisher(hub);
  publisher.wait_for(Tail::batches_max);
  std::this_thread::sleep_for(a_while);
  EXPECT_EQ(publisher.published, Tail::batches_max) << "it waits";
  for (Position i = 1; i <= 10; ++i) EXPECT_EQ(tail.take()->entries[0].position, i);
  publisher.wait_for(Tail::batches_max + 10);
  std::this_thread::sleep_for(a_while);
  EXPECT_EQ(publisher.published, Tail::batches_max + 10);
  publisher.stop = true;
  hub.hurry();
}

TEST(TailTest, LargeBatchesCountByTheirEntries) {
  TailHub hub;
  Tail tail = hub.follow();
  constexpr std::size_t entries = 1000;
  constexpr std::size_t batches = Tail::entries_max / entries + 1;
  Publisher publisher(hub, entries);
  publisher.wait_for(batches);
  std::this_thread::sleep_for(a_while);
  EXPECT_EQ(publisher.published, batches);
  EXPECT_EQ(tail.take()->entries[0].position, 1U);
  publisher.wait_for(batches + 1);
  publisher.stop = true;
  hub.hurry();
}

TEST(TailTest, FollowerThatLeavesHoldsNobodyUp) {
  TailHub hub;
  auto tail = std::make_unique<Tail>(hub.follow());
  Publisher publisher(hub);
  publisher.wait_for(Tail::batches_max);
  tail.reset();
  publisher.wait_for(Tail::batches_max * 2);
  publisher.stop = true;
}

struct Numbered final : Notice {
  explicit Numbered(int which) : number(which) {}
  int number;
};

TEST(TailTest, AllGetBatchesAndNoticesInOneOrder) {
  TailHub hub;
  constexpr int notices = 500;
  std::vector<Tail> tails;
  for (int i = 0; i < 3; ++i) tails.push_back(hub.follow());
  {
    Publisher publisher(hub);
    std::vector<std::jthread> announcers;
    for (int i = 0; i < 3; ++i) {
      announcers.emplace_back([&hub, i] {
        for (int k = 0; k < notices; ++k) {
          hub.announce(std::make_shared<Numbered>(i * notices + k));
        }
      });
    }
    announcers.clear();
    publisher.stop = true;
    hub.hurry();
  }
  std::vector<SharedBatch> first;
  while (SharedBatch batch = tails[0].take()) first.push_back(std::move(batch));
  for (Tail& tail : tails) {
    if (&tail == &tails[0]) continue;
    for (const SharedBatch& batch : first) ASSERT_EQ(tail.take(), batch);
    EXPECT_EQ(tail.take(), nullptr);
  }
  // Each one's notices in the order in which it announced them.
  std::array<int, 3> next{0, notices, 2 * notices};
  for (const SharedBatch& batch : first) {
    if (batch->notice == nullptr) continue;
    const int number = static_cast<const Numbered&>(*batch->notice).number;
    EXPECT_EQ(number, next.at(static_cast<std::size_t>(number / notices))++);
  }
}

Task<> read_on(Tail& tail, Position first, Position last) {
  for (Position i = first; i <= last; ++i) {
    const SharedBatch batch = co_await tail.next();
    EXPECT_EQ(batch->entries[0].position, i);
  }
}

TEST(TailTest, WaitsForWhatAnotherThreadPublishes) {
  TailHub hub;
  Tail tail = hub.follow();
  Publisher publisher(hub);
  expect_success(read_on(tail, 1, 20'000));
  publisher.stop = true;
  hub.hurry();
}

}  // namespace
}  // namespace ieum::hub
