// UringDriver: the io_uring driver. uring.cpp begins and ends operations, datagram.cpp those of
// datagrams; accept.cpp accepts, close.cpp cancels and closes, handles.cpp opens, adopts, releases
// and shuts down.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <ieum/detail/assert.hpp>

#include "driver/lease_queue.hpp"
#include "driver/linux/datagram_calls.hpp"
#include "driver/linux/left_behind.hpp"
#include "driver/linux/linux_driver.hpp"
#include "driver/linux/transfer.hpp"
#include "driver/parked_list.hpp"
#include "driver/slot_table.hpp"
#include "driver/uring/buffers.hpp"
#include "driver/uring/ring.hpp"

namespace ieum::detail::uring {

// What is not in the ring waits in a list of one of these numbers (`Operation::parked_in`).
inline constexpr std::uint8_t in_ring = 0;
inline constexpr std::uint8_t in_backlog = 1;         // no entry was to be had
inline constexpr std::uint8_t in_starved = 2;         // no receive buffer was
inline constexpr std::uint8_t in_starved_direct = 3;  // none of those for what the driver reads
inline constexpr std::uint8_t in_leases = 4;

/// In a buffer's id: it is of the pool for leases, and for what the driver reads itself.
inline constexpr std::uint32_t direct_bit = std::uint32_t{1} << 30U;

/// What an entry points to while the kernel has not copied it.
struct Message {
  Message* next = nullptr;
  msghdr header{};
  Parts parts{};
  KernelAddress address;
};

/// What the driver knows of a descriptor; found by its number. Idle connections are many: small.
struct Slot {
  Operation* in = nullptr;  // the pending operation of each direction
  Operation* out = nullptr;
  Operation* closing = nullptr;  // the close that waits for them
  std::int16_t broken = 0;       // the error that ended the connection, once it was told
  bool is_socket : 1 = false;
  bool foreign : 1 = false;          // adopted: others may have its file
  bool blocks_at_close : 1 = false;  // and find it as it was: without O_NONBLOCK
  bool more : 1 = false;             // the last receive left something: no need to poll first
  bool bulk : 1 = false;             // the last pooled receive filled a small buffer
  bool discarded : 1 = false;        // to be closed when nothing is pending any more
  ReadinessPredictor readiness{};    // of a datagram socket, or a listener
};
static_assert(sizeof(Slot) <= 32);

/// What a completion belongs to: the low bits of `user_data`, which are 0 in an operation's
/// address.
enum class Tag : std::uint64_t { operation = 0, wake = 1, nothing = 2 };
inline constexpr std::uint64_t tag_bits = 3;

/// Lengths in an entry have 32 bits; the kernel moves less than 2 GiB in one call anyway.
inline constexpr std::size_t call_bytes_max = std::size_t{1} << 30U;

class UringDriver final : public LinuxDriver {
 public:
  UringDriver(int wake, unsigned buffers_max) noexcept
      : wake_(wake), direct_(buffers_max), buffers_(ring_, buffers_max) {}
  ~UringDriver() override;

  int open_ring(unsigned entries, std::string& reason) { return ring_.open(entries, reason); }

  [[nodiscard]] const char* name() const noexcept override { return "io_uring"; }

  Driver* left_behind() noexcept override {
    ::close(wake_);
    ::close(ring_.raw().ring_fd);
    return &left_behind_driver();
  }
  bool submit(Operation& operation) noexcept override;
  void cancel(Operation& operation) noexcept override { ask_to_cancel(operation, -ECANCELED); }
  void wait(TimePoint deadline, OperationQueue& done) noexcept override;
  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }

  void give_back(std::uint32_t buffer) noexcept override;

  int open(Family family, SocketType type) noexcept override;
  int open_pair(int& first, int& second) noexcept override;
  int adopt(int descriptor, Adopted adopted) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  void discard(int handle) noexcept override;
  int release(int handle) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;
  [[nodiscard]] Pending pending(int handle) const noexcept override {
    const Slot* known = slots_.find(handle);
    if (known == nullptr) return {};
    const Slot& at = *known;
    return {.receive = at.in != nullptr, .send = at.out != nullptr};
  }

