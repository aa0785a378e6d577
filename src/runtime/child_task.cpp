// ChildTask: who waits for a child is told when it has ended.
#include <ieum/child_task.hpp>

namespace ieum::detail {

namespace {
constexpr const char* a_wait = "a wait";
}

void ChildCore::stop() noexcept {
  if (ended_ || scope_.loop().is_left_behind()) return;  // what runs is the parent's
  scope_.loop().assert_own_thread();
  scope_.stop();
}

void ChildCore::ended() noexcept {
  ended_ = true;
  scope_.unlink();
  if (waiting_ == nullptr) return;
  waiting_->result = waiting_->result_of_child();
  scope_.loop().complete(*waiting_);
}

std::int64_t ChildLeaf::result_of_child() const noexcept {
  return child_.succeeded_ ? 0 : -ECANCELED;
}

Error ChildLeaf::error() const noexcept {
  if (result == -EBUSY) return second_error(a_wait);
  if (!canceled_ && child_.error_) return *child_.error_;
  return {std::errc::operation_canceled, name()};
}

Start ChildLeaf::begin(Waiter& waiter, Scope& scope) noexcept {
  if (!child_.ended_ && scope.stopped()) {
    canceled_ = true;
    return at_once(-ECANCELED);
  }
  if (child_.waiting_ != nullptr) return refuse_second(a_wait);  // told, perhaps, and yet to run
  child_.waiting_ = this;
  if (child_.ended_) return at_once(result_of_child());
  wait_in(waiter, scope);
  return {};
}

void ChildLeaf::on_stop() noexcept {
  if (child_.waiting_ != this || child_.ended_) return;
  child_.waiting_ = nullptr;
  canceled_ = true;
  result = -ECANCELED;
  loop().complete(*this);
}

bool ChildLeaf::withdraw() noexcept {
  if (child_.waiting_ != this || child_.ended_) return false;
  child_.waiting_ = nullptr;
  leave();
  return true;
}

}  // namespace ieum::detail
