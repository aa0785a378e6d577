// The driver of a runtime that a child of fork(2) has inherited: a sentence instead of the parent's
// ring, of which the child would take, and give, what is the parent's.
#include "driver/linux/left_behind.hpp"

#include <unistd.h>

#include <cerrno>

#include <ieum/detail/assert.hpp>

#include "driver/linux/linux_driver.hpp"

namespace ieum::detail {

namespace {

[[noreturn]] void refuse() noexcept {
  IEUM_ASSERT(false,
              "a runtime made before fork() is used in the child, but it is the parent's: fork "
              "before the first use, or use a Runtime made in the child, and move sockets to it by "
              "detach() and attach()");
}

class LeftBehind final : public LinuxDriver {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "none: the parent's"; }
  bool submit(Operation& operation) noexcept override {
    if (operation.kind != Operation::Kind::close) refuse();
    operation.result = ::close(operation.handle) < 0 ? -errno : 0;
    return true;
  }
  void cancel(Operation& /*operation*/) noexcept override {}
  void wait(TimePoint /*deadline*/, OperationQueue& /*done*/) noexcept override { refuse(); }
  void wake() noexcept override { refuse(); }
  void give_back(std::uint32_t /*buffer*/) noexcept override {}
  int open(Family /*family*/, SocketType /*type*/) noexcept override { refuse(); }
  int open_pair(int& /*first*/, int& /*second*/) noexcept override { refuse(); }
  int adopt(int /*descriptor*/, Adopted /*adopted*/) noexcept override { refuse(); }
  int release(int handle) noexcept override { return handle; }
  void discard(int handle) noexcept override { ::close(handle); }
  [[nodiscard]] Pending pending(int /*handle*/) const noexcept override { return {}; }
};

LeftBehind left_behind;

}  // namespace

Driver& left_behind_driver() noexcept { return left_behind; }

}  // namespace ieum::detail