 private:
  Slot& slot(int handle) { return slots_[handle]; }
  void fresh_slot(int handle, bool is_socket) {
    Slot& fresh = slot(handle);
    IEUM_ASSERT(
        fresh.in == nullptr && fresh.out == nullptr,
        "a descriptor was closed behind the driver's back while an operation waited for it");
    fresh = Slot{.is_socket = is_socket};
  }
  static bool is_idle(const Slot& at) noexcept { return at.in == nullptr && at.out == nullptr; }
  /// Whether the driver waits until the descriptor is ready and then moves the bytes itself.
  bool polls_first(const Operation& operation, const Slot& at) noexcept {
    return !at.is_socket || (operation.pooled && !buffers_.provide(size_for(at)));
  }
  static BufferPool::Size size_for(const Slot& at) noexcept {
    return at.bulk ? BufferPool::Size::large : BufferPool::Size::small;
  }

  // Beginning an operation.
  bool is_done_at_once(Operation& operation, Slot& at) noexcept;
  void start(Operation& operation, Slot& at) noexcept;
  void prepare_other(io_uring_sqe& entry, Operation& operation) noexcept;
  void prepare_receive(io_uring_sqe& entry, Operation& operation, const Slot& at) noexcept;
  bool accept_one(Operation& operation, Slot& at) noexcept;
  bool accept_ended(Operation& operation, Slot& at, int result) noexcept;
  bool move_datagrams(Operation& operation, Slot& at) noexcept;
  bool datagrams_ended(Operation& operation, Slot& at, int result) noexcept;
  void prepare_send(io_uring_sqe& entry, Operation& operation, const Slot& at) noexcept;
  Message& message(Operation& operation);
  void reuse_message(Operation& operation) noexcept;

  // Its end.
  static bool has_received(const io_uring_cqe& completion) noexcept;
  void take(const io_uring_cqe& completion, OperationQueue& done) noexcept;
  void ended(Operation& operation, int result, unsigned flags, OperationQueue& done) noexcept;
  void ended_otherwise(Operation& operation, Slot& at, int result, unsigned flags,
                       OperationQueue& done) noexcept;
  void received(Operation& operation, Slot& at, int result, unsigned flags) noexcept;
  bool receive_ended(Operation& operation, Slot& at, int result, unsigned flags) noexcept;
  bool send_ended(Operation& operation, Slot& at, int result) noexcept;
  bool read_now(Operation& operation, Slot& at) noexcept;
  static bool write_now(Operation& operation, Slot& at) noexcept;
  bool starve(Operation& operation, Slot& at) noexcept;
  void restart_parked() noexcept;
  [[nodiscard]] bool is_any_starved() const noexcept {
    return !starved_.empty() || !starved_direct_.empty() || !leases_.empty();
  }
  void restart_starved(ParkedList& again) noexcept;
  [[nodiscard]] std::size_t stalled_sends() const noexcept;
  void finish(Operation& operation, Slot& at, OperationQueue& done) noexcept {
    (is_in(operation) ? at.in : at.out) = nullptr;
    if (!cancels_owed_.empty()) [[unlikely]]
      std::erase(cancels_owed_, &operation);
    done.push(operation);
    if (at.closing != nullptr || at.discarded) [[unlikely]]
      go_on_closing(operation.handle, at, done);
  }
  void go_on_closing(int handle, Slot& at, OperationQueue& done) noexcept;

  // Cancelling and closing.
  void ask_to_cancel(Operation& operation, int as) noexcept;
  bool cancel_entry(std::uint64_t user_data) noexcept;
  bool close(Operation& operation) noexcept;
  void begin_close(int handle) noexcept;
  int close_now(int handle) noexcept;
  void arm_wake() noexcept;

  const int wake_;
  bool wake_armed_ = false;
  SlotTable<Slot> slots_;
  OperationQueue completed_;
  ParkedList backlog_{in_backlog};
  ParkedList starved_{in_starved};
  ParkedList starved_direct_{in_starved_direct};
  std::size_t extra_max_ = 0;             // buffers beyond the maximum, while there are starved
  std::vector<Operation*> cancels_owed_;  // that no entry was to be had for
  Message* messages_ = nullptr;           // for reuse
  std::size_t messages_kept_ = 0;         // of those
  DatagramCalls datagrams_;
  BufferPool direct_;  // for leases, and what is read without the ring
  LeaseQueue leases_{direct_, in_leases, direct_bit};
  BufferRings buffers_;
  Ring ring_;  // last, so that it is closed first: the kernel lets go of the buffers
};

}  // namespace ieum::detail::uring
