// Task<T>: a lazy coroutine that ends with a Result<T>, and early return at await.
#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <ieum/detail/loop.hpp>
#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum {

template <class T = void>
class Task;

namespace detail {

class GroupCore;
template <class T>
class ConsumingTask;

/// What can be awaited in a task, or given to `run`, `with_timeout` and the like.
template <class A>
concept Awaitable = requires {
  typename A::State;
  typename A::value_type;
};

/// What takes something that nobody gets back: bytes, a client, a message. Its type says so with
/// `static constexpr bool consumes = true`.
template <class A>
concept Consuming = requires { requires A::consumes; };

/// What may have been done in part when a stop comes: bytes have gone, a message has been taken
/// over. Its type says so with `static constexpr bool partial = true`.
template <class A>
concept Partial = requires { requires A::partial; };

/// `co_await awaitable` in a task.
template <Awaitable A>
class Await {
 public:
  // Inline, so that what is awaited is made in its place, and takes no room in the frame beside it.
  [[gnu::always_inline]] Await(A&& awaitable, Frame& frame,
                               const std::source_location& where) noexcept
      : state_(std::move(awaitable)) {
    frame.where = where;
    const Start start = state_.start(frame, *frame.scope);
    if (start.kind == Start::Kind::pending) {
      next_ = start.next;
    } else if (start.kind == Start::Kind::done && frame.scope->loop().spend()) {
      next_ = Frame::goes_on();
    } else {
      next_ = nullptr;
      suspend(frame, start.kind);
    }
  }
  Await(const Await&) = delete;
  Await& operator=(const Await&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return next_ == Frame::goes_on(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> /*self*/) const noexcept {
    if (next_ == nullptr) return std::noop_coroutine();
    return next_->handle();
  }
  typename A::value_type await_resume() { return state_.take(); }

 private:
  /// It has ended at once, but the frame does not go on. Not inline: an error is large.
  [[gnu::noinline]] void suspend(Frame& frame, Start::Kind kind) noexcept {
    Loop& loop = frame.scope->loop();
    if (kind == Start::Kind::failed) {
      loop.fail(frame, state_.take_error());
    } else {
      loop.enqueue_resume(frame);
    }
  }

  typename A::State state_;
  Frame* next_;  // the task to run at once; null: none; `goes_on`: the awaiting one itself
};

/// `co_await fail(...)`: never goes on.
class AwaitFailure {
 public:
  AwaitFailure(const Error& error, Frame& frame, const std::source_location& where) noexcept {
    frame.where = where;
    frame.scope->loop().fail(frame, error);
  }
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> /*self*/) noexcept {}
  [[noreturn]] void await_resume() noexcept { std::abort(); }
};

/// `co_await` of a Result that is there already.
template <class T>
class AwaitResult {
 public:
  AwaitResult(Result<T>&& result, Frame& frame, const std::source_location& where) noexcept
      : result_(std::move(result)), frame_(frame) {
    frame.where = where;
  }
  bool await_ready() noexcept { return result_.has_value(); }
  void await_suspend(std::coroutine_handle<> /*self*/) noexcept {
    frame_.scope->loop().fail(frame_, result_.error());
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return *std::move(result_);
  }

