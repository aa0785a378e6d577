// Mailbox: one lock, held for a move and a list operation; whoever waits is woken through its loop.
#include <ieum/detail/mailbox_core.hpp>

#include <cerrno>

namespace ieum::detail {

// ---- MailboxLeaf --------------------------------------------------------------------------------

namespace {
constexpr const char* a_receive = "a receive";
}

Error MailboxLeaf::error() const noexcept {
  if (is_second_) return second_error(a_receive);
  if (canceled_) return {std::errc::operation_canceled, name()};
  return {Errc::closed, name()};
}

Start MailboxLeaf::canceled() noexcept {
  canceled_ = true;  // it never was the mailbox's, so nothing has to be taken back
  result = -ECANCELED;
  return at_once();
}

Start MailboxLeaf::start_send(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return canceled();
  const MailboxCore::Answer answer = core_.send(*this, waiter, scope);
  if (answer == MailboxCore::Answer::waits) return {};
  if (answer == MailboxCore::Answer::closed) result = -EPIPE;
  return at_once();
}

Start MailboxLeaf::start_receive(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) return canceled();
  const MailboxCore::Answer answer = core_.receive(*this, waiter, scope);
  if (answer == MailboxCore::Answer::waits) return {};
  if (answer == MailboxCore::Answer::busy) {
    is_second_ = true;
    return refuse_second(a_receive);
  }
  if (answer == MailboxCore::Answer::closed) result = -EPIPE;
  return at_once();
}

void MailboxLeaf::on_stop() noexcept {
  // Told by another thread already: its completion is on the way here, and wins.
  if (!core_.take_back(*this)) return;
  canceled_ = true;
  result = -ECANCELED;
  loop().complete(*this);
}

bool MailboxLeaf::withdraw() noexcept {
  if (!core_.take_back(*this)) return false;
  leave();
  return true;
}

void MailboxLeaf::tell(bool closed) noexcept {
  // Written by the thread that tells; its own reads it after the loop has handed it over.
  if (closed) result = -EPIPE;
  Loop& its_loop = loop();
  // In a child of fork(2) a copy of an end may go; whom it would tell waits in the parent.
  if (closed && its_loop.is_left_behind()) return;
  if (Loop::current() == &its_loop) {
    its_loop.complete(*this);
  } else {
    its_loop.complete_elsewhere(*this);
  }
}

// ---- MailboxCore --------------------------------------------------------------------------------

MailboxCore::MailboxCore(std::size_t capacity) : capacity_(capacity) {
  IEUM_ASSERT(capacity > 0, "a mailbox needs room for at least one message");
}

Result<> MailboxCore::result_of(Answer answer) noexcept {
  if (answer == Answer::done) return {};
  if (answer == Answer::closed) return fail(Errc::closed, "send to mailbox");
  return fail(Error(std::errc::operation_would_block, "send to mailbox")
                  .with_detail("it is full; send() waits for room"));
}

void MailboxCore::append(void* message) noexcept {
  const std::size_t end = first_ + count_;
  put(end < capacity_ ? end : end - capacity_, message);
  ++count_;
}

void MailboxCore::take_first(void* into) noexcept {
  take(first_, into);
  first_ = first_ + 1 < capacity_ ? first_ + 1 : 0;
  --count_;
}

MailboxCore::Answer MailboxCore::deliver(void* message,
                                         std::unique_lock<std::mutex> lock) noexcept {
  append(message);
  // Whoever sets receiver_ to null is the one that tells it: a stop that comes now finds nothing to
  // take back.
  MailboxLeaf* receiver = std::exchange(receiver_, nullptr);
  if (receiver != nullptr) take_first(receiver->message_);
  lock.unlock();  // telling takes the lock of the receiver's loop
  if (receiver != nullptr) receiver->tell(false);
  return Answer::done;
}

MailboxCore::Answer MailboxCore::try_send(void* message) noexcept {
  std::unique_lock lock(mutex_);
  if (closed_) return Answer::closed;
  if (count_ == capacity_) return Answer::full;
  return deliver(message, std::move(lock));
}

MailboxCore::Answer MailboxCore::send(MailboxLeaf& leaf, Waiter& waiter, Scope& scope) noexcept {
  std::unique_lock lock(mutex_);
  if (closed_) return Answer::closed;
  if (count_ < capacity_) return deliver(leaf.message_, std::move(lock));
  // Under the lock: as soon as it is linked another thread may tell it.
  leaf.wait_in(waiter, scope);
  leaf.queued_.link_before(waiting_);
  return Answer::waits;
}

MailboxCore::Answer MailboxCore::receive(MailboxLeaf& leaf, Waiter& waiter, Scope& scope) noexcept {
  if (loop_ == nullptr) {  // the first receive decides whose mailbox it is
    loop_ = &scope.loop();
    loop_->tell_of_end(*this);
  }
  IEUM_ASSERT(loop_ == &scope.loop(), "a mailbox is received from on a second runtime");
  MailboxLeaf* sender = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) {
      // Under the lock that remove_sender takes after it has counted down: either we see the count,
      // or it sees us wait.
      if (closed_ || senders_.load() == 0) return Answer::closed;
      if (receiver_ != nullptr) return Answer::busy;
      leaf.wait_in(waiter, scope);
      receiver_ = &leaf;
      return Answer::waits;
    }
    take_first(leaf.message_);
    // The room goes to the oldest that waits, before a try_send can have it: senders are served in
    // their order.
    if (waiting_.linked()) {
      sender = &static_cast<MailboxLeaf::Link*>(waiting_.next)->leaf;
      sender->queued_.unlink();
      append(sender->message_);
    }
  }
  if (sender != nullptr) sender->tell(false);
  return Answer::done;
}

bool MailboxCore::take_back(MailboxLeaf& leaf) noexcept {
  const std::lock_guard lock(mutex_);
  if (receiver_ == &leaf) {
    receiver_ = nullptr;
    return true;
  }
  if (!leaf.queued_.linked()) return false;
  leaf.queued_.unlink();
  return true;
}

void MailboxCore::remove_sender() noexcept {
  if (senders_.fetch_sub(1) > 1) return;  // the last one tells a receiver that waits for nobody
  MailboxLeaf* receiver = nullptr;
  {
    const std::lock_guard lock(mutex_);
    receiver = std::exchange(receiver_, nullptr);
  }
  if (receiver != nullptr) receiver->tell(true);
}

void MailboxCore::close() noexcept {
  unlink();  // from the loop that tells of its end
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    count_ = 0;  // the messages go with clear(), unlocked: their destructors are the user's
    if (receiver_ != nullptr) std::exchange(receiver_, nullptr)->tell(true);
    // Told under the lock: until it is unlinked, its own thread may take a leaf back.
    while (waiting_.linked()) {
      MailboxLeaf& sender = static_cast<MailboxLeaf::Link*>(waiting_.next)->leaf;
      sender.queued_.unlink();
      sender.tell(true);
    }
  }
  clear();
}

void MailboxCore::on_loop_end() noexcept {
  loop_ = nullptr;  // no longer to be asked for; those who send on hear "closed"
  close();
}

}  // namespace ieum::detail
