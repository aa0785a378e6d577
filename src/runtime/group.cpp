// Groups: counting children, keeping the first failure, joining.
#include <ieum/group.hpp>

namespace ieum::detail {

void GroupCore::open(Waiter& outer, Scope& parent) noexcept {
  outer_ = &outer;
  scope_.open(parent);
  parent.add(scope_);
  body_running_ = true;
}

void GroupCore::start_child(Task<void> task, std::unique_ptr<ChildObserver> observer) noexcept {
  start_child(std::move(task), *observer.release());  // which `leave` deletes
}

void GroupCore::start_child(Task<void> task, Waiter& waiter) noexcept {
  IEUM_ASSERT(task.frame_ != nullptr, "a group was given a task that was moved from");
  IEUM_ASSERT(!joined_, "a group was given a task after it had been joined");
  Frame& frame = *std::exchange(task.frame_, nullptr);
  frame.waiter = &waiter;
  frame.scope = &scope_;
  ++children_;
  scope_.loop().enqueue_resume(frame);
}

void GroupCore::stop() noexcept {
  stopped_here_ = true;
  scope_.stop();
}

Frame* GroupCore::ended(Frame* child) noexcept {
  if (child->exception != nullptr) note(std::move(child->exception));
  // Not now: the child stands in its own final suspend. It counts until its arguments are gone too.
  scope_.loop().enqueue(*child, &GroupCore::destroy_child);
  return nullptr;
}

void GroupCore::destroy_child(Loop& /*loop*/, ReadyNode& node) noexcept {
  auto& frame = static_cast<Frame&>(node);
  auto& group = static_cast<GroupCore&>(*frame.waiter);
  frame.self.destroy();
  --group.children_;
  group.one_less();
}

Frame* GroupCore::failed(Error& error) noexcept {
  note(error);
  --children_;
  one_less();
  return nullptr;
}

Frame* ChildObserver::ended(Frame* child) noexcept {
  group().core_.scope_.loop().enqueue(*child, &ChildObserver::destroy_child);
  return nullptr;
}

void ChildObserver::destroy_child(Loop& /*loop*/, ReadyNode& node) noexcept {
  auto& frame = static_cast<Frame&>(node);
  auto& observer = static_cast<ChildObserver&>(*frame.waiter);
  std::exception_ptr exception = std::move(frame.exception);
  frame.self.destroy();
  observer.leave(nullptr, std::move(exception));
}

Frame* ChildObserver::failed(Error& error) noexcept {
  leave(&error, nullptr);
  return nullptr;
}

void ChildObserver::leave(const Error* error, std::exception_ptr exception) noexcept {
  child_ended(error, std::move(exception));
  GroupCore& group = this->group().core_;
  delete this;
  --group.children_;
  group.one_less();
}

const Frame* ChildObserver::awaiting_frame() const noexcept {
  return group().core_.awaiting_frame();
}

void GroupCore::body_threw(std::exception_ptr exception) noexcept {
  note(std::move(exception));
  body_running_ = false;
  one_less();
}

Frame* GroupCore::BodyWaiter::ended(Frame* child) noexcept {
  if (child->exception != nullptr) group_.note(child->exception);
  group_.body_running_ = false;
  group_.one_less();
  return nullptr;
}

Frame* GroupCore::BodyWaiter::failed(Error& error) noexcept {
  // Without a value there is nothing to go on with, whoever asked for the stop.
  if (!group_.error_ && group_.exception_ == nullptr) group_.error_ = error;
  group_.stop();
  group_.body_running_ = false;
  group_.one_less();
  return nullptr;
}

void GroupCore::note(const Error& error) noexcept {
  const bool consequence = stopped_here_ && error == std::errc::operation_canceled;
  if (!consequence && !error_ && exception_ == nullptr) error_ = error;
  if (!consequence) stop();
}

void GroupCore::note(std::exception_ptr exception) noexcept {
  // An exception outranks a failure: it tells of a defect.
  if (exception_ == nullptr) exception_ = std::move(exception);
  stop();
}

void GroupCore::one_less() noexcept {
  // By way of the ready queue: nothing is abandoned or resumed from here.
  if (children_ == 0 && !body_running_) scope_.loop().enqueue(*this, &GroupCore::joined);
}

void GroupCore::joined(Loop& loop, ReadyNode& node) noexcept {
  auto& group = static_cast<GroupCore&>(node);
  // A destructor of the body's or of a child's may have started one more.
  if (group.children_ > 0) return;
  group.joined_ = true;
  group.scope_.unlink();
  if (group.exception_ == nullptr && group.error_) {
    Error error = *group.error_;
    if (Frame* frame = group.outer_->failed(error)) loop.abandon(*frame, error);
    return;
  }
  if (Frame* frame = group.outer_->ended(nullptr)) loop.enqueue_resume(*frame);
}

void GroupCore::rethrow() {
  if (exception_ != nullptr) std::rethrow_exception(std::move(exception_));
}

}  // namespace ieum::detail
