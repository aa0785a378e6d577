// LookupLimiter: two queues of those who wait, linked through themselves.
#include "net/names/lookup_limiter.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace ieum::detail {

struct LookupLimiter::Line {
  LookupLimiter* first = nullptr;
  LookupLimiter* last = nullptr;
  std::size_t count = 0;
};

// The thread's last runtime may end after it: it must have no destructor.
struct LookupLimiter::Places {
  std::size_t taken = 0;
  std::size_t slow = 0;
  Line line;
  Line slow_line;
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
    append_to(places_.line, State::waiting);
    give_places();
  }
  if (is_in_line()) co_await given_.wait();
}

void LookupLimiter::append_to(Line& line, State waits) noexcept {
  state_ = waits;
  given_.reset();
  previous_ = line.last;
  next_ = nullptr;
  (previous_ != nullptr ? previous_->next_ : line.first) = this;
  line.last = this;
  ++line.count;
}

void LookupLimiter::unlink_from(Line& line) noexcept {
  (previous_ != nullptr ? previous_->next_ : line.first) = next_;
  (next_ != nullptr ? next_->previous_ : line.last) = previous_;
  --line.count;
}

void LookupLimiter::take_from(Line& line, State has) noexcept {
  unlink_from(line);
  state_ = has;
  given_.set();
}

/// In order: nobody overtakes the first, whose maximum may be smaller.
void LookupLimiter::give_places() noexcept {
  for (LookupLimiter* first = places_.line.first;
       first != nullptr && places_.taken < first->at_once_max_; first = places_.line.first) {
    ++places_.taken;
    first->take_from(places_.line, State::has_place);
    const auto all = static_cast<double>(first->at_once_max_);
    first->share_ = all / (all + 2 * static_cast<double>(places_.line.count));
  }
  for (LookupLimiter* first = places_.slow_line.first;
       first != nullptr && places_.slow / 2 < first->at_once_max_;
       first = places_.slow_line.first) {
    ++places_.slow;
    first->take_from(places_.slow_line, State::slow);
  }
}

Duration LookupLimiter::share_of(Duration time) const noexcept {
  // A name server that has to ask others answers within this, mostly.
  constexpr Duration least = std::chrono::milliseconds(100);
  return std::max(std::chrono::duration_cast<Duration>(time * share_), std::min(time, least));
}

bool LookupLimiter::give_way() noexcept {
  if (state_ == State::has_place) {
    --places_.taken;
    append_to(places_.slow_line, State::waiting_slow);
    give_places();
  }
  return state_ == State::slow;
}

LookupLimiter::~LookupLimiter() {
  switch (state_) {
    case State::outside: return;
    case State::waiting: unlink_from(places_.line); break;
    case State::has_place: --places_.taken; break;
    case State::waiting_slow: unlink_from(places_.slow_line); break;
    case State::slow: --places_.slow; break;
  }
  give_places();
}

}  // namespace ieum::detail
