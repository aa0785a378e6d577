// Frame: a coroutine that awaits; Waiter: who is told how an awaited thing ended; Start: how
// starting one went.
//
// The protocol. Each awaitable A has a nested `State`, built in the awaiting frame:
//   State(A&&); Start start(Waiter&, Scope&); value_type take(); Error take_error();
// `start` answers done, failed or pending. If pending, the waiter is later told exactly once:
// `ended` (then `take` gives the value or rethrows) or `failed` (the error comes along). Nothing is
// ever resumed from within `start`, `on_stop`, `fire` or a destructor.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>

#include <ieum/error.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

class Frame;
class Loop;
class Scope;

/// Who is told how an awaited thing ended: a frame, or a combinator round the awaited thing.
class Waiter {
 public:
  /// It ended with a value or an exception. `child`: the task that ended, or null for an operation.
  /// Returns the frame that is to go on now, or null.
  virtual Frame* ended(Frame* child) noexcept = 0;
  /// It failed, and is destroyed already, unless its frame is `kept`. Returns the frame that is to
  /// be abandoned, or null.
  virtual Frame* failed(Error& error) noexcept = 0;
  /// The nearest frame outwards; null at the top. For dump_tasks().
  [[nodiscard]] virtual const Frame* awaiting_frame() const noexcept = 0;

 protected:
  ~Waiter() = default;
};

/// Work for the loop's ready queue.
class ReadyNode {
 public:
  ReadyNode() noexcept = default;
  ReadyNode(const ReadyNode&) = delete;
  ReadyNode& operator=(const ReadyNode&) = delete;

 protected:
  ~ReadyNode() = default;

 private:
  friend class Loop;
  using Action = void (*)(Loop&, ReadyNode&) noexcept;
  ReadyNode* next_ready_ = nullptr;
  Action action_ = nullptr;
};

/// How starting an awaitable went.
struct Start {
  enum class Kind : std::uint8_t { pending, done, failed };
  Kind kind = Kind::pending;
  Frame* next = nullptr;  ///< pending: a task to run at once
};

/// A coroutine frame: the base of every promise.
class Frame : public Waiter, public ReadyNode {
 public:
  Frame() noexcept { ++live; }

  Frame* ended(Frame* /*child*/) noexcept final { return this; }
  Frame* failed(Error& /*error*/) noexcept final { return this; }
  [[nodiscard]] const Frame* awaiting_frame() const noexcept final { return this; }

  /// At the final suspend point: who goes on.
  std::coroutine_handle<> finished() noexcept;

  /// Promises begin with their frame, and none is aligned more strictly than the two pointers that
  /// stand before it (checked where a task is made), so that the handle need not be kept.
  [[nodiscard]] std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<Frame>::from_promise(*this);
  }

  Waiter* waiter = nullptr;
  Scope* scope = nullptr;
  /// The task that owns this frame, told when the loop destroys it; or `kept`.
  Frame** owner = nullptr;
  std::source_location where;
  std::exception_ptr exception;

  /// Frames that exist on this thread; a test expects 0 at its end.
  static inline thread_local constinit std::int64_t live = 0;

  /// The owner of a frame that the loop does not destroy when it fails: its waiter does, later.
  static inline constinit Frame* kept = nullptr;

  /// In the place of a frame that is to go on: the one that asked. Only compared with.
  static Frame* goes_on() noexcept { return reinterpret_cast<Frame*>(std::uintptr_t{1}); }

 protected:
  ~Frame() { --live; }
};

}  // namespace ieum::detail
#pragma GCC visibility pop
