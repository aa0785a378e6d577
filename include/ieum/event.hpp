// Event: one task tells others on the same runtime that something has happened.
#pragma once

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {
class EventWait;
}

/// A flag that tasks wait for. It stays set until `reset()`. Once a task has waited for it, only
/// the thread of that task's runtime may use it: another one would race with the wait, and wake
/// nobody. From there, `Runtime::post` or a `Mailbox` reaches it. It must outlive whoever waits for
/// it, and may be moved while nobody does.
class Event {
 public:
  Event() noexcept = default;
  Event(Event&& other) noexcept : thread_(other.thread_), set_(other.set_) {
    IEUM_ASSERT(!other.waiting_.linked(), "an event is moved while a task waits for it");
  }
  Event& operator=(Event&& other) noexcept {
    IEUM_ASSERT(!waiting_.linked() && !other.waiting_.linked(),
                "an event is moved while a task waits for it");
    thread_ = other.thread_;
    set_ = other.set_;
    return *this;
  }
  ~Event() {
    if (waiting_.linked()) [[unlikely]]
      destroyed_too_early();
  }

  /// Wakes all who wait, in the order in which they came. Callable from any code on the loop's
  /// thread, any other fails an assertion; runs none of them now.
  void set() noexcept;
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  /// Done at once if the event is set. Error: `operation_canceled`.
  [[nodiscard]] detail::EventWait wait() noexcept;

 private:
  friend class detail::EventWait;
  static void destroyed_too_early() noexcept;
  detail::ListLink waiting_;
  const void* thread_ = nullptr;  // of those who wait or have waited
  bool set_ = false;
};

namespace detail {

class EventWait {
 public:
  using value_type = void;
  explicit EventWait(Event& event) noexcept : event_(event) {}

  class State final : public Leaf {
   public:
    explicit State(EventWait&& wait) noexcept : link_(*this), event_(wait.event_) {}
    Start start(Waiter& waiter, Scope& scope) noexcept;
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] Error error() const noexcept override { return error_at({}); }
    [[nodiscard]] const char* name() const noexcept override { return "wait for event"; }
    void on_stop() noexcept override;
    /// Takes a pending wait back at once; false if the event has come.
    bool withdraw() noexcept;

   private:
    friend class ieum::Event;
    struct Link : ListLink {
      explicit Link(State& of) noexcept : state(of) {}
      State& state;
    };
    void happened() noexcept;
    Link link_;
    Event& event_;
  };

 private:
  Event& event_;
};

}  // namespace detail

inline detail::EventWait Event::wait() noexcept { return detail::EventWait(*this); }

}  // namespace ieum
#pragma GCC visibility pop
