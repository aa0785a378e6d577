// Deadlines, shields, sleeps.
#include <ieum/timeout.hpp>

#include <cerrno>
#include <cstdio>

#include "base/driver.hpp"

namespace ieum {

TimePoint now() noexcept {
  detail::Loop* const loop = detail::Loop::current();
  return loop != nullptr ? loop->driver().now() : TimePoint::clock::now();
}

namespace detail {

void TimedWaiter::fire() noexcept {
  if (scope_.stopped()) return;  // an outside stop came first
  fired_ = true;
  scope_.stop();
}

void TimedWaiter::tell(Error& error) const noexcept {
  error.set_code(std::make_error_code(std::errc::timed_out));
  const double seconds = std::chrono::duration<double>(limit_).count();
  char text[32];
  if (seconds >= 1) {
    std::snprintf(text, sizeof text, "after %g s", seconds);
  } else {
    std::snprintf(text, sizeof text, "after %g ms", seconds * 1e3);
  }
  error.set_detail(text);
}

void ShieldWaiter::fire() noexcept { scope_.stop(); }

void ShieldWaiter::describe(std::string& text, int depth) const { scope_.describe(text, depth); }

Start Sleep::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return at_once(-ECANCELED);
  wait_in(waiter, scope);
  loop().arm_in(*this, delay_);
  return {};
}

void Sleep::State::fire() noexcept { loop().complete(*this); }

void Sleep::State::on_stop() noexcept {
  if (state != Operation::State::pending) return;
  disarm();
  result = -ECANCELED;
  loop().complete(*this);
}

bool Sleep::State::withdraw() noexcept {
  if (state != Operation::State::pending) return false;
  disarm();
  leave();
  return true;
}

Start Yield::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return at_once(-ECANCELED);
  wait_in(waiter, scope);
  loop().complete(*this);
  return {};
}

}  // namespace detail
}  // namespace ieum
