// Every test binary's main: after each test no open descriptor and no live coroutine frame may be
// left; runtimes assert by themselves that no operation is pending when they end.
#include <dirent.h>
#include <fnmatch.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

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

std::span<const NotSimulated>& left_out() {
  static std::span<const NotSimulated> tests;
  return tests;
}

/// Whether a filter of GoogleTest's, patterns with colons between them, names `test`.
bool selects(std::string_view filter, const std::string& test) {
  while (!filter.empty()) {
    const std::size_t colon = std::min(filter.find(':'), filter.size());
    if (::fnmatch(std::string(filter.substr(0, colon)).c_str(), test.c_str(), 0) == 0) return true;
    filter.remove_prefix(std::min(colon + 1, filter.size()));
  }
  return false;
}

/// Takes those that cannot run out of the filter, and says so of each that it would have run.
void leave_out() {
  const std::string filter = GTEST_FLAG_GET(filter);
  const std::string_view positive = std::string_view(filter).substr(0, filter.find('-'));
  std::string narrowed = filter + (filter.find('-') == std::string::npos ? "-" : ":");
  const char* shard = std::getenv("GTEST_SHARD_INDEX");
  const bool first =
      shard == nullptr || std::string_view(shard) == "0";  // the others need not say it
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string name = std::string(suite.name()) + "." + suite.GetTestInfo(j)->name();
      for (const NotSimulated& out : left_out()) {
        if (!selects(out.tests, name)) continue;
        narrowed += name + ":";
        if (first && selects(positive, name)) {
          std::printf("[  SKIPPED ] %s: %s\n", name.c_str(), out.reason);
        }
        break;
      }
    }
  }
  GTEST_FLAG_SET(filter, narrowed);
}

}  // namespace

bool leave_out_when_simulated(std::span<const NotSimulated> tests) {
  left_out() = tests;
  return true;
}

}  // namespace ieum::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* driver = std::getenv("IEUM_DRIVER");
  if (driver != nullptr && std::string_view(driver) == "sim") ieum::test::leave_out();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  // Last added hears first of a test's end: before the printer, so that its failures are printed.
  listeners.Append(new ieum::test::NothingLeft);
  if (!ieum::Runtime::of_this_thread()) return EXIT_FAILURE;  // its descriptors are no test's
  return RUN_ALL_TESTS();
}
