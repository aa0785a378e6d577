// Mailbox: a bounded queue of messages from any thread to one runtime.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ieum/detail/mailbox_core.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

template <class T>
class Mailbox;
template <class T>
class MailboxSender;

/// The two ends that `Mailbox::create` makes.
template <class T>
struct MailboxEnds {
  MailboxSender<T> sender;
  Mailbox<T> mailbox;
};

namespace detail {

template <class T>
class MailboxOf final : public MailboxCore {
 public:
  explicit MailboxOf(std::size_t capacity) : MailboxCore(capacity), ring_(capacity) {}

 private:
  void put(std::size_t at, void* message) noexcept override {
    ring_[at].emplace(std::move(*static_cast<T*>(message)));
  }
  void take(std::size_t at, void* into) noexcept override {
    static_cast<std::optional<T>*>(into)->emplace(*std::move(ring_[at]));
    ring_[at].reset();
  }
  void clear() noexcept override {
    for (std::optional<T>& message : ring_) message.reset();
  }

  std::vector<std::optional<T>> ring_;
};

template <class T>
class [[nodiscard]] MailboxSend {
 public:
  using value_type = void;
  static constexpr bool partial = !std::is_copy_constructible_v<T>;  // what fails is destroyed
  MailboxSend(MailboxCore& core, T&& message) noexcept
      : core_(core), message_(std::move(message)) {}

  class State final : public MailboxLeaf {
   public:
    explicit State(MailboxSend&& send) noexcept
        : MailboxLeaf(send.core_, &message_), message_(std::move(send.message_)) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return start_send(waiter, scope); }
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] const char* name() const noexcept override { return "send to mailbox"; }

   private:
    T message_;
  };

 private:
  MailboxCore& core_;
  T message_;
};

template <class T>
class [[nodiscard]] MailboxReceive {
 public:
  using value_type = T;
  static constexpr bool consumes = true;
  explicit MailboxReceive(MailboxCore& core) noexcept : core_(core) {}

  class State final : public MailboxLeaf {
   public:
    explicit State(MailboxReceive&& receive) noexcept : MailboxLeaf(receive.core_, &message_) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return start_receive(waiter, scope); }
    T take() { return *std::move(message_); }
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] const char* name() const noexcept override { return "receive from mailbox"; }

   private:
    std::optional<T> message_;
  };

 private:
  MailboxCore& core_;
};

}  // namespace detail

/// The receiving end of a bounded queue of messages: how runtimes talk to each other, since they
/// share nothing else. `MailboxSender`s, on any thread, are its other ends.
///
/// A message arrives once, or its send fails. Those of one sender arrive in order. It belongs to
/// the runtime whose task receives first; before, it may be made and moved on any thread. Either
/// end may go first, also while the other's runtime is being destroyed; but an end stays as long as
/// an operation on it is pending.
///
/// `T` moves without throwing. Its moves run under the mailbox's lock, so they must not touch the
/// mailbox; messages that nobody receives are destroyed outside it.
template <class T>
class Mailbox {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a message must move without throwing");

 public:
  /// A mailbox for at most `capacity` messages, at least 1, whose room is taken now.
  [[nodiscard]] static MailboxEnds<T> create(std::size_t capacity);

  Mailbox(Mailbox&&) noexcept = default;
  Mailbox& operator=(Mailbox&& other) noexcept {
    if (this != &other) {
      close();
      core_ = std::move(other.core_);
    }
    return *this;
  }
  /// Closes it.
  ~Mailbox() { close(); }

  /// Waits for the next message. One at a time: of a second one the error is
  /// `device_or_resource_busy`, and the first goes on. A message that has arrived when a stop comes
  /// is still given. Errors: `operation_canceled`; `Errc::closed`: it was closed, or every sender
  /// has gone and what they sent has been received.
  [[nodiscard]] detail::MailboxReceive<T> receive() noexcept {
    IEUM_ASSERT(core_ != nullptr, "a mailbox is used after it was moved from");
    return detail::MailboxReceive<T>(*core_);
  }

  /// Nothing more is received: what was not is destroyed here, and every send that waits or comes
  /// later fails with `Errc::closed`. The end of the runtime does the same. Idempotent.
  void close() noexcept {
    if (core_ != nullptr) core_->close();
  }

 private:
  explicit Mailbox(std::shared_ptr<detail::MailboxCore> core) noexcept : core_(std::move(core)) {}

  std::shared_ptr<detail::MailboxCore> core_;
};

/// A sending end of a `Mailbox`. Copies send to the same one; each may be used by one thread at a
/// time, all of them at the same time. When the last has gone, the receiver is told.
template <class T>
class MailboxSender {
 public:
  MailboxSender(const MailboxSender& other) noexcept : core_(other.core_) {
    if (core_ != nullptr) core_->add_sender();
  }
  MailboxSender(MailboxSender&&) noexcept = default;
  MailboxSender& operator=(MailboxSender other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  ~MailboxSender() {
    if (core_ != nullptr) core_->remove_sender();
  }

  /// Sends without waiting, from any thread, with or without a runtime. `message` is moved from
  /// only if this succeeds. Errors: `operation_would_block` (it is full, or others wait to send),
  /// `Errc::closed`.
  Result<> try_send(T&& message) const {
    IEUM_ASSERT(core_ != nullptr, "a mailbox's sender is used after it was moved from");
    return detail::MailboxCore::result_of(core_->try_send(&message));
  }
  Result<> try_send(const T& message) const {
    T copy(message);
    return try_send(std::move(copy));
  }

  /// Sends; waits as long as the mailbox is full, in order with all others that wait: the
  /// backpressure. Errors: `operation_canceled`, `Errc::closed`; `message` is then destroyed with
  /// the await, on this thread.
  [[nodiscard]] detail::MailboxSend<T> send(T message) const noexcept {
    IEUM_ASSERT(core_ != nullptr, "a mailbox's sender is used after it was moved from");
    return detail::MailboxSend<T>(*core_, std::move(message));
  }

 private:
  friend class Mailbox<T>;
  explicit MailboxSender(std::shared_ptr<detail::MailboxCore> core) noexcept
      : core_(std::move(core)) {}

  std::shared_ptr<detail::MailboxCore> core_;
};

template <class T>
MailboxEnds<T> Mailbox<T>::create(std::size_t capacity) {
  auto core = std::make_shared<detail::MailboxOf<T>>(capacity);
  return {MailboxSender<T>(core), Mailbox<T>(core)};
}

}  // namespace ieum
#pragma GCC visibility pop
