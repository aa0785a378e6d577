// with_group: the one door to concurrency; race: its opposite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class Group;
template <class T = void>
class ChildTask;

namespace detail {

class GroupCore;

/// A wait for all children of a group.
class GroupJoinLeaf : public Leaf {
 public:
  explicit GroupJoinLeaf(GroupCore& group) noexcept : group_(group) {}
  [[nodiscard]] Error error() const noexcept final;
  [[nodiscard]] const char* name() const noexcept final { return "join group"; }
  void on_stop() noexcept final;

 protected:
  ~GroupJoinLeaf() = default;
  Start begin(Waiter& waiter, Scope& scope) noexcept;

 private:
  friend class GroupCore;
  GroupCore& group_;
};

class [[nodiscard]] GroupJoin {
 public:
  using value_type = void;
  explicit GroupJoin(GroupCore& group) noexcept : group_(&group) {}

  class State final : public GroupJoinLeaf {
   public:
    explicit State(GroupJoin&& join) noexcept : GroupJoinLeaf(*join.group_) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return begin(waiter, scope); }
    void take() const noexcept {}
    [[nodiscard]] Error take_error() const noexcept { return error(); }
  };

 private:
  GroupCore* group_;
};

/// Stands between a child and its group, and is told how the child ended instead of it: such a
/// child does not fail the group. Owned by the group as long as the child runs.
class ChildObserver : public Waiter {
 public:
  ChildObserver() noexcept = default;
  ChildObserver(const ChildObserver&) = delete;
  ChildObserver& operator=(const ChildObserver&) = delete;
  virtual ~ChildObserver() = default;

  Frame* ended(Frame* child) noexcept final;
  Frame* failed(Error& error) noexcept final;
  [[nodiscard]] const Frame* awaiting_frame() const noexcept final;

 protected:
  /// The child is destroyed. `error` is null unless it failed, `exception` unless it threw.
  virtual void child_ended(const Error* error, std::exception_ptr exception) noexcept = 0;
  /// The child has ended well, and is destroyed: what is to go on in its place, in its scope. None:
  /// then `child_ended` follows.
  [[nodiscard]] virtual Task<void> next_child() noexcept { return {}; }
  /// The group that it was given to.
  [[nodiscard]] virtual Group& group() const noexcept = 0;
  /// The child's scope: that of the group, or one within it, so that a stop can reach it alone.
  [[nodiscard]] virtual Scope& child_scope(Scope& group) noexcept { return group; }

 private:
  friend class GroupCore;
  static void destroy_child(Loop& loop, ReadyNode& node) noexcept;
  void leave(const Error* error, std::exception_ptr exception) noexcept;
};

/// The part of a group that knows no types: counts children, keeps the first failure, joins.
class GroupCore : public Waiter, public ReadyNode {
 public:
  GroupCore() noexcept : body_waiter_(*this) {}

  void start_child(Task<void> task) noexcept { start_child(std::move(task), *this, scope_); }
  void start_child(Task<void> task, std::unique_ptr<ChildObserver> observer) noexcept;
  void stop() noexcept;
  [[nodiscard]] std::size_t running() const noexcept { return children_; }
  [[nodiscard]] Scope& scope() noexcept { return scope_; }

  Start start_join(GroupJoinLeaf& leaf, Waiter& waiter, Scope& scope) noexcept;
  /// A stop has come to a join: true if it is the join's alone, and ends it.
  bool stop_join(GroupJoinLeaf& leaf) noexcept;

  // A child:
  Frame* ended(Frame* child) noexcept override;
  Frame* failed(Error& error) noexcept override;
  [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
    return outer_->awaiting_frame();
  }

 protected:
  ~GroupCore() = default;

  class BodyWaiter final : public Waiter {
   public:
    explicit BodyWaiter(GroupCore& group) noexcept : group_(group) {}
    Frame* ended(Frame* child) noexcept override;
    Frame* failed(Error& error) noexcept override;
    [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
      return group_.awaiting_frame();
    }

   private:
    friend class GroupCore;
    GroupCore& group_;
  };

  void open(Waiter& outer, Scope& parent) noexcept;
  /// The body is a task: its frame, where its owner keeps it, and the size of its promise.
  void body_starts(Frame*& frame, std::size_t promise_bytes) noexcept;
  /// The body threw before it was a task.
  void body_threw(std::exception_ptr exception) noexcept;
  void rethrow();

  BodyWaiter body_waiter_;
  Scope scope_;

