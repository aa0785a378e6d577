#include "log/tail.hpp"

#include <utility>

namespace ieum::hub {

namespace detail {

struct TailQueue {
  explicit TailQueue(MailboxSender<char> sender) : wake(std::move(sender)) {}
  [[nodiscard]] bool has_room() const {
    return batches.size() < Tail::batches_max && entries < Tail::entries_max;
  }

  std::mutex mutex;
  std::condition_variable room;
  std::deque<SharedBatch> batches;
  std::size_t entries = 0;                  // of these
  bool is_waited_for = false;               // for room
  std::optional<MailboxSender<char>> wake;  // none: nothing more comes
  bool left = false;                        // nobody receives any more
};

}  // namespace detail

Tail& Tail::operator=(Tail&& other) noexcept {
  if (this != &other) {
    leave();
    queue_ = std::move(other.queue_);
    wake_ = std::move(other.wake_);
  }
  return *this;
}

Tail::~Tail() { leave(); }

void Tail::leave() noexcept {
  if (queue_ == nullptr) return;
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->left = true;
    queue_->batches.clear();
  }
  queue_->room.notify_all();
}

SharedBatch Tail::take() {
  const std::lock_guard lock(queue_->mutex);
  if (queue_->batches.empty()) return nullptr;
  SharedBatch batch = std::move(queue_->batches.front());
  queue_->batches.pop_front();
  queue_->entries -= batch->entries.size();
  if (queue_->is_waited_for && queue_->has_room()) queue_->room.notify_all();
  return batch;
}

Task<SharedBatch> Tail::next() {
  for (;;) {
    SharedBatch batch = take();
    if (batch != nullptr) co_return batch;
    // A wake that is left over from batches that were taken before costs one more round.
    Result<char> woken = co_await attempt(wake_.receive());
    if (woken) continue;
    batch = take();  // what came just before the end
    if (batch != nullptr) co_return batch;
    co_return fail(woken.error());
  }
}

Tail TailHub::follow() {
  auto [sender, mailbox] = Mailbox<char>::create(1);
  auto queue = std::make_shared<detail::TailQueue>(std::move(sender));
  const std::lock_guard lock(mutex_);
  if (closed_) {
    queue->wake.reset();
  } else {
    followers_.push_back(queue);
  }
  return {std::move(queue), std::move(mailbox)};
}

void TailHub::publish(const SharedBatch& batch, bool wait) {
  if (wait) wait_for_room();
  give_to_all(batch);
}

void TailHub::announce(SharedNotice notice) {
  auto batch = std::make_shared<Batch>();
  batch->notice = std::move(notice);
  give_to_all(batch);
}

void TailHub::wait_for_room() {
  std::vector<std::shared_ptr<detail::TailQueue>> followers;
  {
    const std::lock_guard lock(mutex_);
    followers = followers_;
  }
  for (const std::shared_ptr<detail::TailQueue>& follower : followers) {
    std::unique_lock lock(follower->mutex);
    follower->is_waited_for = true;
    follower->room.wait(lock, [&] { return follower->left || hurries_ || follower->has_room(); });
    follower->is_waited_for = false;
  }
}

void TailHub::give_to_all(const SharedBatch& batch) {
  const std::lock_guard lock(mutex_);
  std::erase_if(followers_, [&](const std::shared_ptr<detail::TailQueue>& follower) {
    const std::lock_guard its(follower->mutex);
    if (follower->left) return true;
    follower->batches.push_back(batch);
    follower->entries += batch->entries.size();
    // Full means that it is awake already.
    if (follower->wake) static_cast<void>(follower->wake->try_send('w'));
    return false;
  });
}

void TailHub::hurry() {
  hurries_ = true;
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<detail::TailQueue>& follower : followers_) {
    {
      const std::lock_guard its(follower->mutex);
    }  // it waits, or has not looked yet
    follower->room.notify_all();
  }
}

void TailHub::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const std::shared_ptr<detail::TailQueue>& follower : followers_) {
    const std::lock_guard its(follower->mutex);
    follower->wake.reset();
  }
  followers_.clear();
}

}  // namespace ieum::hub
