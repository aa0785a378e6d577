// Semaphore: a permit that is given back goes to the first who waits, and never through the count.
#include <ieum/semaphore.hpp>

#include <cerrno>

#include "runtime/fork.hpp"

namespace ieum {

Semaphore::~Semaphore() {
  if ((waiting_.linked() || available_ != total_) && detail::leaves_tasks_behind()) return;
  IEUM_ASSERT(!waiting_.linked(), "a semaphore or mutex is destroyed while a task waits for it");
  IEUM_ASSERT(available_ == total_, "a semaphore or mutex is destroyed while a task holds it");
}

void Semaphore::give_back() noexcept {
  if (waiting_.linked()) {
    static_cast<detail::PermitLeaf::Link*>(waiting_.next)->leaf.given();
  } else {
    ++available_;
  }
}

namespace detail {

Start PermitLeaf::begin(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return at_once(-ECANCELED);
  if (semaphore_->take_one()) {
    holds_ = true;
    return at_once();
  }
  wait_in(waiter, scope);
  link_.link_before(semaphore_->waiting_);
  return {};
}

void PermitLeaf::given() noexcept {
  link_.unlink();
  holds_ = true;
  loop().complete(*this);
}

void PermitLeaf::give_back() noexcept {
  if (std::exchange(holds_, false)) semaphore_->give_back();
}

void PermitLeaf::on_stop() noexcept {
  if (state != State::pending) return;
  link_.unlink();
  result = -ECANCELED;
  loop().complete(*this);
}

bool PermitLeaf::withdraw() noexcept {
  if (state != State::pending) return false;
  link_.unlink();
  leave();
  return true;
}

}  // namespace detail
}  // namespace ieum
