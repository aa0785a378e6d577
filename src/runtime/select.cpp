// select: which legs have completed, when the others are asked to stop, when all is over.
#include <ieum/select.hpp>

namespace ieum::detail {

void SelectCore::open(Waiter& outer, Scope& parent) noexcept {
  outer_ = &outer;
  scope_.open(parent);
}

void SelectCore::started(Leg& leg, const Start& start) noexcept {
  switch (start.kind) {
    case Start::Kind::pending:
      ++pending_;
      if (start.next != nullptr) scope_.loop().enqueue_resume(*start.next);
      return;
    case Start::Kind::done:
      leg.state_ = Leg::State::ended;
      any_completed_ = true;
      return;
    case Start::Kind::failed: leg.state_ = Leg::State::failed; return;
  }
}

void SelectCore::failed(Leg& leg, const Error& error) noexcept {
  leg.error_ = error;
  // A cancellation after a stop, whoever asked for it, says that nothing has come of it.
  const bool is_left = scope_.stopped() && error == std::errc::operation_canceled;
  leg.state_ = is_left ? Leg::State::left : Leg::State::failed;
  if (!is_left) completed();
}

void SelectCore::completed() noexcept {
  if (std::exchange(any_completed_, true)) return;
  if (!starting_) stop_legs();
}

void SelectCore::stop_legs() noexcept {
  withdraw_legs();
  if (pending_ > 0) scope_.stop();
}

Start SelectCore::all_started(Scope& parent) noexcept {
  starting_ = false;
  if (any_completed_) stop_legs();
  if (pending_ == 0) {
    return {any_completed_ ? Start::Kind::done : Start::Kind::failed, nullptr};
  }
  parent.add(scope_);
  if (parent.stopped()) scope_.stop();  // asked for while they started
  return {};
}

Frame* SelectCore::Leg::ended(Frame* /*child*/) noexcept {
  SelectCore& select = *select_;
  state_ = State::ended;
  --select.pending_;
  select.completed();
  if (select.pending_ > 0) return nullptr;
  select.scope_.unlink();
  return select.outer_->ended(nullptr);
}

Frame* SelectCore::Leg::failed(Error& error) noexcept {
  SelectCore& select = *select_;
  --select.pending_;
  select.failed(*this, error);
  if (select.pending_ > 0) return nullptr;
  select.scope_.unlink();
  if (select.any_completed_) {
    Loop& loop = select.scope_.loop();
    if (Frame* next = select.outer_->ended(nullptr)) loop.enqueue_resume(*next);
    return nullptr;
  }
  error = select.first_error();
  return select.outer_->failed(error);
}

}  // namespace ieum::detail
