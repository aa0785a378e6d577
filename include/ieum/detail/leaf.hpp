// Leaf: what an awaiting coroutine waits for in the end, a driver's operation or an event.
#pragma once

#include <string>

#include <ieum/detail/frame.hpp>
#include <ieum/detail/scope.hpp>
#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// A leaf of the tree of awaits: what a driver, a timer, an event or the pool completes.
class Leaf : public Operation, public StopNode {
 public:
  using Operation::Operation;
  /// On a handle that belongs to `loop`, or to any if that is null.
  Leaf(Kind what, int on, Loop* loop) noexcept : Operation(what, on), loop_(loop) {}

  /// Told by the loop after completion; unlinks, then tells the waiter.
  void finish(Loop& loop) noexcept;
  [[nodiscard]] virtual Error error() const noexcept = 0;
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  void describe(std::string& text, int depth) const final;

 protected:
  ~Leaf() = default;

  [[nodiscard]] Loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] bool belongs_to(const Loop& loop) const noexcept {
    return loop_ == nullptr || loop_ == &loop;
  }
  /// Files the leaf as pending in `scope`.
  void wait_in(Waiter& waiter, Scope& scope) noexcept;
  /// The opposite, of one that is pending and in nobody's hands: as if it had never been started,
  /// its waiter is told nothing.
  void leave() noexcept;
  /// An answer without waiting.
  Start at_once() const noexcept {
    return {result < 0 ? Start::Kind::failed : Start::Kind::done, nullptr};
  }
  /// The same with this result.
  Start at_once(std::int64_t answer) noexcept {
    result = answer;
    return at_once();
  }
  /// The answer to a second wait for what one may wait for at a time: -EBUSY, or in a library built
  /// with IEUM_DEBUG an abort. `what` it is: "a receive".
  Start refuse_second(const char* what) noexcept;
  /// The error of that answer.
  [[nodiscard]] Error second_error(const char* what) const noexcept;
  /// The error of a negative result, named for `address`.
  [[nodiscard]] Error error_at(const Address& at) const noexcept;

 private:
  Waiter* waiter_ = nullptr;
  Loop* loop_ = nullptr;
};

/// A leaf that a driver completes: an operation on a handle. It starts and stops in this one way.
class DriverLeaf : public Leaf {
 public:
  using Leaf::Leaf;

  /// Hands the operation to the driver, unless a stop was asked for or the handle is closed.
  Start start(Waiter& waiter, Scope& scope) noexcept;
  void on_stop() noexcept override;

 protected:
  ~DriverLeaf() = default;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
