// Every test binary's main: after each test no open descriptor and no live coroutine frame may be
// left; runtimes assert by themselves that no operation is pending when they end.
#include <dirent.h>

#include <cstdio>
#include <cstdlib>

#include "support/support.hpp"

namespace ieum::test {

int open_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  int count = -1;  // the directory's own
  while (const dirent* entry = readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(directory);
  return count;
}

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* given = std::getenv("IEUM_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10)
                            : std::uint64_t{std::random_device{}()};
  }();
  return value;
}

namespace {

class NothingLeft final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& /*test*/) override {
    descriptors_ = open_descriptors();
    frames_ = detail::Frame::live;
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors were left open";
    EXPECT_EQ(detail::Frame::live, frames_) << "coroutine frames were left";
    if (test.result()->Failed()) {
      std::printf("  repeat with IEUM_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed()));
    }
  }

  int descriptors_ = 0;
  std::int64_t frames_ = 0;
};

}  // namespace
}  // namespace ieum::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  // Last added hears first of a test's end: before the printer, so that its failures are printed.
  listeners.Append(new ieum::test::NothingLeft);
  if (!ieum::Runtime::of_this_thread()) return EXIT_FAILURE;  // its descriptors are no test's
  return RUN_ALL_TESTS();
}
