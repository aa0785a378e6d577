// Stream: what implementers get for nothing, and what they cannot break.
#include <ieum/stream.hpp>

#include <array>

#include <ieum/timeout.hpp>

#include "support/null_driver.hpp"
#include "support/scripted_stream.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

/// Its hooks have not the memory for a task.
class WithoutMemory final : public Stream {
 public:
  [[nodiscard]] Task<> shutdown_write() override { co_return; }
  [[nodiscard]] Task<> close() override { co_return; }
  [[nodiscard]] bool is_open() const noexcept override { return true; }
  void begin_read(detail::StreamIo& /*io*/, std::span<std::byte> /*into*/) override {
    throw std::bad_alloc();
  }
  void begin_write(detail::StreamIo& /*io*/, const detail::WriteRequest& /*write*/) override {
    throw std::bad_alloc();
  }
  void begin_receive(detail::StreamReceiveIo& /*io*/) override { throw std::bad_alloc(); }
  void begin_wait_readable(detail::StreamIo& /*io*/) override { throw std::bad_alloc(); }
};

void run_virtual(Task<> task) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const Result<> result = run(*runtime, std::move(task));
  EXPECT_TRUE(result) << result.error().to_string();
}

TEST(Stream, a_hook_without_memory_is_an_error_of_its_operation) {
  run_virtual([]() -> Task<> {
    WithoutMemory stream;
    std::array<std::byte, 1> byte{};
    const std::array<ConstBuffer, 2> parts{};
    const Result<std::size_t> read = co_await attempt(stream.read_some(byte));
    CO_ASSERT(!read);
    EXPECT_EQ(read.error(), std::errc::not_enough_memory);
    const Result<Lease> received = co_await attempt(stream.receive());
    CO_ASSERT(!received);
    EXPECT_EQ(received.error(), std::errc::not_enough_memory);
    const Result<> readable = co_await attempt(stream.wait_readable());
    CO_ASSERT(!readable);
    EXPECT_EQ(readable.error(), std::errc::not_enough_memory);
    const Result<std::size_t> some = co_await attempt(stream.write_some(parts));
    CO_ASSERT(!some);
    EXPECT_EQ(some.error(), std::errc::not_enough_memory);
    const Result<> all =
        co_await attempt(with_timeout(std::chrono::hours(1), stream.write_all("x")));
    CO_ASSERT(!all);
    EXPECT_EQ(all.error(), std::errc::not_enough_memory);
  }());
}

TEST(Stream, of_another_kind_than_a_socket_has_no_address_and_resets_by_closing) {
  run_virtual([]() -> Task<> {
    ScriptedStream scripted;
    Stream& stream = scripted;
    EXPECT_EQ(stream.peer_address(), Address());
    const Address local = co_await stream.local_address();
    EXPECT_EQ(local, Address());
    EXPECT_TRUE(stream.is_open());
    co_await stream.reset();
    EXPECT_FALSE(stream.is_open());
  }());
}

}  // namespace
}  // namespace ieum::test