 private:
  Result<T> result_;
  Frame& frame_;
};

template <class A>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;
template <class T>
inline constexpr bool is_task<ConsumingTask<T>> = true;

/// The promise of every task, but for what it returns.
class PromiseBase : public Frame {
 public:
  static std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().finished();
    }
    void await_resume() noexcept {}
  };
  static Final final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept {
    if (scope != nullptr) scope->loop().take_back_failure(*this);
    exception = std::current_exception();
  }

  template <Awaitable A>
  [[gnu::always_inline]] Await<A> await_transform(
      A&& awaitable, std::source_location at = std::source_location::current()) noexcept {
    return Await<A>(std::move(awaitable), *this, at);
  }
  template <Awaitable A>
  void await_transform(A& awaitable) = delete;  // awaited once, as an rvalue: std::move it

  template <class T>
  AwaitResult<T> await_transform(
      std::expected<T, Error> result,
      std::source_location at = std::source_location::current()) noexcept {
    return AwaitResult<T>(std::move(result), *this, at);
  }
  AwaitFailure await_transform(const Failure& failure,
                               std::source_location at = std::source_location::current()) noexcept {
    return AwaitFailure(failure.error(), *this, at);
  }

 protected:
  ~PromiseBase() = default;
  void returned(const Error& error, const std::source_location& at) noexcept {
    where = at;
    scope->loop().fail(*this, error);
  }
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;

  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Failure> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result<T>>)
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  void return_value(const Failure& failure,
                    std::source_location at = std::source_location::current()) noexcept {
    returned(failure.error(), at);
  }
  void return_value(Result<T>&& result, std::source_location at = std::source_location::current()) {
    if (result) {
      value_.emplace(*std::move(result));
    } else {
      returned(result.error(), at);
    }
  }
  void return_value(const Result<T>& result,
                    std::source_location at = std::source_location::current()) {
    return_value(Result<T>(result), at);
  }

  T take() { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  // No return_value beside it (the language allows one of them): to raise an error in a Task<>,
  // write `co_await fail(...)`.
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

/// A coroutine that ends with a `Result<T>`: lazy, awaited once, owned by whoever holds it.
///
/// Inside one, `T v = co_await op` gives the value; if `op` fails, this task ends there with the
/// same error: its locals are destroyed as by a `return`, no exception is thrown. `Result<T> r =
/// co_await attempt(op)` gives the result to look at. `co_await fail(error)` raises one; a
/// `Task<T>` that is not void may also `co_return fail(error)`.
///
/// Parameters are taken by value, or refer to what certainly outlives the await. A task that is
/// never awaited does nothing, and destroys its arguments. Exceptions of user code are rethrown at
/// the await. A stop and a deadline reach a task through whoever awaits it.
template <class T>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>, "a task ends with a value: return a pointer");

 public:
  using value_type = T;
  using promise_type = detail::Promise<T>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Task() { reset(); }

  /// False after it was moved from or awaited.
  explicit operator bool() const noexcept { return frame_ != nullptr; }

  class State;

 private:
  friend promise_type;
  friend class detail::GroupCore;
  explicit Task(detail::Frame& frame) noexcept : frame_(&frame) {}
  void reset() noexcept {
    if (frame_ != nullptr) std::exchange(frame_, nullptr)->handle().destroy();
  }

  detail::Frame* frame_ = nullptr;
};

