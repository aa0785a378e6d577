// Operation: one request to a driver, living in the awaiting coroutine's frame until it has
// completed. On the data path: the driver fills `data`, sets `result` and hands the operation back
// to the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ieum/address.hpp>
#include <ieum/time.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A part of a gathered write.
using ConstBuffer = std::span<const std::byte>;

namespace detail {

struct DatagramTransfer;

/// The request that the loop hands to a driver. Field by field in src/base/driver.hpp.
struct Operation {
  enum class Kind : std::uint8_t {
    none,  ///< never handed to a driver: a timer, an event, work on the pool
    // One direction:
    receive,  ///< up to `size` bytes into `data`, or `pooled`; result 0: the peer finished
    accept,   ///< result: the new handle, non-blocking; `address`: the peer
    receive_datagrams,  ///< as many as have come, at least one, into `transfer`
    wait_readable,      ///< of a foreign descriptor; nothing is read
    // The other:
    send,            ///< `size` bytes from `data`, or `parts`; the whole of it if `whole`
    connect,         ///< to `address`; done when the answer is in
    send_datagrams,  ///< those of `transfer`
    wait_writable,
    // Neither:
    lease,  ///< a buffer of the driver's for `size` bytes; no handle; result: what it holds
    close,  ///< cancels what is pending on the handle, waits for it, closes
  };
  enum class State : std::uint8_t { idle, pending, completed };

  Operation() noexcept = default;
  explicit Operation(Kind what, int on = -1) noexcept : kind(what), handle(on) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Kind kind = Kind::none;
  State state = State::idle;
  bool whole = false;   ///< send: all of it; lease: rather one beyond the maximum than wait
  bool pooled = false;  ///< receive: into a buffer of the driver's, which `data` and `buffer` name
  int handle = -1;
  union {
    std::int64_t result = 0;  ///< at least 0, or a negated errno(3)
    Operation** link;         ///< the driver's while parked: what points to the operation
  };

  union {
    std::byte* data = nullptr;
    std::size_t part_moved;  ///< of a gathered send the driver's: bytes of the next part that went
  };
  std::size_t size = 0;
  std::size_t moved = 0;  ///< bytes of a whole send, or datagrams, that have gone
  union {
    const ConstBuffer* parts = nullptr;  ///< send: `size` of them, instead of `data`
    Address* address;                    ///< accept, connect
    DatagramTransfer* transfer;          ///< of datagrams
  };
  /// Of a pooled receive or a lease, to be released; of a gathered send the driver's: the part that
  /// is next.
  std::uint32_t buffer = 0;
  std::int16_t cancel_as = 0;  ///< the driver's: the negated errno of a requested cancellation
  std::uint8_t parked_in = 0;  ///< the driver's: which of its lists holds the operation
  std::uint8_t called = 0;     ///< the owner's: what errors call it

  union {
    Operation* next = nullptr;  ///< the driver's while parked, the loop's once completed
    void* memory;               ///< the driver's while pending elsewhere
  };
};

/// Completed operations, in order. Allocates nothing.
class OperationQueue {
 public:
  OperationQueue() noexcept = default;
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  /// Marks `operation` completed and appends it.
  void push(Operation& operation) noexcept {
    operation.state = Operation::State::completed;
    operation.next = nullptr;
    *end_ = &operation;
    end_ = &operation.next;
  }
  /// The oldest, or null.
  Operation* pop() noexcept {
    Operation* operation = first_;
    if (operation != nullptr) {
      first_ = operation->next;
      if (first_ == nullptr) end_ = &first_;
    }
    return operation;
  }
  /// Moves all of `other` to the end of this.
  void append(OperationQueue& other) noexcept {
    if (other.empty()) return;
    *end_ = other.first_;
    end_ = other.end_;
    other.first_ = nullptr;
    other.end_ = &other.first_;
  }

 private:
  Operation* first_ = nullptr;
  Operation** end_ = &first_;
};

}  // namespace detail
}  // namespace ieum
#pragma GCC visibility pop
