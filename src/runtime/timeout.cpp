// Deadlines, shields, sleeps.
#include <ieum/timeout.hpp>

#include <cerrno>

#include "base/driver.hpp"
#include "base/words.hpp"

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
  error.set_detail(words("after ", limit_in_words(limit_)));
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
