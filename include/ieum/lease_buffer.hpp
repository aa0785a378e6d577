// lease_buffer: a buffer of the runtime's pool, for what a protocol layer makes of what has come.
#pragma once

#include <cstddef>
#include <utility>

#include <ieum/detail/handle_io.hpp>
#include <ieum/lease.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// What asks for a buffer for `bytes` bytes; `exceeds`: beyond the maximum rather than wait.
[[nodiscard]] inline HandleRequest lease_request(std::size_t bytes, bool exceeds,
                                                 Loop& loop) noexcept {
  return {.kind = Operation::Kind::lease,
          .whole = exceeds,
          .loop = &loop,
          .name = "lease a buffer",
          .size = bytes};
}

class [[nodiscard]] BufferLease {
 public:
  using value_type = Lease;
  BufferLease(std::size_t bytes, bool exceeds) noexcept : bytes_(bytes), exceeds_(exceeds) {}

  class State {
   public:
    explicit State(BufferLease&& lease) noexcept
        : leaf_(lease_request(lease.bytes_, lease.exceeds_, *Loop::current())) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return leaf_.start(waiter, scope); }
    Lease take() noexcept { return leaf_.take(); }
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    ReceiveLeaf leaf_;
  };

 private:
  std::size_t bytes_;
  bool exceeds_;
};

}  // namespace detail

/// Leases a buffer of the runtime's pool for `bytes` bytes, and waits while all are leased. Its
/// size is what it holds: 64 KiB for more than 4 KiB, else 4 KiB; and 4 KiB also if no larger one
/// is left, so that a layer goes on in smaller pieces. What is in it is not defined. Memory that is
/// not written to costs none.
///
/// For what is received: wait for it with no other lease in hand, since those who hold one and wait
/// for a second one may all wait for each other. Error: `operation_canceled`.
[[nodiscard]] inline detail::BufferLease lease_buffer(std::size_t bytes) noexcept {
  return {bytes, false};
}

/// The same for what is sent: while all are leased, it gives one beyond
/// `RuntimeOptions::receive_buffers_max`, and waits only for memory. Who writes may hold what
/// others wait for; and there are never more of these than writes under way.
[[nodiscard]] inline detail::BufferLease lease_output_buffer(std::size_t bytes) noexcept {
  return {bytes, true};
}

}  // namespace ieum
#pragma GCC visibility pop