 private:
  friend class ChildObserver;
  void start_child(Task<void> task, Waiter& waiter, Scope& scope) noexcept;
  void note(const Error& error) noexcept;
  void note(std::exception_ptr exception) noexcept;
  void one_less() noexcept;
  [[nodiscard]] std::int64_t result_of_join() const noexcept;
  static void destroy_child(Loop& loop, ReadyNode& node) noexcept;
  static void joined(Loop& loop, ReadyNode& node) noexcept;
  // For AddressSanitizer: the locals of a body that has ended are no more.
  static void forbid_locals(Loop& loop, ReadyNode& node) noexcept;
  void allow_locals() noexcept;

  Waiter* outer_ = nullptr;
  std::size_t children_ = 0;
  GroupJoinLeaf* joining_ = nullptr;
  Frame** body_ = nullptr;
  std::size_t promise_bytes_ = 0;
  std::size_t forbidden_bytes_ = 0;
  bool body_running_ = false;
  bool body_failed_ = false;  // its frame is kept until all children have ended
  bool stopped_here_ = false;
  bool joined_ = false;
  std::optional<Error> error_;
  std::exception_ptr exception_;
};

}  // namespace detail

/// The children of a `with_group`. Lives as long as its body and all children; only the loop's
/// thread may use it.
class Group {
 public:
  explicit Group(detail::GroupCore& core) noexcept : core_(core) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Starts `task` beside the body, at the loop's next opportunity. If it fails, its siblings and
  /// the body are asked to stop, and the group fails with its error. No limit on their number:
  /// the caller sets one.
  void start(Task<void> task) noexcept { core_.start_child(std::move(task)); }
  /// The same for a child whose end only `observer` hears of.
  void start(Task<void> task, std::unique_ptr<detail::ChildObserver> observer) noexcept {
    core_.start_child(std::move(task), std::move(observer));
  }
  /// Starts `task` as a child whose value is wanted: `co_await child.result()` gives it, or fails
  /// with its error, which does not fail the group. An exception does. `child.stop()` stops it
  /// alone (child_task.hpp).
  template <class T>
  [[nodiscard]] ChildTask<T> spawn(Task<T> task);
  /// Asks all children and the body to stop; a child that ends with `operation_canceled` because
  /// of it has not failed.
  void stop() noexcept { core_.stop(); }
  /// Waits until all children have ended, those included that start meanwhile; for the body, at
  /// most once at a time: of a second one the error is `device_or_resource_busy`. Where children
  /// use locals of the body, it is the body's last await: then they live as long as the children.
  /// Error: `operation_canceled`, once all have ended, if one of them failed or the group was asked
  /// to stop from outside; or at once, if a stop reaches only this wait (a deadline round it).
  [[nodiscard]] detail::GroupJoin join() noexcept { return detail::GroupJoin(core_); }
  /// How many children have not ended.
  [[nodiscard]] std::size_t running() const noexcept { return core_.running(); }

 private:
  friend class detail::ChildObserver;
  detail::GroupCore& core_;
};

namespace detail {

template <class Body>
class WithGroup {
  using BodyTask = std::invoke_result_t<Body&, Group&>;
  static_assert(is_task<BodyTask>, "the body of a group is a task: Task<T> body(Group&)");

 public:
  using value_type = typename BodyTask::value_type;
  explicit WithGroup(Body&& body) noexcept : body_(std::move(body)) {}

  class State final : public GroupCore {
   public:
    explicit State(WithGroup&& with) noexcept : group_(*this), body_(std::move(with.body_)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Start start(Waiter& waiter, Scope& scope) noexcept {
      open(waiter, scope);
#if defined(__cpp_exceptions)
      try {
#endif
        task_.emplace(body_(group_));
#if defined(__cpp_exceptions)
      } catch (...) {
        body_threw(std::current_exception());
        return {};
      }
#endif
      const Start start = task_->start(body_waiter_, scope_);
      body_starts(task_->frame(), sizeof(typename BodyTask::promise_type));
      return start;
    }
    value_type take() {
      rethrow();
      return task_->take();
    }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

   private:
    Group group_;
    Body body_;
    std::optional<typename BodyTask::State> task_;
  };

