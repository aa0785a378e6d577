// SystemFault: a system call of the drivers that fails in this process when a test says so.
#pragma once

#include <cstdint>

namespace ieum::test {

/// While it lives, the next `times` calls of `call` fail with `number` (errno(3)) instead of being
/// made. One at a time of each call.
class SystemFault {
 public:
  enum class Call : std::uint8_t {
    accept4,
    epoll_pwait2,
    ring_receive,  ///< an entry of an io_uring: it completes with the error, and moves nothing
    ring_send,
    pwritev2,
  };
  static constexpr int always = 1 << 30;

  SystemFault(Call call, int number, int times = 1);
  SystemFault(const SystemFault&) = delete;
  SystemFault& operator=(const SystemFault&) = delete;
  ~SystemFault();

  /// How often it has failed.
  [[nodiscard]] int failures() const noexcept;

 private:
  Call call_;
  int times_;
};

/// How often epoll_pwait2(2) was called in this process.
std::int64_t epoll_pwait2_calls() noexcept;

}  // namespace ieum::test
