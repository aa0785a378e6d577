// Which driver a runtime gets, and what it says of it: as the environment and the program ask, and
// where the kernel refuses io_uring. Programs of their own, run by strace(1), are refused.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "conformance/conformance.hpp"
#include "support/child.hpp"

namespace ieum::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

/// An environment variable for the length of a block; null: none.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* before = std::getenv(name);
    if (before != nullptr) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

Task<> echo_by_receive(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
}

/// A server's answer, received both ways.
Task<> talk() {
  const std::string text(100'000, 't');
  Pair pair = co_await connected();
  auto asking = [&]() -> Task<> {
    co_await pair.client.write_all(text);
    co_await pair.client.shutdown_write();
  };
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(asking());
    auto answering = [&]() -> Task<> { co_await echo_by_receive(std::move(pair.server)); };
    group.start(answering());
    while (Lease data = co_await pair.client.receive()) got += data.text();
    while (group.running() > 0) co_await yield();
  };
  co_await with_group(body);
  EXPECT_EQ(got, text);
}

void expect_it_talks(Runtime& runtime) {
  const Result<> result = run(runtime, with_timeout(patience, talk()));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
}

// ---- What is asked for --------------------------------------------------------------------------

// The next two are also run below where the kernel refuses, and what they print is looked at.

TEST(DriverChoice, left_to_us_works) {
  const Variable none("IEUM_DRIVER", nullptr);
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::printf("driver %s: %s\n", runtime->driver_name(), runtime->driver_reason().c_str());
  EXPECT_THAT(runtime->driver_name(), AnyOf(std::string("io_uring"), std::string("epoll")));
  EXPECT_NE(runtime->driver_reason(), "");
  expect_it_talks(*runtime);
}

TEST(DriverChoice, of_io_uring_gives_it_or_says_why_not) {
  const Variable none("IEUM_DRIVER", nullptr);
  const Result<std::unique_ptr<Runtime>> runtime =
      Runtime::create({.driver = DriverKind::io_uring});
  if (runtime) {
    std::printf("driver %s\n", (*runtime)->driver_name());
    EXPECT_STREQ((*runtime)->driver_name(), "io_uring");
    EXPECT_EQ((*runtime)->driver_reason(), "chosen by the program");
    expect_it_talks(**runtime);
  } else {
    std::printf("error %s\n", runtime.error().to_string().c_str());
    EXPECT_THAT(runtime.error().to_string(), HasSubstr("io_uring"));
  }
  const Variable asked("IEUM_DRIVER", "io_uring");
  const Result<std::unique_ptr<Runtime>> again = Runtime::create();
  EXPECT_EQ(again.has_value(), runtime.has_value());
  if (!again) std::printf("error %s\n", again.error().to_string().c_str());
}

TEST(DriverChoice, of_epoll_gives_it) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.driver = DriverKind::epoll});
  EXPECT_STREQ(runtime->driver_name(), "epoll");
  EXPECT_EQ(runtime->driver_reason(), "chosen by the program");
  expect_it_talks(*runtime);
}

TEST(DriverChoice, of_the_environment_is_told) {
  const Variable asked("IEUM_DRIVER", "epoll");
  const std::unique_ptr<Runtime> runtime = make_runtime();
  EXPECT_STREQ(runtime->driver_name(), "epoll");
  EXPECT_EQ(runtime->driver_reason(), "IEUM_DRIVER=epoll");
}

TEST(DriverChoice, of_the_program_outdoes_the_environments) {
  const Variable asked("IEUM_DRIVER", "nonsense");
  const std::unique_ptr<Runtime> runtime = make_runtime({.driver = DriverKind::epoll});
  EXPECT_STREQ(runtime->driver_name(), "epoll");
}

TEST(DriverChoice, of_nonsense_is_refused) {
  const Variable asked("IEUM_DRIVER", "nonsense");
  const Result<std::unique_ptr<Runtime>> runtime = Runtime::create();
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error(), std::errc::invalid_argument);
  EXPECT_THAT(
      runtime.error().to_string(),
      HasSubstr("IEUM_DRIVER=nonsense names no driver of this build; use io_uring, epoll or sim"));
}

// ---- What the kernel refuses --------------------------------------------------------------------

/// Runs programs whose system calls fail as `inject` of strace(1) says.
class Refused : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_program("strace")) GTEST_SKIP() << "this needs the program strace";
    if (std::system("strace -f -qq -o /dev/null true 2>/dev/null") != 0) {
      GTEST_SKIP() << "this system does not let strace trace";
    }
    if (!Runtime::create({.driver = DriverKind::io_uring})) {
      GTEST_SKIP() << "there is no io_uring here to begin with";
    }
  }

  /// What one of the tests above prints there; it is expected to pass.
  static std::string run_test(const std::string& test, const std::string& inject) {
    // Leaks cannot be looked for while another traces. It runs this one test, not a share of all.
    Child child({"env", "-u", "IEUM_DRIVER", "-u", "GTEST_TOTAL_SHARDS", "-u", "GTEST_SHARD_INDEX",
                 "ASAN_OPTIONS=detect_leaks=0", "strace", "-f", "-qq", "-o", "/dev/null", "-e",
                 "inject=" + inject, own_path(), "--gtest_filter=DriverChoice." + test});
    std::string output = child.read_all();
    EXPECT_EQ(child.wait(), 0) << output;
    EXPECT_THAT(output, HasSubstr("[  PASSED  ] 1 test"));
    return output;
  }

 private:
  static std::string own_path() {
    std::array<char, 4096> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    return {path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
};

TEST_F(Refused, io_uring_gives_epoll_and_the_reason) {
  const std::string not_permitted = run_test("left_to_us_works", "io_uring_setup:error=EPERM");
  EXPECT_THAT(not_permitted,
              HasSubstr("driver epoll: io_uring cannot be had, so epoll: io_uring_setup: "
                        "Operation not permitted"));
  const std::string none = run_test("left_to_us_works", "io_uring_setup:error=ENOSYS");
  EXPECT_THAT(none, HasSubstr("driver epoll: io_uring cannot be had, so epoll: io_uring_setup: "
                              "Function not implemented"));
  const std::string no_memory = run_test("left_to_us_works", "io_uring_setup:error=ENOMEM");
  EXPECT_THAT(no_memory, HasSubstr("driver epoll: io_uring cannot be had, so epoll: "
                                   "io_uring_setup: Cannot allocate memory"));
}

TEST_F(Refused, io_uring_that_was_asked_for_is_an_error_with_the_reason) {
  const std::string test = "of_io_uring_gives_it_or_says_why_not";
  for (const char* name : {"EPERM", "ENOSYS", "ENOMEM"}) {
    const std::string output = run_test(test, "io_uring_setup:error=" + std::string(name));
    EXPECT_THAT(output, HasSubstr("error create runtime: ")) << name;
    EXPECT_THAT(output, HasSubstr(": io_uring_setup: ")) << name;
    EXPECT_THAT(output, HasSubstr(" (chosen by the program)\n")) << name;
    EXPECT_THAT(output, HasSubstr(" (IEUM_DRIVER=io_uring)\n")) << name;
  }
}

TEST_F(Refused, a_ring_of_buffers_leaves_receiving_to_work_without) {
  // The first call enables the io_uring.
  const std::string output = run_test("left_to_us_works", "io_uring_register:error=EINVAL:when=2+");
  EXPECT_THAT(output, HasSubstr("driver io_uring: "));
}

}  // namespace
}  // namespace ieum::test