 private:
  Body body_;
};

}  // namespace detail

/// Runs `body(group)`, a task that may start children in the group, and joins them all: goes on
/// only when the body and every child have ended. The result is the body's value, or the first
/// failure of any of them; an exception is rethrown after the join. If the body fails, its children
/// are asked to stop.
///
/// What children use must outlive them. What lies outside the body does, and so does `body` itself:
/// it may be a lambda with captures. The body's own locals end with the body, before the join,
/// unless the body waits for its children itself:
///
///     auto both = [&](Group& group) -> Task<> {
///       StreamSocket peer = co_await StreamSocket::connect(address);
///       group.start(receive(peer));                    // a local of the body
///       co_await send(peer);
///       co_await group.join();                         // so it joins before `peer` ends
///     };
///     co_await with_group(both);
///
/// If an await of the body fails, or is stopped, its locals are kept until all children have ended.
/// (An exception, or `co_return fail(…)`, ends them at once.) AddressSanitizer reports a child that
/// uses a local of a body that has ended.
template <class Body>
[[nodiscard]] detail::WithGroup<Body> with_group(Body body) noexcept {
  return detail::WithGroup<Body>(std::move(body));
}

namespace detail {

template <class T>
using RaceValue = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class V>
struct RaceState {
  Group* group = nullptr;
  std::optional<V> winner;
  std::optional<Error> error;
};

template <std::size_t I, class A, class V>
Task<> race_leg(A op, RaceState<V>& race) {
  using T = typename A::value_type;
  Result<T> result = co_await attempt(std::move(op));
  if (!result) {
    // A cancellation comes from outside, and says more than a leg that had failed before.
    if (!race.error || result.error() == std::errc::operation_canceled) race.error = result.error();
    co_return;
  }
  if (race.winner) co_return;
  if constexpr (std::is_void_v<T>) {
    race.winner.emplace(std::in_place_index<I>);
  } else {
    race.winner.emplace(std::in_place_index<I>, *std::move(result));
  }
  race.group->stop();
}

template <class V, class... A, std::size_t... I>
void start_legs(RaceState<V>& race, std::tuple<A...>& ops, std::index_sequence<I...> /*which*/) {
  (race.group->start(race_leg<I>(std::move(std::get<I>(ops)), race)), ...);
}

// A class, not a capturing lambda: g++ 12 copies captures wrongly.
template <class V, class... A>
struct RaceBody {
  RaceState<V>* race;
  std::tuple<A...>* ops;
  Task<> operator()(Group& group) const { return run(*race, *ops, group); }
  static Task<> run(RaceState<V>& race, std::tuple<A...>& ops, Group& group) {
    race.group = &group;
    start_legs(race, ops, std::index_sequence_for<A...>{});
    co_return;
  }
};

template <class V, class... A>
Task<V> race_all(std::tuple<A...> ops) {
  RaceState<V> race;
  co_await with_group(RaceBody<V, A...>{&race, &ops});
  if (!race.winner) co_await fail(*race.error);
  V winner = std::move(*race.winner);
  co_return winner;
}

template <class T>
struct RaceManyBody {
  RaceState<std::variant<RaceValue<T>>>* race;
  std::vector<Task<T>>* tasks;
  Task<> operator()(Group& group) const { return run(*race, *tasks, group); }
  static Task<> run(RaceState<std::variant<RaceValue<T>>>& race, std::vector<Task<T>>& tasks,
                    Group& group) {
    race.group = &group;
    for (Task<T>& task : tasks) {
      group.start(race_leg<0>(std::move(task), race));
    }
    co_return;
  }
};

}  // namespace detail

/// For several ways to one end, of which the first that works will do: runs tasks, or single
/// operations, at the same time; the first to succeed asks the others to stop, and its value comes
/// back once all have ended: a `variant` whose index says which it was (`monostate` for what gives
/// nothing). A failure does not end the race, and is not told before all have ended; if all fail,
/// the first failure is the result.
///
/// Lost is what a loser had done: the value of one that succeeds later is destroyed, and what a
/// task has consumed before it was stopped (bytes, a client, a message) is gone with it. So an
/// operation that consumes is refused here: wait for it with `select`, which loses nothing. What a
/// task of yours consumes its type does not say: race none that reads.
template <detail::Awaitable... A>
  requires(sizeof...(A) > 0)
[[nodiscard]] Task<std::variant<detail::RaceValue<typename A::value_type>...>> race(A... ops) {
  static_assert((!detail::Consuming<A> && ...),
                "a race throws away what its losers had received or accepted: use select()");
  using Value = std::variant<detail::RaceValue<typename A::value_type>...>;
  return detail::race_all<Value, A...>(std::tuple<A...>(std::move(ops)...));
}

/// The same for any number of tasks of one type, at least one; the value is the winner's.
template <class T>
[[nodiscard]] Task<T> race(std::vector<Task<T>> tasks) {
  IEUM_ASSERT(!tasks.empty(), "a race needs at least one task");
  detail::RaceState<std::variant<detail::RaceValue<T>>> race;
  co_await with_group(detail::RaceManyBody<T>{&race, &tasks});
  if (!race.winner) co_await fail(*race.error);
  if constexpr (!std::is_void_v<T>) {
    T winner = std::get<0>(std::move(*race.winner));
    co_return winner;
  }
}

}  // namespace ieum
#pragma GCC visibility pop

#include <ieum/child_task.hpp>