template <class T>
class Task<T>::State {
 public:
  explicit State(Task&& task) noexcept : task_(std::move(task)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  detail::Start start(detail::Waiter& waiter, detail::Scope& scope) noexcept {
    IEUM_ASSERT(task_.frame_ != nullptr, "a task is awaited once: this one was moved from");
    detail::Frame& frame = *task_.frame_;
    frame.waiter = &waiter;
    frame.scope = &scope;
    frame.owner = &task_.frame_;
    if (scope.loop().spend()) return {detail::Start::Kind::pending, &frame};
    scope.loop().enqueue_resume(frame);
    return {};
  }

  T take() {
    auto& promise = static_cast<promise_type&>(*task_.frame_);
    if (promise.exception != nullptr) [[unlikely]] {
      std::exception_ptr exception = std::move(promise.exception);
      task_.reset();
      std::rethrow_exception(std::move(exception));
    }
    if constexpr (std::is_void_v<T>) {
      task_.reset();
    } else {
      T value = promise.take();
      task_.reset();
      return value;
    }
  }
  [[noreturn]] Error take_error() noexcept { std::abort(); }  // a task never fails while it starts
  /// Its frame, null once that is destroyed.
  [[nodiscard]] detail::Frame*& frame() noexcept { return task_.frame_; }

 private:
  Task task_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  static_assert(alignof(Promise) <= 2 * sizeof(void*), "a task's value is not over-aligned");
  return Task<T>(*this);
}

inline Task<void> detail::Promise<void>::get_return_object() noexcept { return Task<void>(*this); }

/// A task whose type says that it consumes; a function returns it for a coroutine that does. It is
/// a `Task<T>` wherever one is asked for.
template <class T>
class [[nodiscard]] detail::ConsumingTask : public Task<T> {
 public:
  static constexpr bool consumes = true;
  explicit ConsumingTask(Task<T> task) noexcept : Task<T>(std::move(task)) {}
};

inline std::coroutine_handle<> detail::Frame::finished() noexcept {
  Loop& loop = scope->loop();
  if (loop.is_failing(*this)) return std::noop_coroutine();
  Frame* next = waiter->ended(this);
  if (next == nullptr) return std::noop_coroutine();
  if (loop.spend()) return next->handle();
  loop.enqueue_resume(*next);
  return std::noop_coroutine();
}

namespace detail {

template <Awaitable A>
class Attempt {
 public:
  using value_type = Result<typename A::value_type>;
  static constexpr bool consumes = Consuming<A>;
  static constexpr bool partial = Partial<A>;
  explicit Attempt(A&& inner) noexcept : inner_(std::move(inner)) {}

  class State final : public Waiter {
   public:
    explicit State(Attempt&& attempt) noexcept : inner_(std::move(attempt.inner_)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Start start(Waiter& waiter, Scope& scope) noexcept {
      outer_ = &waiter;
      loop_ = &scope.loop();
      Start start = inner_.start(*this, scope);
      if (start.kind == Start::Kind::failed) {
        error_ = inner_.take_error();
        start.kind = Start::Kind::done;
      }
      return start;
    }
    value_type take() {
      if (error_) return fail(*error_);
      if constexpr (std::is_void_v<typename A::value_type>) {
        inner_.take();
        return {};
      } else {
        return inner_.take();
      }
    }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

    Frame* ended(Frame* child) noexcept override { return outer_->ended(child); }
    Frame* failed(Error& error) noexcept override {
      error_ = error;
      if (Frame* next = outer_->ended(nullptr)) loop_->enqueue_resume(*next);
      return nullptr;
    }
    [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
      return outer_->awaiting_frame();
    }

   private:
    typename A::State inner_;
    Waiter* outer_ = nullptr;
    Loop* loop_ = nullptr;
    std::optional<Error> error_;
  };

 private:
  A inner_;
};

/// `attempt` of a Result that is there already.
template <class T>
class AttemptResult {
 public:
  using value_type = Result<T>;
  explicit AttemptResult(Result<T>&& result) noexcept : result_(std::move(result)) {}

  class State {
   public:
    explicit State(AttemptResult&& attempt) noexcept : result_(std::move(attempt.result_)) {}
    Start start(Waiter& /*waiter*/, Scope& /*scope*/) noexcept {
      return {Start::Kind::done, nullptr};
    }
    Result<T> take() { return std::move(result_); }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

   private:
    Result<T> result_;
  };

 private:
  Result<T> result_;
};

}  // namespace detail

/// `Result<T> r = co_await attempt(op)`: the result itself, whether `op` succeeded or failed. An
/// exception of user code is rethrown all the same.
template <detail::Awaitable A>
[[nodiscard]] detail::Attempt<A> attempt(A op) noexcept {
  return detail::Attempt<A>(std::move(op));
}
/// The same for a function that does not wait, so that it may be called as one that does.
template <class T>
[[nodiscard]] detail::AttemptResult<T> attempt(std::expected<T, Error> result) noexcept {
  return detail::AttemptResult<T>(std::move(result));
}

}  // namespace ieum
#pragma GCC visibility pop
