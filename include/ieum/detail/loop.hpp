// The parts that every awaited thing is made of: who waits (Waiter, Frame), how far a stop reaches
// (Scope), what the driver answers to (Leaf), and the loop that runs them. Hot paths are inline;
// the rest is in src/runtime/loop.cpp.
//
// The protocol. Each awaitable A has a nested `State`, built in the awaiting frame:
//   State(A&&); Start start(Waiter&, Scope&); value_type take(); Error take_error();
// `start` answers done, failed or pending. If pending, the waiter is later told exactly once:
// `ended` (then `take` gives the value or rethrows) or `failed` (the error comes along). Nothing is
// ever resumed from within `start`, `on_stop`, `fire` or a destructor.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>

#include <ieum/detail/assert.hpp>
#include <ieum/detail/timer.hpp>
#include <ieum/error.hpp>
#include <ieum/operation.hpp>

namespace ieum {
class Driver;
class Runtime;
}  // namespace ieum

namespace ieum::detail {

class Frame;
class AcceptState;
class GroupCore;
class Leaf;
class Loop;
class OffloadLeaf;
class Pool;
struct Posted;

/// Who is told how an awaited thing ended: a frame, or a combinator round the awaited thing.
class Waiter {
 public:
  /// It ended with a value or an exception. `child`: the task that ended, or null for an operation.
  /// Returns the frame that is to go on now, or null.
  virtual Frame* ended(Frame* child) noexcept = 0;
  /// It failed, and is destroyed already. Returns the frame that is to be abandoned, or null.
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

struct ListLink {
  ListLink* previous = this;
  ListLink* next = this;

  ListLink() noexcept = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { unlink(); }

  [[nodiscard]] bool linked() const noexcept { return next != this; }
  void link_before(ListLink& other) noexcept {
    previous = other.previous;
    next = &other;
    other.previous->next = this;
    other.previous = this;
  }
  void unlink() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
};

/// Something in a scope that hears of a stop.
class StopNode : public ListLink {
 public:
  /// A stop was asked for. May only enqueue, cancel or unlink itself.
  virtual void on_stop() noexcept = 0;
  /// Adds what is waiting here to a dump.
  virtual void describe(std::string& text, int depth) const = 0;

 protected:
  ~StopNode() = default;
};

/// How far a stop reaches: a node in the tree of groups, deadlines and shields. Every frame has
/// one.
class Scope final : public StopNode {
 public:
  Scope() noexcept = default;
  explicit Scope(Loop& loop) noexcept : loop_(&loop) {}

  /// Takes the loop, and whether a stop was asked for, from `parent`; hears of later stops only
  /// once attached to it.
  void open(Scope& parent) noexcept {
    loop_ = parent.loop_;
    stopped_ = parent.stopped_;
  }
  /// The same without the stop: a shield.
  void open_shielded(Scope& parent) noexcept { loop_ = parent.loop_; }
  void add(StopNode& node) noexcept { node.link_before(members_); }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] Loop& loop() const noexcept { return *loop_; }

  /// Asks everything in this scope to stop. Idempotent.
  void stop() noexcept;

  /// Called by `stop` of the scope round this one, which goes on with this one afterwards: scopes
  /// may be nested to any depth.
  void on_stop() noexcept override;
  void describe(std::string& text, int depth) const override;

 private:
  Loop* loop_ = nullptr;
  ListLink members_;
  Scope* next_stopping_ = nullptr;
  bool stopped_ = false;
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

  std::coroutine_handle<> self;
  Waiter* waiter = nullptr;
  Scope* scope = nullptr;
  Frame** owner = nullptr;  ///< the task that owns this frame, told when the loop destroys it
  std::source_location where;
  std::exception_ptr exception;

  /// Frames that exist on this thread; a test expects 0 at its end.
  static inline thread_local constinit std::int64_t live = 0;

 protected:
  ~Frame() { --live; }
};

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
  /// An answer without waiting.
  Start at_once() const noexcept {
    return {result < 0 ? Start::Kind::failed : Start::Kind::done, nullptr};
  }
  /// The error of a negative result, named for `address`.
  [[nodiscard]] Error error_at(const Address& at) const noexcept {
    return Error::from_errno(static_cast<int>(-result), name(), at);
  }

 private:
  Waiter* waiter_ = nullptr;
  Loop* loop_ = nullptr;
};

/// Something that others hold as well, and that has to hear of a loop's end.
class LoopEndNode : public ListLink {
 public:
  virtual void on_loop_end() noexcept = 0;

 protected:
  ~LoopEndNode() = default;
};

/// A single-threaded event loop over one driver.
class Loop {
 public:
  /// Completions and child tasks that a task may go through without waiting before others get
  /// their turn; also bounds the nesting where symmetric transfer is no tail call.
  static constexpr int budget_full = 64;

