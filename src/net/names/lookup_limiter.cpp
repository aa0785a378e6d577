// LookupLimiter: a queue of those who wait, linked through themselves.
#include "net/names/lookup_limiter.hpp"

namespace ieum::detail {

// The thread's last runtime may end after it: it must have no destructor.
struct LookupLimiter::Places {
  std::size_t taken = 0;
  std::size_t without = 0;
  LookupLimiter* first = nullptr;
  LookupLimiter* last = nullptr;
};
thread_local constinit LookupLimiter::Places LookupLimiter::places_;

Task<> LookupLimiter::come(std::size_t at_once_max) {
  if (state_ == State::outside) {
    at_once_max_ = at_once_max;
    if (places_.taken < at_once_max_) {
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

/// To all who wait and may have one; their maxima may differ.
void LookupLimiter::give_places() noexcept {
  for (LookupLimiter* at = places_.first; at != nullptr;) {
    LookupLimiter* next = at->next_;
    if (places_.taken < at->at_once_max_) {
      at->unlink();
      at->take();
      at->given_.set();
    }
    at = next;
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
  if (state_ == State::waiting) unlink();
  if (state_ == State::without) --places_.without;
  if (state_ != State::has_place) return;
  --places_.taken;
  give_places();
}

}  // namespace ieum::detail
