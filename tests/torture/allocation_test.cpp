// Awaiting allocates nothing but frames: every allocation of this program is counted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "support/xor_stream.hpp"
#include "torture/virtual.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IEUM_UNDER_A_SANITIZER 1
#endif
#endif

namespace {
thread_local std::int64_t allocations = 0;
}

#if defined(IEUM_UNDER_A_SANITIZER)
// A sanitizer has an operator new of its own, and tells who asks.
extern "C" int __sanitizer_install_malloc_and_free_hooks(  // NOLINT(bugprone-reserved-identifier)
    void (*allocated)(const volatile void*, std::size_t), void (*freed)(const volatile void*));
namespace {
[[maybe_unused]] const int hooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void* /*memory*/, std::size_t /*size*/) { ++allocations; },
    [](const volatile void* /*memory*/) {});
}  // namespace
#else
// NOLINTBEGIN(cppcoreguidelines-no-malloc): these replace the global ones
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc)
#endif

namespace ieum::test {
namespace {

constexpr int levels = 50;

Task<int> chain(int left, bool fails) {
  if (left == 1) {
    if (fails) co_await fail(std::errc::io_error, "bottom");
    co_return 1;
  }
  const int below = co_await chain(left - 1, fails);
  co_return below + 1;
}

/// Allocations while `make()` is awaited, after one round to warm up.
template <class Make>
Task<std::int64_t> count(Make make) {
  for (int round = 0;; ++round) {
    const std::int64_t before = allocations;
    static_cast<void>(co_await attempt(make()));
    if (round == 1) co_return allocations - before;
  }
}

TEST(Allocations, OneFrameALevelAndNothingForAFailure) {
  EXPECT_EQ(run_virtually(count([] { return chain(levels, false); })), levels);
  EXPECT_EQ(run_virtually(count([] { return chain(levels, true); })), levels);
}

TEST(Allocations, NoneForOperationsDeadlinesAndShields) {
  Event set;
  set.set();
  EXPECT_EQ(run_virtually(count([&] { return set.wait(); })), 0);
  EXPECT_EQ(run_virtually(count([] { return sleep(1ms); })), 0);
  EXPECT_EQ(run_virtually(count([] { return yield(); })), 0);
  EXPECT_EQ(run_virtually(count([] { return with_timeout(1s, sleep(1ms)); })), 0);
  EXPECT_EQ(run_virtually(count([] { return with_timeout(1ms, sleep(1s)); })), 0);
  EXPECT_EQ(run_virtually(count([] { return shield(sleep(1ms), 1s); })), 0);
  EXPECT_EQ(run_virtually(count([] { return attempt(with_timeout(1ms, shield(sleep(1s), 1ms))); })),
            0);
}

TEST(Allocations, NoneForASelect) {
  Event never;
  EXPECT_EQ(run_virtually(count([&] { return select(never.wait(), sleep(1ms)); })), 0);
  EXPECT_EQ(run_virtually(count([&] { return select(sleep(1ms), with_timeout(2ms, sleep(1s))); })),
            0);
}

Task<> child() { co_await yield(); }

TEST(Allocations, OneFrameAChildOfAGroup) {
  const Result<std::int64_t> counted = run_virtually(count([] {
    return with_group([](Group& group) -> Task<> {
      for (int i = 0; i < 10; ++i) group.start(child());
      co_return;
    });
  }));
  EXPECT_EQ(counted, 11);
}

TEST(Allocations, NoneToReadAndWrite) {
  const Result<std::int64_t> counted = run_virtually([]() -> Task<std::int64_t> {
    StreamSocket socket = co_await StreamSocket::connect(Address::ipv4_loopback(7));
    Stream& stream = socket;
    std::array<std::byte, 64> buffer{};
    const std::int64_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
      const std::size_t count = co_await with_timeout(5s, socket.read_some(buffer));
      co_await socket.write_all(std::span(buffer).first(count));
      const std::size_t more = co_await with_timeout(5s, stream.read_some(buffer));
      co_await stream.write_all(std::span(buffer).first(more));
    }
    co_return allocations - before;
  }());
  EXPECT_EQ(counted, 0);
}

TEST(Allocations, NoneToReadAndWriteThroughLayers) {
  const Result<std::int64_t> counted = run_virtually([]() -> Task<std::int64_t> {
    std::unique_ptr<Stream> stream =
        std::make_unique<StreamSocket>(co_await StreamSocket::connect(Address::ipv4_loopback(7)));
    for (const std::byte mask : {std::byte{1}, std::byte{2}, std::byte{3}}) {
      stream = std::make_unique<XorStream>(std::move(stream), mask);
    }
    std::array<std::byte, 64> buffer{};
    const std::int64_t before = allocations;
    for (int i = 0; i < 1000; ++i) {
      const std::size_t count = co_await with_timeout(5s, stream->read_some(buffer));
      co_await stream->write_all(std::span(buffer).first(count));
    }
    co_return allocations - before;
  }());
  EXPECT_EQ(counted, 0);
}

}  // namespace
}  // namespace ieum::test