  Loop(std::unique_ptr<Driver> driver, std::size_t offload_threads_max);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop that runs on this thread now, or null.
  static Loop* current() noexcept { return current_; }

  /// The first thread that asks is the loop's for good; any other fails an assertion.
  void assert_own_thread() noexcept;
  /// `node` hears of the loop's end, unless it is unlinked before.
  void tell_of_end(LoopEndNode& node) noexcept { node.link_before(ends_); }

  [[nodiscard]] bool spend() noexcept { return --budget_ > 0; }
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// Reads the clock, for what is started between two turns.
  void refresh_now() noexcept;
  [[nodiscard]] Driver& driver() noexcept { return *driver_; }
  [[nodiscard]] Scope& root() noexcept { return root_; }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  void enqueue(ReadyNode& node, ReadyNode::Action action) noexcept {
    node.action_ = action;
    node.next_ready_ = nullptr;
    *ready_end_ = &node;
    ready_end_ = &node.next_ready_;
  }
  void enqueue_resume(Frame& frame) noexcept { enqueue(frame, &Loop::resume); }

  /// `frame` has failed: the loop abandons it as soon as it gets control back.
  void fail(Frame& frame, const Error& error) noexcept {
    IEUM_ASSERT(failing_ == nullptr, "a frame fails before the loop has dealt with another");
    failing_ = &frame;
    *failing_error_ = error;
  }
  /// Takes back what `fail` said of `frame`; false if it said nothing.
  bool take_back_failure(Frame& frame) noexcept {
    if (failing_ != &frame) return false;
    failing_ = nullptr;
    return true;
  }
  [[nodiscard]] bool is_failing(const Frame& frame) const noexcept { return failing_ == &frame; }
  /// Destroys `frame` and everything that awaits it up to whoever handles `error`. Only the loop's
  /// own actions may call it.
  void abandon(Frame& frame, Error& error) noexcept;

  /// Hands `leaf` to the driver; true if it has completed already.
  bool submit(Leaf& leaf) noexcept;
  void cancel(Leaf& leaf) noexcept;
  /// A leaf that no driver knows has completed, with `result` set. Idempotent.
  void complete(Leaf& leaf) noexcept;

  void arm(Timer& timer, TimePoint deadline) noexcept { timers_.arm(timer, deadline); }
  void arm_in(Timer& timer, Duration delay) noexcept;
  void disarm(Timer& timer) noexcept { timers_.disarm(timer); }

  /// Gives `leaf`'s work to the pool, which completes it.
  void offload(OffloadLeaf& leaf) noexcept;
  /// Takes it back; false if it has begun.
  bool take_back(OffloadLeaf& leaf) noexcept;

  /// These two may be called from any thread.
  void post(std::unique_ptr<Posted> posted) noexcept;
  /// Another thread has completed `leaf`, with `result` set: as `complete`, but once only. A leaf
  /// that is pending keeps its loop alive, so this needs no other guard.
  void complete_elsewhere(Leaf& leaf) noexcept;

  /// One round: waits for the driver, at most `wait_max` and not at all if there is something to
  /// do; then posted work, due timers, completions, what is ready.
  void turn(Duration wait_max) noexcept;

  [[nodiscard]] std::string dump() const;

 private:
  friend class Leaf;
  friend class Scope;
  static void resume(Loop& loop, ReadyNode& node) noexcept;
  void wait_for_driver(Duration wait_max) noexcept;
  void run_posted() noexcept;
  void fire_timers() noexcept;
  void finish_completed() noexcept;
  void run_ready() noexcept;

  static inline thread_local constinit Loop* current_ = nullptr;

  std::atomic<Loop**> thread_ = nullptr;  // whose it is: the address of that thread's `current_`
  ListLink ends_;
  int budget_ = budget_full;
  Frame* failing_ = nullptr;
  ReadyNode* ready_ = nullptr;
  ReadyNode** ready_end_ = &ready_;
  TimePoint now_;
  TimerHeap timers_;
  OperationQueue completed_;
  Scope** stopping_end_ = nullptr;  // the scopes that a stop has yet to go through
  std::size_t pending_ = 0;
  std::unique_ptr<Driver> driver_;
  Scope root_;
  std::unique_ptr<Error> failing_error_;
  struct Shared;
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<Pool> pool_;
  std::size_t offload_threads_max_;
};

inline void Leaf::wait_in(Waiter& waiter, Scope& scope) noexcept {
  waiter_ = &waiter;
  loop_ = &scope.loop();
  state = State::pending;
  scope.add(*this);
  ++loop_->pending_;
}

}  // namespace ieum::detail
