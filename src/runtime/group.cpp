// Groups: counting children, keeping the first failure, joining.
#include <ieum/group.hpp>

#include <cerrno>

// Of AddressSanitizer's runtime, if the program has it (sanitizer/asan_interface.h).
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* memory, std::size_t size);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* memory, std::size_t size);
[[gnu::weak]] int __sanitizer_get_ownership(const volatile void* memory);
[[gnu::weak]] std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace ieum::detail {

void GroupCore::open(Waiter& outer, Scope& parent) noexcept {
  outer_ = &outer;
  scope_.open(parent);
  parent.add(scope_);
  body_running_ = true;
}

void GroupCore::start_child(Task<void> task, std::unique_ptr<ChildObserver> observer) noexcept {
  ChildObserver& waiter = *observer.release();  // which `leave` deletes
  start_child(std::move(task), waiter, waiter.child_scope(scope_));
}

void GroupCore::start_child(Task<void> task, Waiter& waiter, Scope& scope) noexcept {
  IEUM_ASSERT(task.frame_ != nullptr, "a group was given a task that was moved from");
  IEUM_ASSERT(!joined_, "a group was given a task after it had been joined");
  scope_.loop().assert_own_thread();
  Frame& frame = *std::exchange(task.frame_, nullptr);
  frame.waiter = &waiter;
  frame.scope = &scope;
  ++children_;
  scope_.loop().enqueue_resume(frame);
}

void GroupCore::stop() noexcept {
  scope_.loop().assert_own_thread();
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
  frame.handle().destroy();
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
  Scope& scope = *frame.scope;
  std::exception_ptr exception = std::move(frame.exception);
  frame.handle().destroy();
  Task<void> next = exception == nullptr ? observer.next_child() : Task<void>();
  if (!next) return observer.leave(nullptr, std::move(exception));
  GroupCore& group = observer.group().core_;
  --group.children_;
  group.start_child(std::move(next), observer, scope);
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

void GroupCore::body_starts(Frame*& frame, std::size_t promise_bytes) noexcept {
  body_ = &frame;
  promise_bytes_ = promise_bytes;
  frame->owner = &Frame::kept;
}

Frame* GroupCore::BodyWaiter::ended(Frame* child) noexcept {
  if (child->exception != nullptr) group_.note(child->exception);
  group_.body_running_ = false;
  // Not now: the body stands in its own final suspend.
  if (group_.children_ > 0 && __asan_poison_memory_region != nullptr) {
    group_.scope_.loop().enqueue(*child, &GroupCore::forbid_locals);
  }
  group_.one_less();
  return nullptr;
}

Frame* GroupCore::BodyWaiter::failed(Error& error) noexcept {
  // Without a value there is nothing to go on with, whoever asked for the stop.
  if (!group_.error_ && group_.exception_ == nullptr) group_.error_ = error;
  group_.stop();
  group_.body_running_ = false;
  group_.body_failed_ = true;
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
  if (children_ > 0) return;
  if (joining_ != nullptr) {
    joining_->result = result_of_join();
    scope_.loop().complete(*std::exchange(joining_, nullptr));
  }
  // By way of the ready queue: nothing is abandoned or resumed from here.
  if (!body_running_) scope_.loop().enqueue(*this, &GroupCore::joined);
}

void GroupCore::joined(Loop& loop, ReadyNode& node) noexcept {
  auto& group = static_cast<GroupCore&>(node);
  if (group.children_ > 0) return;  // a destructor of a child's started one more
  group.allow_locals();
  if (std::exchange(group.body_failed_, false)) {
    std::exchange(*group.body_, nullptr)->handle().destroy();
    if (group.children_ > 0) return;  // a destructor of the body's started one more
  }
  group.joined_ = true;
  group.scope_.unlink();
  if (group.exception_ == nullptr && group.error_) {
    Error error = *group.error_;
    if (Frame* frame = group.outer_->failed(error)) loop.abandon(*frame, error);
    return;
  }
  if (Frame* frame = group.outer_->ended(nullptr)) loop.enqueue_resume(*frame);
}

// ---- join() -------------------------------------------------------------------------------------

namespace {
constexpr const char* a_join = "a join";
}

std::int64_t GroupCore::result_of_join() const noexcept {
  const bool from_outside = scope_.stopped() && !stopped_here_;
  return error_ || exception_ != nullptr || from_outside ? -ECANCELED : 0;
}

Start GroupCore::start_join(GroupJoinLeaf& leaf, Waiter& waiter, Scope& scope) noexcept {
  if (children_ == 0) return leaf.at_once(result_of_join());
  if (scope.stopped() && !scope_.stopped()) return leaf.at_once(-ECANCELED);
  if (joining_ != nullptr) return leaf.refuse_second(a_join);
  joining_ = &leaf;
  leaf.wait_in(waiter, scope);
  return {};
}

bool GroupCore::stop_join(GroupJoinLeaf& leaf) noexcept {
  if (joining_ != &leaf || scope_.stopped()) return false;
  joining_ = nullptr;
  return true;
}

Error GroupJoinLeaf::error() const noexcept {
  return result == -EBUSY ? second_error(a_join) : error_at({});
}

Start GroupJoinLeaf::begin(Waiter& waiter, Scope& scope) noexcept {
  return group_.start_join(*this, waiter, scope);
}

void GroupJoinLeaf::on_stop() noexcept {
  if (!group_.stop_join(*this)) return;  // a stop of the group has reached its children: they end
  result = -ECANCELED;
  loop().complete(*this);
}

// ---- Locals of a body that has ended ------------------------------------------------------------

void GroupCore::forbid_locals(Loop& /*loop*/, ReadyNode& node) noexcept {
  auto& frame = static_cast<Frame&>(node);
  auto& group = static_cast<BodyWaiter&>(*frame.waiter).group_;
  if (group.children_ == 0) return;
  auto* const begin = static_cast<std::byte*>(frame.handle().address());
  if (__sanitizer_get_ownership(begin) == 0) return;  // no allocation of its own
  std::byte* const locals = reinterpret_cast<std::byte*>(&frame) + group.promise_bytes_;
  group.forbidden_bytes_ =
      static_cast<std::size_t>(begin + __sanitizer_get_allocated_size(begin) - locals);
  __asan_poison_memory_region(locals, group.forbidden_bytes_);
}

void GroupCore::allow_locals() noexcept {
  if (forbidden_bytes_ == 0) return;
  auto* const locals = reinterpret_cast<std::byte*>(*body_) + promise_bytes_;
  __asan_unpoison_memory_region(locals, std::exchange(forbidden_bytes_, 0));
}

void GroupCore::rethrow() {
  if (exception_ != nullptr) std::rethrow_exception(std::move(exception_));
}

}  // namespace ieum::detail
