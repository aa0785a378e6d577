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
  told_ = waiting_;
  ChildLeaf& leaf = *std::exchange(waiting_, nullptr);
  leaf.result = leaf.result_of_child();
  scope_.loop().complete(leaf);
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
  if (child_.told_ != nullptr) return refuse_second(a_wait);  // it has not run since
  if (child_.ended_) {
    child_.told_ = this;
    return at_once(result_of_child());
  }
  if (scope.stopped()) {
    canceled_ = true;
    return at_once(-ECANCELED);
  }
  if (child_.waiting_ != nullptr) return refuse_second(a_wait);
  child_.waiting_ = this;
  wait_in(waiter, scope);
  return {};
}

void ChildLeaf::on_stop() noexcept {
  if (child_.waiting_ != this) return;
  child_.waiting_ = nullptr;
  canceled_ = true;
  result = -ECANCELED;
  loop().complete(*this);
}

bool ChildLeaf::withdraw() noexcept {
  if (child_.waiting_ != this) return false;
  child_.waiting_ = nullptr;
  leave();
  return true;
}

}  // namespace ieum::detail
