// The part of a mailbox that knows no message type: who waits, who is told, how it ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <ieum/detail/loop.hpp>
#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

class MailboxCore;

/// A send or a receive. While it waits it is the mailbox's, which another thread may hold: only
/// what the mailbox says, under its lock, tells whether it still waits.
class MailboxLeaf : public Leaf {
 public:
  // Not from `result`, which another thread may be writing.
  [[nodiscard]] Error error() const noexcept final;
  void on_stop() noexcept final;
  /// Takes one that waits back at once; false if it has been told, or is about to be.
  bool withdraw() noexcept;

 protected:
  MailboxLeaf(MailboxCore& core, void* message) noexcept
      : queued_(*this), core_(core), message_(message) {}
  ~MailboxLeaf() = default;

  Start start_send(Waiter& waiter, Scope& scope) noexcept;
  Start start_receive(Waiter& waiter, Scope& scope) noexcept;

 private:
  friend class MailboxCore;
  struct Link : ListLink {
    explicit Link(MailboxLeaf& of) noexcept : leaf(of) {}
    MailboxLeaf& leaf;
  };
  Start canceled() noexcept;
  /// Completes it, from whatever thread; `closed` is a failure.
  void tell(bool closed) noexcept;

  Link queued_;
  MailboxCore& core_;
  void* const message_;  // a send: the T to move from; a receive: the std::optional<T> to fill
  bool canceled_ = false;
  bool is_second_ = false;  // another receive is pending
};

/// Shared by all ends. A leaf that waits keeps its loop alive, so that telling it is always safe;
/// what goes unlocked is its own thread's.
class MailboxCore : private LoopEndNode {
 public:
  enum class Answer : std::uint8_t { done, waits, full, closed, busy };

  explicit MailboxCore(std::size_t capacity);
  MailboxCore(const MailboxCore&) = delete;
  MailboxCore& operator=(const MailboxCore&) = delete;
  virtual ~MailboxCore() = default;

  // Any thread:
  void add_sender() noexcept { senders_.fetch_add(1, std::memory_order_relaxed); }
  void remove_sender() noexcept;
  Answer try_send(void* message) noexcept;
  static Result<> result_of(Answer answer) noexcept;

  /// The receiver's thread.
  void close() noexcept;

 protected:
  virtual void put(std::size_t at, void* message) noexcept = 0;
  virtual void take(std::size_t at, void* into) noexcept = 0;
  /// Destroys what is there; nobody puts or takes any more.
  virtual void clear() noexcept = 0;

 private:
  friend class MailboxLeaf;
  Answer send(MailboxLeaf& leaf, Waiter& waiter, Scope& scope) noexcept;
  Answer receive(MailboxLeaf& leaf, Waiter& waiter, Scope& scope) noexcept;
  /// False if it has been told, or is about to be.
  bool take_back(MailboxLeaf& leaf) noexcept;

  void on_loop_end() noexcept override;
  /// There is room, and the lock is held.
  Answer deliver(void* message, std::unique_lock<std::mutex> lock) noexcept;
  void append(void* message) noexcept;
  void take_first(void* into) noexcept;

  const std::size_t capacity_;
  std::atomic<std::size_t> senders_ = 1;
  Loop* loop_ = nullptr;  // the receiver's, on its thread

  std::mutex mutex_;  // of what follows
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  MailboxLeaf* receiver_ = nullptr;  // waits; then nothing is there
  ListLink waiting_;                 // senders that wait; then it is full
  bool closed_ = false;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
