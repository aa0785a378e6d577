// LookupLimiter: a queue of those who wait, linked through themselves.
#include "net/names/lookup_limiter.hpp"

#include <pthread.h>

namespace ieum::detail {

// The thread's last runtime may end after it: it must have no destructor.
struct LookupLimiter::Places {
  std::size_t taken = 0;
  std::size_t without = 0;
  LookupLimiter* first = nullptr;
  LookupLimiter* last = nullptr;
};
thread_local constinit LookupLimiter::Places LookupLimiter::places_;

/// Those who have places when a process forks are the parent's.
void LookupLimiter::leave_behind_at_fork() noexcept {
  [[maybe_unused]] static const int told =
      ::pthread_atfork(nullptr, nullptr, [] { places_ = Places{}; });
}

Task<> LookupLimiter::come(std::size_t at_once_max) {
  if (state_ == State::outside) {
    leave_behind_at_fork();
    at_once_max_ = at_once_max;
    if (places_.first == nullptr && places_.taken < at_once_max_) {
      take();
    } else {
      state_ = State::waiting;
      previous_ = places_.last;
      (previous_ != nullptr ? previous_->next_ : places_.first) = this;
      places_.last = this;
    }
  }
  if (state_ == State::waiting) co_await given_.wait();
}

void LookupLimiter::take() noexcept {
  ++places_.taken;
  state_ = State::has_place;
}

void LookupLimiter::unlink() noexcept {
  (previous_ != nullptr ? previous_->next_ : places_.first) = next_;
  (next_ != nullptr ? next_->previous_ : places_.last) = previous_;
}

/// In order: nobody overtakes the first, whose maximum may be smaller.
void LookupLimiter::give_places() noexcept {
  while (places_.first != nullptr && places_.taken < places_.first->at_once_max_) {
    LookupLimiter& first = *places_.first;
    first.unlink();
    first.take();
    first.given_.set();
  }
}

void LookupLimiter::go_on_without() noexcept {
  if (state_ != State::has_place || places_.without >= 2 * at_once_max_) return;
  state_ = State::without;
  ++places_.without;
  --places_.taken;
  give_places();
}

LookupLimiter::~LookupLimiter() {
  switch (state_) {
    case State::outside: return;
    case State::waiting: unlink(); break;
    case State::has_place: --places_.taken; break;
    case State::without: --places_.without; return;
  }
  give_places();
}

}  // namespace ieum::detail
