// offload: blocking work on the runtime's pool of threads, its result back in the task.
#pragma once

#include <optional>
#include <type_traits>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// Work that a thread of the pool runs; lives in the awaiting frame like any operation.
class OffloadLeaf : public Leaf {
 public:
  OffloadLeaf() noexcept : queued(*this) {}

  [[nodiscard]] Error error() const noexcept final { return error_at({}); }
  [[nodiscard]] const char* name() const noexcept final { return "offload"; }
  void on_stop() noexcept final;
  /// On a thread of the pool.
  virtual void work() noexcept = 0;

  struct Link : ListLink {
    explicit Link(OffloadLeaf& of) noexcept : leaf(of) {}
    OffloadLeaf& leaf;
  };
  Link queued;  ///< the pool's

 protected:
  ~OffloadLeaf() = default;
  Start begin(Waiter& waiter, Scope& scope) noexcept;
};

template <class F>
class Offload {
 public:
  using value_type = std::invoke_result_t<F&>;
  explicit Offload(F&& function) noexcept : function_(std::move(function)) {}

  class State final : public OffloadLeaf {
   public:
    explicit State(Offload&& offload) noexcept : function_(std::move(offload.function_)) {}

    Start start(Waiter& waiter, Scope& scope) noexcept { return begin(waiter, scope); }
    value_type take() {
      if (exception_ != nullptr) std::rethrow_exception(exception_);
      if constexpr (!std::is_void_v<value_type>) return *std::move(value_);
    }
    Error take_error() const noexcept { return error(); }

    void work() noexcept override {
#if defined(__cpp_exceptions)
      try {
#endif
        if constexpr (std::is_void_v<value_type>) {
          function_();
        } else {
          value_.emplace(function_());
        }
#if defined(__cpp_exceptions)
      } catch (...) {
        exception_ = std::current_exception();
      }
#endif
    }

   private:
    using Stored = std::conditional_t<std::is_void_v<value_type>, char, value_type>;
    F function_;
    std::optional<Stored> value_;
    std::exception_ptr exception_;
  };

 private:
  F function_;
};

}  // namespace detail

/// Runs `function()` on a thread of the runtime's pool (at most `RuntimeOptions::
/// offload_threads_max`; more work waits its turn) and gives what it returns; an exception is
/// rethrown here. A stop cancels work that has not begun (`operation_canceled`); work that has
/// begun is waited for. `function` must touch nothing that the loop's thread uses meanwhile.
template <class F>
[[nodiscard]] detail::Offload<F> offload(F function) noexcept {
  return detail::Offload<F>(std::move(function));
}

}  // namespace ieum
#pragma GCC visibility pop
