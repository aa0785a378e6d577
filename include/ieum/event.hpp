// Event: one task tells others on the same runtime that something has happened.
#pragma once

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {
class EventWait;
}

/// A flag that tasks wait for. It stays set until `reset()`. Only the loop's thread may use it; it
/// must outlive whoever waits for it.
class Event {
 public:
  Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { IEUM_ASSERT(!waiting_.linked(), "an event is destroyed while a task waits for it"); }

  /// Wakes all who wait, in the order in which they came. Callable from any code on the loop's
  /// thread; runs none of them now.
  void set() noexcept;
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  /// Done at once if the event is set. Error: `operation_canceled`.
  [[nodiscard]] detail::EventWait wait() noexcept;

 private:
  friend class detail::EventWait;
  detail::ListLink waiting_;
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
