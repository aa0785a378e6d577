// SendQueue: what waits to be sent to one receiver, bounded, with a stated policy when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/detail/loop.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Bytes that any number of queues hold at the same time, without a copy. Any thread may hold one;
/// nobody changes them.
class Payload {
 public:
  Payload() noexcept = default;
  explicit Payload(std::string bytes) : bytes_(std::make_shared<std::string>(std::move(bytes))) {}
  explicit Payload(ConstBuffer bytes)
      : Payload(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())) {}

  [[nodiscard]] std::string_view text() const noexcept {
    return bytes_ == nullptr ? std::string_view() : std::string_view(*bytes_);
  }
  [[nodiscard]] ConstBuffer bytes() const noexcept {
    return std::as_bytes(std::span(text().data(), text().size()));
  }
  [[nodiscard]] std::size_t size() const noexcept { return text().size(); }

 private:
  std::shared_ptr<const std::string> bytes_;
};

/// What a push does while the queue has no room for it.
enum class WhenFull : std::uint8_t {
  wait,         ///< it waits until there is room: backpressure
  drop_oldest,  ///< as many of the oldest as must go make room
  keep_latest,  ///< all that waits is replaced, also while there is room: only the newest counts
  disconnect,   ///< the receiver is too slow: the queue closes, and both ends are told
};

struct SendQueueOptions {
  std::size_t bytes_max = std::size_t{1} << 20U;
  WhenFull when_full = WhenFull::wait;
};

namespace detail {
class QueuePush;
class QueuePop;
class QueuePopAll;
class QueuePopLeaf;
}  // namespace detail

/// A queue of payloads between those who have something to say to a receiver and the one task that
/// sends it. Belongs to one runtime; must outlive whoever waits for it. A payload counts with its
/// bytes, at least 1.
class SendQueue {
 public:
  explicit SendQueue(const SendQueueOptions& options = {}) noexcept : options_(options) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue();

  /// Queues `payload` as the policy says; only `WhenFull::wait` ever waits, first come first
  /// served. Errors: `Errc::closed`; `Errc::limit_exceeded`: it is larger than the whole queue, or
  /// the receiver was too slow (`disconnect`).
  [[nodiscard]] detail::QueuePush push(Payload payload) noexcept;
  /// The same without waiting, from any code on the runtime's thread; false: it was not queued (no
  /// room under `wait`, or one of the errors above).
  bool try_push(Payload payload);

  /// The oldest, waiting for one. One pop at a time: of a second one the error is
  /// `device_or_resource_busy`, and the first goes on. Other errors: `Errc::closed`, once all has
  /// been popped; `Errc::limit_exceeded` at once if we were too slow.
  [[nodiscard]] detail::QueuePop pop() noexcept;
  /// The same of all that waits, for one gathered write: at least one, in their order. What was in
  /// `into` goes, but not its memory unless it is long, so that a loop over one vector need not
  /// allocate.
  /// `into` must live until the operation has ended; a stop changes nothing in either.
  [[nodiscard]] detail::QueuePopAll pop_all(std::vector<Payload>& into) noexcept;

  /// No more pushes: those that wait fail. What is queued can still be popped. Idempotent.
  void close() noexcept;

  [[nodiscard]] bool is_closed() const noexcept { return closed_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size() - first_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const SendQueueOptions& options() const noexcept { return options_; }
  /// Payloads that the policy threw away, or replaced.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  friend class detail::QueuePush;
  friend class detail::QueuePop;
  friend class detail::QueuePopAll;
  friend class detail::QueuePopLeaf;

  static std::size_t cost(const Payload& payload) noexcept {
    return payload.size() == 0 ? 1 : payload.size();
  }
  [[nodiscard]] bool has_room(const Payload& payload) const noexcept {
    return bytes_ + cost(payload) <= options_.bytes_max;
  }
  /// 0: queued; -EAGAIN: it must wait; else why not.
  int offer(Payload& payload);
  void append(Payload payload);
  void drop_first();
  void drop_last();
  Payload take_first();
  Payload remove_first();
  void make_room_for_one();
  void take_all(std::vector<Payload>& into);
  void admit_waiting();

  SendQueueOptions options_;
  std::vector<Payload> queue_;  // from `first_` on: small while empty, as nearly all queues are
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool closed_ = false;
  bool too_slow_ = false;
  bool promised_ = false;     // a pop has been told that there is one, and has not taken it yet
  detail::ListLink pushing_;  // those that wait, in their order
  detail::QueuePopLeaf* popping_ = nullptr;
};

namespace detail {

/// What both operations share: they are completed by the other one, not by a driver.
class QueueLeaf : public Leaf {
 public:
  [[nodiscard]] Error error() const noexcept final;

