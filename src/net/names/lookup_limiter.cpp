// LookupLimiter: a queue of those who wait, linked through themselves.
#include "net/names/lookup_limiter.hpp"

#include <ieum/resolve.hpp>

namespace ieum::detail {

// The thread's last runtime may end after it: it must have no destructor.
struct LookupLimiter::Places {
  std::size_t taken = 0;
  LookupLimiter* first = nullptr;
  LookupLimiter* last = nullptr;
};
thread_local constinit LookupLimiter::Places LookupLimiter::places_;

Task<> LookupLimiter::come() {
  if (places_.taken < ResolveOptions::at_once_max) {
    ++places_.taken;
    has_place_ = true;
    co_return;
  }
  previous_ = places_.last;
  (previous_ != nullptr ? previous_->next_ : places_.first) = this;
  places_.last = this;
  waits_ = true;
  co_await given_.wait();
}

LookupLimiter::~LookupLimiter() {
  if (waits_) {
    (previous_ != nullptr ? previous_->next_ : places_.first) = next_;
    (next_ != nullptr ? next_->previous_ : places_.last) = previous_;
  }
  if (!has_place_) return;
  LookupLimiter* heir = places_.first;
  if (heir == nullptr) {
    --places_.taken;
    return;
  }
  places_.first = heir->next_;
  (heir->next_ != nullptr ? heir->next_->previous_ : places_.last) = nullptr;
  heir->waits_ = false;
  heir->has_place_ = true;
  heir->given_.set();
}

}  // namespace ieum::detail
