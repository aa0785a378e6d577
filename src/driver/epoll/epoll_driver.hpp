// EpollDriver: the epoll driver. epoll.cpp begins and ends operations, datagram.cpp those of
// datagrams; registration.cpp says what events are wanted for, handles.cpp opens, adopts, releases,
// shuts down and closes.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>

#include <ieum/detail/assert.hpp>

#include "driver/buffer_pool.hpp"
#include "driver/lease_queue.hpp"
#include "driver/linux/datagram_calls.hpp"
#include "driver/linux/left_behind.hpp"
#include "driver/linux/linux_driver.hpp"
#include "driver/linux/transfer.hpp"
#include "driver/slot_table.hpp"

namespace ieum::detail::epoll {

/// What the driver knows of a descriptor; found by its number. Idle connections are many: small.
struct Slot {
  Operation* in = nullptr;  // the pending operation of each direction
  Operation* out = nullptr;
  std::uint32_t generation = 0;  // tells a reused number's events from its former owner's
  std::uint32_t level = 0;       // a datagram socket: what it is registered for, level-triggered
  std::int16_t broken = 0;       // the error that ended the connection, once it was told
  bool watched : 1 = false;      // registered for edges, both directions, until it is closed
  bool polled : 1 = false;       // a foreign descriptor, registered for one event at a time
  bool readable : 1 = true;      // worth trying: no EAGAIN since the last edge
  bool writable : 1 = true;
  bool ended : 1 = false;   // the peer has finished, or an error waits to be read
  bool is_tcp : 1 = false;  // a short read means that nothing is left
  bool is_socket : 1 = false;
  bool foreign : 1 = false;          // adopted: others may have its file
  bool blocks_at_close : 1 = false;  // and find it as it was: without O_NONBLOCK
  bool urgent : 1 = false;           // TCP's urgent mark was seen: reads stop short of it
  bool starved : 1 = false;          // waits for a receive buffer
  bool bulk : 1 = false;             // the last pooled receive filled a small buffer
  ReadinessPredictor readiness{};    // of a datagram socket
};
static_assert(sizeof(Slot) <= 32);

class EpollDriver final : public LinuxDriver {
 public:
  EpollDriver(int epoll, int wake, unsigned buffers_max) noexcept
      : epoll_(epoll), wake_(wake), pool_(buffers_max) {}
  ~EpollDriver() override {
    ::close(wake_);
    ::close(epoll_);
  }

  [[nodiscard]] const char* name() const noexcept override { return "epoll"; }

  Driver* left_behind() noexcept override {
    ::close(wake_);
    ::close(epoll_);
    return &left_behind_driver();
  }
  bool submit(Operation& operation) noexcept override;
  void cancel(Operation& operation) noexcept override;
  void wait(TimePoint deadline, OperationQueue& done) noexcept override;
  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }

  void give_back(std::uint32_t buffer) noexcept override { pool_.give_back(buffer); }

  int open(Family family, SocketType type) noexcept override;
  int open_pair(int& first, int& second) noexcept override;
  int adopt(int descriptor, Adopted adopted) noexcept override;
  int release(int handle) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;
  void discard(int handle) noexcept override { close(handle); }
  [[nodiscard]] Pending pending(int handle) const noexcept override {
    const Slot* known = slots_.find(handle);
    if (known == nullptr) return {};
    const Slot& at = *known;
    return {.receive = at.in != nullptr, .send = at.out != nullptr};
  }

 private:
  static constexpr std::size_t events_max = 256;

  Slot& slot(int handle) { return slots_[handle]; }
  void fresh_slot(int handle, bool is_tcp, bool is_socket) {
    Slot& fresh = slot(handle);
    IEUM_ASSERT(
        fresh.in == nullptr && fresh.out == nullptr,
        "a descriptor was closed behind the driver's back while an operation waited for it");
    // What is told of a file that had this number and lives on elsewhere is not told to this one.
    fresh = Slot{.generation = fresh.generation + 1, .is_tcp = is_tcp, .is_socket = is_socket};
  }

  bool begin(Operation& operation, Slot& at) noexcept;
  /// Tries `operation` now; false if it would block.
  bool attempt(Operation& operation, Slot& at) noexcept;
  bool receive(Operation& operation, Slot& at) noexcept;
  static bool read(Operation& operation, Slot& at) noexcept;
  std::uint32_t take_buffer(Slot& at) noexcept;
  static bool send(Operation& operation, Slot& at) noexcept;
  bool accept(Operation& operation, Slot& at) noexcept;
  bool receive_datagrams(Operation& operation, Slot& at) noexcept;
  bool send_datagrams(Operation& operation, Slot& at) noexcept;
  int watch_datagrams(int handle, Slot& at, std::uint32_t events) noexcept;
  void take_datagram_event(int handle, bool in, bool out, bool failed,
                           OperationQueue& done) noexcept;
  static bool connect(Operation& operation, Slot& at) noexcept;
  static bool is_ready(Operation& operation) noexcept;
  static bool finish_connect(Operation& operation) noexcept;

  int park(Operation& operation, Slot& at) noexcept;
  int watch(int handle, Slot& at) noexcept;
  int poll_foreign(int handle, Slot& at) noexcept;
  void forget(int handle, Slot& at) noexcept;
  int close(int handle) noexcept;
  int wait_for_events(TimePoint deadline) noexcept;
  static int milliseconds(TimePoint::duration left) noexcept;
  void take_event(const epoll_event& event, OperationQueue& done) noexcept;
  void progress(Operation*& pending, Slot& at, OperationQueue& done) noexcept;
  bool retry_starved() noexcept;
  void hand_out_buffers() noexcept;

  const int epoll_;
  const int wake_;
  bool lacks_pwait2_ = false;  // older than Linux 5.11, valgrind, a sandbox
  SlotTable<Slot> slots_;
  OperationQueue completed_;
  BufferPool pool_;
  DatagramCalls datagrams_;
  std::deque<int> starved_;  // handles whose pooled receive found no buffer
  LeaseQueue leases_{pool_, 1};
  bool retrying_ = false;      // one of the starved
  std::size_t extra_max_ = 0;  // buffers beyond the maximum, while those are served
  std::array<epoll_event, events_max> events_{};
  std::size_t events_count_ = 0;
  std::size_t event_ = 0;     // of them, the next to be taken
  std::size_t received_ = 0;  // bytes, in this turn
};

}  // namespace ieum::detail::epoll
