// SigningPlace: a queue of those who wait, linked through themselves.
#include "tls/signing_place.hpp"

#include <utility>

namespace ieum::tls {

// The thread's last runtime may end after it: it must have no destructor.
struct SigningPlace::Line {
  std::size_t taken = 0;
  SigningPlace* first = nullptr;
  SigningPlace* last = nullptr;
};
thread_local constinit SigningPlace::Line SigningPlace::line_;

Task<> SigningPlace::come() {
  state_ = State::waiting;
  previous_ = line_.last;
  (previous_ != nullptr ? previous_->next_ : line_.first) = this;
  line_.last = this;
  give_places();
  if (state_ == State::waiting) co_await given_.wait();
}

void SigningPlace::unlink() noexcept {
  (previous_ != nullptr ? previous_->next_ : line_.first) = next_;
  (next_ != nullptr ? next_->previous_ : line_.last) = previous_;
}

void SigningPlace::give_places() noexcept {
  while (line_.first != nullptr && line_.taken < at_once_max) {
    SigningPlace& next = *line_.first;
    next.unlink();
    next.state_ = State::has_place;
    ++line_.taken;
    next.given_.set();
  }
}

SigningPlace::~SigningPlace() {
  if (state_ == State::waiting) unlink();
  if (state_ == State::has_place) --line_.taken;
  give_places();
}

}  // namespace ieum::tls
