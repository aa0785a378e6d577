// BufferedOperation: an operation on a buffer in front of a stream: done at once if the buffer has
// what it takes, and without a frame of its own then; else a task.
#pragma once

#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// `Op` has `value_type`, `consumes`, and:
///   bool done_at_once(); value_type value(); Task<value_type> task(); Error canceled();
template <class Op>
class [[nodiscard]] BufferedOperation {
 public:
  using value_type = typename Op::value_type;
  static constexpr bool consumes = Op::consumes;
  static constexpr bool partial = Partial<Op>;
  explicit BufferedOperation(const Op& op) noexcept : op_(op) {}

  class State {
   public:
    explicit State(BufferedOperation&& operation) noexcept : op_(operation.op_) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Start start(Waiter& waiter, Scope& scope) noexcept {
      if (scope.stopped()) return {Start::Kind::failed, nullptr};
      if (op_.done_at_once()) return {Start::Kind::done, nullptr};
      task_.emplace(op_.task());
      return task_->start(waiter, scope);
    }
    value_type take() {
      if constexpr (std::is_void_v<value_type>) {
        if (task_) task_->take();
      } else {
        return task_ ? task_->take() : op_.value();
      }
    }
    [[nodiscard]] Error take_error() const noexcept { return op_.canceled(); }

   private:
    Op op_;
    std::optional<typename Task<value_type>::State> task_;
  };

 private:
  Op op_;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
