// Plan: which await of a program fails, and how. Point: the operation that follows the plan.
#pragma once

#include <cerrno>
#include <functional>
#include <system_error>

#include <ieum/task.hpp>

namespace ieum::test {

/// What happens at the chosen point.
enum class Way { error, exception, stop, deadline };

/// How the points of a program end. Points are counted as they are reached.
struct Plan {
  Way way = Way::error;
  bool suspended = false;                   ///< operations complete in a later turn, not at once
  int fail_at = 0;                          ///< the first point is 1
  int points = 0;                           ///< reached so far
  std::function<void()> stop_now = [] {};   ///< asks the program to stop
  std::function<void()> stop_soon = [] {};  ///< the same in a later turn

  [[nodiscard]] std::errc code() const {
    switch (way) {
      case Way::stop: return std::errc::operation_canceled;
      case Way::deadline: return std::errc::timed_out;
      default: return std::errc::io_error;
    }
  }
  /// Counts a point; true if it is the chosen one.
  bool next() { return ++points == fail_at; }
  /// Whether plain code, which no stop can reach, is a point too.
  [[nodiscard]] bool counts_plain_code() const {
    return way == Way::error || way == Way::exception;
  }
  /// A stop and a deadline stay: every later point fails too.
  [[nodiscard]] bool stays() const { return !counts_plain_code(); }
};

/// What user code throws.
struct UserException {};
/// What the plain twin of a program throws where a task fails.
struct Failed {
  std::errc code;
};

/// An operation whose end the plan tells. Gives `value`.
class Point {
 public:
  using value_type = int;
  Point(Plan& plan, int value) noexcept : plan_(plan), value_(value) {}

  class State final : public detail::Leaf {
   public:
    explicit State(Point&& point) noexcept : plan_(point.plan_), value_(point.value_) {}

    detail::Start start(detail::Waiter& waiter, detail::Scope& scope) noexcept {
      chosen_ = plan_.next();
      const bool waits_for_stop = chosen_ && plan_.stays();
      if (chosen_ && plan_.way == Way::stop && !plan_.suspended) plan_.stop_now();
      if (scope.stopped()) {
        result = -ECANCELED;
        return at_once();
      }
      result = chosen_ && plan_.way == Way::error ? -EIO : 0;
      if (!plan_.suspended && !waits_for_stop) return at_once();
      wait_in(waiter, scope);
      if (waits_for_stop) {
        if (plan_.way == Way::stop) plan_.stop_soon();
      } else {
        loop().complete(*this);
      }
      return {};
    }
    int take() const {
      if (chosen_ && plan_.way == Way::exception) throw UserException();
      return value_;
    }
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] Error error() const noexcept override { return error_at({}); }
    [[nodiscard]] const char* name() const noexcept override { return "point"; }
    void on_stop() noexcept override {
      if (state != detail::Operation::State::pending) return;
      result = -ECANCELED;
      loop().complete(*this);
    }

   private:
    Plan& plan_;
    int value_;
    bool chosen_ = false;
  };

 private:
  Plan& plan_;
  int value_;
};

}  // namespace ieum::test