 protected:
  QueueLeaf() noexcept = default;
  ~QueueLeaf() = default;
};

class [[nodiscard]] QueuePush {
 public:
  using value_type = void;
  QueuePush(SendQueue& queue, Payload payload) noexcept
      : queue_(queue), payload_(std::move(payload)) {}

  class State final : public QueueLeaf {
   public:
    explicit State(QueuePush&& push) noexcept
        : link_(*this), queue_(push.queue_), payload_(std::move(push.payload_)) {}
    Start start(Waiter& waiter, Scope& scope);
    void take() const noexcept {}
    Error take_error() const noexcept { return error(); }
    [[nodiscard]] const char* name() const noexcept override { return "push to send queue"; }
    void on_stop() noexcept override;

   private:
    friend class ieum::SendQueue;
    struct Link : ListLink {
      explicit Link(State& of) noexcept : state(of) {}
      State& state;
    };
    void finish_with(int why) noexcept;
    Link link_;
    SendQueue& queue_;
    Payload payload_;
  };

 private:
  SendQueue& queue_;
  Payload payload_;
};

/// Waits until there is something to pop.
class QueuePopLeaf : public QueueLeaf {
 public:
  Start start(Waiter& waiter, Scope& scope) noexcept;
  Error take_error() const noexcept { return error(); }
  [[nodiscard]] const char* name() const noexcept final { return "pop from send queue"; }
  void on_stop() noexcept final;

 protected:
  explicit QueuePopLeaf(SendQueue& queue) noexcept : queue_(queue) {}
  ~QueuePopLeaf() {
    if (promised_) queue_.promised_ = false;  // whoever was to take it has thrown before
  }
  [[nodiscard]] SendQueue& queue_to_take() noexcept {
    promised_ = false;
    return queue_;
  }

 private:
  friend class ieum::SendQueue;
  void something_came() noexcept;
  SendQueue& queue_;
  bool promised_ = false;  // told that there is one, and has not taken it yet
};

class [[nodiscard]] QueuePop {
 public:
  using value_type = Payload;
  static constexpr bool consumes = true;
  explicit QueuePop(SendQueue& queue) noexcept : queue_(queue) {}

  class State final : public QueuePopLeaf {
   public:
    explicit State(QueuePop&& pop) noexcept : QueuePopLeaf(pop.queue_) {}
    Payload take() { return queue_to_take().take_first(); }
  };

 private:
  SendQueue& queue_;
};

class [[nodiscard]] QueuePopAll {
 public:
  using value_type = void;
  static constexpr bool consumes = true;
  QueuePopAll(SendQueue& queue, std::vector<Payload>& into) noexcept : queue_(queue), into_(into) {}

  class State final : public QueuePopLeaf {
   public:
    explicit State(QueuePopAll&& pop) noexcept : QueuePopLeaf(pop.queue_), into_(pop.into_) {}
    void take() { queue_to_take().take_all(into_); }

   private:
    std::vector<Payload>& into_;
  };

 private:
  SendQueue& queue_;
  std::vector<Payload>& into_;
};

}  // namespace detail

inline detail::QueuePush SendQueue::push(Payload payload) noexcept {
  return {*this, std::move(payload)};
}
inline detail::QueuePop SendQueue::pop() noexcept { return detail::QueuePop(*this); }
inline detail::QueuePopAll SendQueue::pop_all(std::vector<Payload>& into) noexcept {
  return {*this, into};
}

}  // namespace ieum
#pragma GCC visibility pop
