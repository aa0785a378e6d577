// Time: now, sleep, with_timeout, shield; and the two questions a task may ask its loop: yield and
// stop_requested.
#pragma once

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// Between an awaited thing and whoever waits for it: a scope of its own and a timer.
class TimedWaiter : public Waiter, public Timer {
 public:
  TimedWaiter() noexcept = default;

  Frame* ended(Frame* child) noexcept override {
    close();
    return outer_->ended(child);
  }
  Frame* failed(Error& error) noexcept override {
    close();
    translate(error);
    return outer_->failed(error);
  }
  [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
    return outer_->awaiting_frame();
  }
  void fire() noexcept override;

 protected:
  ~TimedWaiter() { close(); }
  void close() noexcept {
    if (armed()) scope_.loop().disarm(*this);
    scope_.unlink();
  }
  /// Tells the truth: a cancellation that this deadline caused is a time-out.
  void translate(Error& error) const noexcept {
    if (fired_ && error == std::errc::operation_canceled) tell(error);
  }
  void tell(Error& error) const noexcept;

  Scope scope_;
  Waiter* outer_ = nullptr;
  Duration limit_{};
  bool fired_ = false;
};

template <Awaitable A>
class Timed {
 public:
  using value_type = typename A::value_type;
  static constexpr bool consumes = Consuming<A>;
  static constexpr bool partial = Partial<A>;
  Timed(Duration limit, A&& inner) noexcept : limit_(limit), inner_(std::move(inner)) {}

  class State final : public TimedWaiter {
   public:
    explicit State(Timed&& timed) noexcept : inner_(std::move(timed.inner_)) {
      limit_ = timed.limit_;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Start start(Waiter& waiter, Scope& scope) noexcept {
      outer_ = &waiter;
      scope_.open(scope);
      Start start = inner_.start(*this, scope_);
      if (start.kind == Start::Kind::pending) {
        scope.add(scope_);
        if (scope.stopped()) scope_.stop();  // asked for while it started
        scope.loop().arm_in(*this, limit_);
      }
      return start;
    }
    value_type take() { return inner_.take(); }
    Error take_error() noexcept { return inner_.take_error(); }

   private:
    typename A::State inner_;
  };

 private:
  Duration limit_;
  A inner_;
};

/// Between a shielded thing and the scope that it is shielded from.
class ShieldWaiter : public Waiter, public Timer, public StopNode {
 public:
  ShieldWaiter() noexcept = default;

  Frame* ended(Frame* child) noexcept override {
    close();
    return outer_->ended(child);
  }
  Frame* failed(Error& error) noexcept override {
    close();
    return outer_->failed(error);
  }
  [[nodiscard]] const Frame* awaiting_frame() const noexcept override {
    return outer_->awaiting_frame();
  }
  void on_stop() noexcept override { scope_.loop().arm_in(*this, grace_); }
  void fire() noexcept override;
  void describe(std::string& text, int depth) const override;

 protected:
  ~ShieldWaiter() { close(); }
  void close() noexcept {
    if (armed()) scope_.loop().disarm(*this);
    unlink();
  }

  Scope scope_;
  Waiter* outer_ = nullptr;
  Duration grace_{};
};

template <Awaitable A>
class Shield {
 public:
  using value_type = typename A::value_type;
  static constexpr bool consumes = Consuming<A>;
  static constexpr bool partial = Partial<A>;
  Shield(A&& inner, Duration grace) noexcept : grace_(grace), inner_(std::move(inner)) {}

  class State final : public ShieldWaiter {
   public:
    explicit State(Shield&& shield) noexcept : inner_(std::move(shield.inner_)) {
      grace_ = shield.grace_;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Start start(Waiter& waiter, Scope& scope) noexcept {
      outer_ = &waiter;
      scope_.open_shielded(scope);
      Start start = inner_.start(*this, scope_);
      if (start.kind == Start::Kind::pending) {
        scope.add(*this);
        if (scope.stopped()) on_stop();
      }
      return start;
    }
    value_type take() { return inner_.take(); }
    Error take_error() noexcept { return inner_.take_error(); }

   private:
    typename A::State inner_;
  };

 private:
  Duration grace_;
  A inner_;
};

class Sleep {
 public:
  using value_type = void;
  explicit Sleep(Duration delay) noexcept : delay_(delay) {}

  class State final : public Leaf, public Timer {
   public:
    explicit State(Sleep&& sleep) noexcept : delay_(sleep.delay_) {}
    ~State() { disarm(); }

    Start start(Waiter& waiter, Scope& scope) noexcept;
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }

    [[nodiscard]] Error error() const noexcept override { return error_at({}); }
    [[nodiscard]] const char* name() const noexcept override { return "sleep"; }
    void fire() noexcept override;
    void on_stop() noexcept override;
    /// Takes a pending sleep back at once; false if it is over.
    bool withdraw() noexcept;

   private:
    void disarm() noexcept {
      if (armed()) loop().disarm(*this);
    }
    Duration delay_;
  };

 private:
  Duration delay_;
};

class Yield {
 public:
  using value_type = void;
  class State final : public Leaf {
   public:
    explicit State(Yield&& /*yield*/) noexcept {}
    Start start(Waiter& waiter, Scope& scope) noexcept;
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] Error error() const noexcept override { return error_at({}); }
    [[nodiscard]] const char* name() const noexcept override { return "yield"; }
    void on_stop() noexcept override {}
  };
};

class StopRequested {
 public:
  using value_type = bool;
  class State {
   public:
    explicit State(StopRequested&& /*question*/) noexcept {}
    Start start(Waiter& /*waiter*/, Scope& scope) noexcept {
      stopped_ = scope.stopped();
      return {Start::Kind::done, nullptr};
    }
    [[nodiscard]] bool take() const noexcept { return stopped_; }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

   private:
    bool stopped_ = false;
  };
};

}  // namespace detail

/// The time that deadlines are meant in, read now. In a task; under the simulator it is virtual,
/// and stands still while a task computes. Elsewhere it is the system's steady clock.
[[nodiscard]] TimePoint now() noexcept;

/// Gives `op`, with all that it does, at most `limit` from its start:
/// then it is asked to stop, and once it has, fails with `std::errc::timed_out`. Nested deadlines
/// take the nearer one. An operation that completes all the same keeps its result; an outside stop
/// that came first stays `operation_canceled`. Granularity: one turn of the loop. Allocates
/// nothing.
template <detail::Awaitable A>
[[nodiscard]] detail::Timed<A> with_timeout(AnyDuration limit, A op) noexcept {
  return detail::Timed<A>(limit, std::move(op));
}

/// Lets `op` go on although a stop was asked for, at most `grace` from that stop on; then it is
/// stopped too. For clean-up that must await: a close, a farewell, a drain.
template <detail::Awaitable A>
[[nodiscard]] detail::Shield<A> shield(A op, AnyDuration grace) noexcept {
  return detail::Shield<A>(std::move(op), grace);
}

/// Waits for `delay`, or until stopped (`operation_canceled`).
[[nodiscard]] inline detail::Sleep sleep(AnyDuration delay) noexcept {
  return detail::Sleep(delay);
}

/// Lets every other ready task run first. Fails only if a stop was asked for.
[[nodiscard]] inline detail::Yield yield() noexcept { return {}; }

/// Whether this task was asked to stop; for work that computes without awaiting.
[[nodiscard]] inline detail::StopRequested stop_requested() noexcept { return {}; }

}  // namespace ieum
#pragma GCC visibility pop
