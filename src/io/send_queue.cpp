// SendQueue: who pushes and who pops complete each other; the loop resumes them.
#include <ieum/send_queue.hpp>

#include <cerrno>

#include "runtime/fork.hpp"

namespace ieum {

namespace {

constexpr int closed = -EPIPE;
constexpr int limit = -ENOSPC;
constexpr const char* a_pop = "a pop";

/// What a burst has made long is given back.
void clear_and_trim(std::vector<Payload>& payloads) noexcept {
  constexpr std::size_t kept = 32;
  payloads.clear();
  if (payloads.capacity() > kept) std::vector<Payload>().swap(payloads);
}

}  // namespace

SendQueue::~SendQueue() {
  IEUM_ASSERT(
      (!pushing_.linked() && popping_ == nullptr && !promised_) || detail::leaves_tasks_behind(),
      "a send queue is destroyed while a task waits for it");
}

int SendQueue::offer(Payload& payload) {
  if (closed_) return too_slow_ ? limit : closed;
  if (cost(payload) > options_.bytes_max) return limit;
  switch (options_.when_full) {
    case WhenFull::wait:
      if (pushing_.linked() || !has_room(payload)) return -EAGAIN;
      break;
    case WhenFull::drop_oldest:
      make_room_for_one();
      while (!has_room(payload)) drop_first();
      break;
    case WhenFull::keep_latest:
      make_room_for_one();
      while (!empty()) drop_first();
      break;
    case WhenFull::disconnect:
      if (has_room(payload)) break;
      too_slow_ = true;
      while (size() > (promised_ ? 1 : 0)) drop_last();
      close();
      return limit;
  }
  append(std::move(payload));
  return 0;
}

/// Before anything is dropped for it: this is what may fail for want of memory.
void SendQueue::make_room_for_one() {
  if (queue_.size() < queue_.capacity()) return;
  // What was taken is moved away once it is the larger part.
  if (first_ > 0 && first_ >= queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  } else {
    queue_.reserve(2 * queue_.size() + 1);
  }
}

void SendQueue::append(Payload payload) {
  make_room_for_one();
  bytes_ += cost(payload);
  queue_.push_back(std::move(payload));
  if (popping_ == nullptr) return;
  detail::QueuePopLeaf& leaf = *std::exchange(popping_, nullptr);
  leaf.result = 0;
  promised_ = true;
  leaf.something_came();
}

void SendQueue::drop_last() {
  bytes_ -= cost(queue_.back());
  queue_.pop_back();
  ++dropped_;
}

void SendQueue::drop_first() {
  static_cast<void>(remove_first());
  ++dropped_;
}

Payload SendQueue::remove_first() {
  Payload first = std::move(queue_[first_++]);
  bytes_ -= cost(first);
  if (empty()) {
    first_ = 0;
    queue_.clear();
  }
  return first;
}

Payload SendQueue::take_first() {
  promised_ = false;
  Payload first = remove_first();
  if (empty()) clear_and_trim(queue_);
  admit_waiting();
  return first;
}

void SendQueue::take_all(std::vector<Payload>& into) {
  promised_ = false;
  clear_and_trim(into);
  if (first_ > 0)
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  queue_.swap(into);
  bytes_ = 0;
  admit_waiting();
}

void SendQueue::admit_waiting() {
  while (pushing_.linked()) {
    detail::QueuePush::State& next =
        static_cast<detail::QueuePush::State::Link*>(pushing_.next)->state;
    if (!has_room(next.payload_)) return;
    append(std::move(next.payload_));
    next.finish_with(0);
  }
}

bool SendQueue::try_push(Payload payload) { return offer(payload) == 0; }

void SendQueue::close() noexcept {
  closed_ = true;
  while (pushing_.linked()) {
    static_cast<detail::QueuePush::State::Link*>(pushing_.next)->state.finish_with(closed);
  }
  if (popping_ == nullptr) return;  // and if not, there is nothing to pop
  detail::QueuePopLeaf& leaf = *std::exchange(popping_, nullptr);
  leaf.result = too_slow_ ? limit : closed;
  leaf.something_came();
}

namespace detail {

Error QueueLeaf::error() const noexcept {
  if (result == -EBUSY) return second_error(a_pop);
  if (result == closed) return {Errc::closed, name()};
  if (result == limit) return {Errc::limit_exceeded, name()};
  return error_at({});
}

Start QueuePush::State::start(Waiter& waiter, Scope& scope) {
  result = scope.stopped() ? -ECANCELED : queue_.offer(payload_);
  if (result != -EAGAIN) return at_once();
  wait_in(waiter, scope);
  link_.link_before(queue_.pushing_);
  return {};
}

void QueuePush::State::finish_with(int why) noexcept {
  link_.unlink();
  result = why;
  loop().complete(*this);
}

void QueuePush::State::on_stop() noexcept {
  if (state != Operation::State::pending) return;
  finish_with(-ECANCELED);
  queue_.admit_waiting();  // it was first in line, perhaps, and what is behind it fits
}

Start QueuePopLeaf::start(Waiter& waiter, Scope& scope) noexcept {
  result = 0;
  if (scope.stopped()) {
    result = -ECANCELED;
  } else if (queue_.popping_ != nullptr || queue_.promised_) {
    return refuse_second(a_pop);  // the other may have been told, and not have run yet
  } else if (queue_.empty() && queue_.closed_) {
    result = queue_.too_slow_ ? limit : closed;
  } else if (queue_.empty()) {
    wait_in(waiter, scope);
    queue_.popping_ = this;
    return {};
  } else {
    queue_.promised_ = true;
    promised_ = true;
  }
  return at_once();
}

void QueuePopLeaf::something_came() noexcept {
  promised_ = result == 0;
  loop().complete(*this);
}

void QueuePopLeaf::on_stop() noexcept {
  if (state != Operation::State::pending) return;
  queue_.popping_ = nullptr;
  result = -ECANCELED;
  loop().complete(*this);
}

}  // namespace detail
}  // namespace ieum
