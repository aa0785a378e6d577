// ChildTask: a child of a group whose value can be awaited, and that can be stopped alone.
#pragma once

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include <ieum/group.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// A wait for a child's result.
class ChildLeaf;

/// What a child and its handle share; the part that knows no types.
class ChildCore {
 public:
  explicit ChildCore(Scope& group) noexcept {
    scope_.open(group);
    group.add(scope_);
  }
  ChildCore(const ChildCore&) = delete;
  ChildCore& operator=(const ChildCore&) = delete;

  [[nodiscard]] bool has_ended() const noexcept { return ended_; }
  [[nodiscard]] Scope& scope() noexcept { return scope_; }
  void stop() noexcept;
  void succeeded() noexcept { succeeded_ = true; }
  void failed(const Error& error) noexcept { error_ = error; }
  void ended() noexcept;

 protected:
  ~ChildCore() = default;

 private:
  friend class ChildLeaf;
  Scope scope_;                   // within the group's
  ChildLeaf* waiting_ = nullptr;  // until it has taken the value
  std::optional<Error> error_;
  bool succeeded_ = false;  // neither: it threw, which is the group's to tell
  bool ended_ = false;
};

template <class T>
class ChildOf final : public ChildCore {
 public:
  using ChildCore::ChildCore;
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  std::optional<Stored> value;
};

class ChildLeaf : public Leaf {
 public:
  [[nodiscard]] Error error() const noexcept final;
  [[nodiscard]] const char* name() const noexcept final { return "wait for child task"; }
  void on_stop() noexcept final;
  bool withdraw() noexcept;

 protected:
  explicit ChildLeaf(ChildCore& child) noexcept : child_(child) {}
  ~ChildLeaf() = default;
  Start begin(Waiter& waiter, Scope& scope) noexcept;
  /// Lets others wait for the child.
  void give_way() noexcept {
    if (child_.waiting_ == this) child_.waiting_ = nullptr;
  }

 private:
  friend class ChildCore;
  [[nodiscard]] std::int64_t result_of_child() const noexcept;
  ChildCore& child_;
  bool canceled_ = false;
};

template <class T>
class [[nodiscard]] ChildResult {
 public:
  using value_type = T;
  static constexpr bool consumes = !std::is_void_v<T>;
  explicit ChildResult(std::shared_ptr<ChildOf<T>> child) noexcept : child_(std::move(child)) {}

  class State final : public ChildLeaf {
   public:
    explicit State(ChildResult&& of) noexcept
        : ChildLeaf(*of.child_), child_(std::move(of.child_)) {}
    ~State() { give_way(); }
    Start start(Waiter& waiter, Scope& scope) noexcept { return begin(waiter, scope); }
    T take() {
      give_way();
      if constexpr (!std::is_void_v<T>) {
        IEUM_ASSERT(child_->value.has_value(), "the value of a child task is taken twice");
        T value = *std::move(child_->value);
        child_->value.reset();
        return value;
      }
    }
    [[nodiscard]] Error take_error() const noexcept { return error(); }

   private:
    std::shared_ptr<ChildOf<T>> child_;
  };

 private:
  std::shared_ptr<ChildOf<T>> child_;
};

/// Runs a task in the child's own scope, so that a stop can reach it alone.
template <class T>
class InChildScope {
 public:
  using value_type = T;
  InChildScope(Task<T>&& task, ChildCore& child) noexcept
      : task_(std::move(task)), child_(&child) {}

  class State final : public Waiter {
   public:
    explicit State(InChildScope&& in) noexcept : task_(std::move(in.task_)), child_(*in.child_) {}
    Start start(Waiter& waiter, Scope& /*scope*/) noexcept {
      outer_ = &waiter;
      return task_.start(*this, child_.scope());
    }
    T take() { return task_.take(); }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

    Frame* ended(Frame* child) noexcept override { return outer_->ended(child); }
    Frame* failed(Error& error) noexcept override { return outer_->failed(error); }
    [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
      return outer_->awaiting_frame();
    }

   private:
    typename Task<T>::State task_;
    ChildCore& child_;
    Waiter* outer_ = nullptr;
  };

 private:
  Task<T> task_;
  ChildCore* child_;
};

/// Whichever way the child's frame ends, its handle hears of it.
class ChildEnd {
 public:
  explicit ChildEnd(ChildCore& child) noexcept : child_(child) {}
  ChildEnd(const ChildEnd&) = delete;
  ChildEnd& operator=(const ChildEnd&) = delete;
  ~ChildEnd() { child_.ended(); }

 private:
  ChildCore& child_;
};

template <class T>
Task<> run_child(Task<T> task, std::shared_ptr<ChildOf<T>> child) {
  const ChildEnd end(*child);
  InChildScope<T> work(std::move(task), *child);
  Result<T> result = co_await attempt(std::move(work));
  if (!result) {
    child->failed(result.error());
    co_return;
  }
  if constexpr (std::is_void_v<T>) {
    child->value.emplace();
  } else {
    child->value.emplace(*std::move(result));
  }
  child->succeeded();
}

}  // namespace detail

/// A child that `Group::spawn` has started: awaits its value, stops it alone. Movable. Its
/// destruction asks a child that still runs to stop: nobody wants its value any more. The group
/// joins it as every child. Only the runtime's thread may use it.
template <class T>
class [[nodiscard]] ChildTask {
 public:
  /// None.
  ChildTask() noexcept = default;
  ChildTask(ChildTask&&) noexcept = default;
  ChildTask& operator=(ChildTask&& other) noexcept {
    if (this != &other) {
      stop();
      child_ = std::move(other.child_);
    }
    return *this;
  }
  ~ChildTask() { stop(); }

  /// Waits until the child has ended, and gives its value, which can be taken once; fails with its
  /// error, `operation_canceled` if it was stopped. One wait at a time: of a second one the error
  /// is `device_or_resource_busy`. Stopping the wait does not stop the child.
  [[nodiscard]] detail::ChildResult<T> result() noexcept {
    IEUM_ASSERT(child_ != nullptr, "a child task is used after it was moved from");
    return detail::ChildResult<T>(child_);
  }
  /// Asks the child, and it alone, to stop.
  void stop() noexcept {
    if (child_ != nullptr) child_->stop();
  }
  [[nodiscard]] bool has_ended() const noexcept { return child_ == nullptr || child_->has_ended(); }

 private:
  friend class Group;
  explicit ChildTask(std::shared_ptr<detail::ChildOf<T>> child) noexcept
      : child_(std::move(child)) {}
  std::shared_ptr<detail::ChildOf<T>> child_;
};

template <class T>
ChildTask<T> Group::spawn(Task<T> task) {
  auto child = std::make_shared<detail::ChildOf<T>>(core_.scope());
  start(detail::run_child(std::move(task), child));
  return ChildTask<T>(std::move(child));
}

}  // namespace ieum
#pragma GCC visibility pop
