// SystemFault: a system call of the drivers that fails in this process when a test says so.
#pragma once

#include <cstdint>
#include <functional>

namespace ieum::test {

/// While it lives, the next `times` calls of `call` fail with `number` (errno(3)) instead of being
/// made; after the first `spared` ones. One at a time of each call.
class SystemFault {
 public:
  enum class Call : std::uint8_t {
    accept4,
    epoll_pwait2,
    receive,       ///< recv(2)
    send,          ///< send(2)
    receive_from,  ///< recvfrom(2)
    send_to,       ///< sendto(2)
    receive_many,  ///< recvmmsg(2)
    wait_child,    ///< waitid(2)
    ring_receive,  ///< an entry of an io_uring: it completes with the error, and moves nothing
    ring_send,
    pwritev2,
    ring_cancel,  ///< it comes too late: what was to be canceled goes on
    ring_submit,  ///< io_uring_submit(3): the entries stay where they are
  };
  static constexpr int always = 1 << 30;
  /// False: the calls that move bytes are left alone, because ThreadSanitizer learns from them
  /// which thread has waited for which.
  static const bool reaches_transfers;

  SystemFault(Call call, int number, int times = 1, int spared = 0);
  SystemFault(const SystemFault&) = delete;
  SystemFault& operator=(const SystemFault&) = delete;
  ~SystemFault();

  /// How often it has failed.
  [[nodiscard]] int failures() const noexcept;

 private:
  Call call_;
  int times_;
};

/// While it lives, `happening` is called once, before the next question for a connection's
/// TCP_INFO: what changes between two system calls of the drivers.
class BeforeTcpInfo {
 public:
  explicit BeforeTcpInfo(std::function<void()> happening);
  BeforeTcpInfo(const BeforeTcpInfo&) = delete;
  BeforeTcpInfo& operator=(const BeforeTcpInfo&) = delete;
  ~BeforeTcpInfo();

  [[nodiscard]] static bool has_happened();
};

/// How often epoll_pwait2(2) was called in this process.
std::int64_t epoll_pwait2_calls() noexcept;
/// How many events it has told.
std::int64_t epoll_events() noexcept;

}  // namespace ieum::test
