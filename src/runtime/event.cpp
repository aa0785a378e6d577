// Event: waking is completing the waiters' operations; the loop resumes them in its next turn.
#include <ieum/event.hpp>

#include <cerrno>

#include "runtime/fork.hpp"

namespace ieum {

void Event::set() noexcept {
  IEUM_ASSERT(
      thread_ == nullptr || thread_ == detail::Loop::this_thread(),
      "an event is set on another thread than that of the tasks which wait for it: reach it "
      "by Runtime::post() or a mailbox");
  set_ = true;
  while (waiting_.linked()) {
    static_cast<detail::EventWait::State::Link*>(waiting_.next)->state.happened();
  }
}

void Event::destroyed_too_early() noexcept {
  IEUM_ASSERT(detail::leaves_tasks_behind(), "an event is destroyed while a task waits for it");
}

namespace detail {

Start EventWait::State::start(Waiter& waiter, Scope& scope) noexcept {
  IEUM_ASSERT(event_.thread_ == nullptr || event_.thread_ == Loop::this_thread(),
              "an event is waited for on two threads: it belongs to the runtime that waited first");
  event_.thread_ = Loop::this_thread();
  if (scope.stopped()) return at_once(-ECANCELED);
  if (event_.set_) return at_once();
  wait_in(waiter, scope);
  link_.link_before(event_.waiting_);
  return {};
}

void EventWait::State::happened() noexcept {
  link_.unlink();
  loop().complete(*this);
}

void EventWait::State::on_stop() noexcept {
  if (state != Operation::State::pending) return;
  result = -ECANCELED;
  happened();
}

bool EventWait::State::withdraw() noexcept {
  if (state != Operation::State::pending) return false;
  link_.unlink();
  leave();
  return true;
}

}  // namespace detail
}  // namespace ieum
