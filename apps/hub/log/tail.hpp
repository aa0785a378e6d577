// Tail: the end of a log as one core follows it, batch by batch; TailHub: all who follow a log.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include <ieum/mailbox.hpp>

#include "log/entry.hpp"

namespace ieum::hub {

namespace detail {
struct TailQueue;
}

/// Follows a log from where `RoomLog::follow` was called: every batch that is committed from then
/// on, once, in the log's order, the same objects for every follower. It belongs to the runtime
/// whose task calls `next` first.
///
/// At most `batches_max` wait here, or those with `entries_max` entries; notices count as batches,
/// and come all the same. Then the log commits
/// nothing until this one goes on: so the task that calls `next` must never wait for an append.
class Tail {
 public:
  static constexpr std::size_t batches_max = 4096;
  static constexpr std::size_t entries_max = 65'536;

  Tail(Tail&&) noexcept = default;
  Tail& operator=(Tail&&) noexcept;
  /// Follows no longer.
  ~Tail();

  /// The next batch; waits for it. One at a time. A stop loses nothing. Errors:
  /// `operation_canceled`; `Errc::closed`: the log has ended, and all that it committed was given.
  [[nodiscard]] Task<SharedBatch> next();
  /// The next one if it is there, else null: to take together what has gathered.
  [[nodiscard]] SharedBatch take();

 private:
  friend class TailHub;
  Tail(std::shared_ptr<detail::TailQueue> queue, Mailbox<char> wake) noexcept
      : queue_(std::move(queue)), wake_(std::move(wake)) {}
  void leave() noexcept;

  std::shared_ptr<detail::TailQueue> queue_;
  Mailbox<char> wake_;
};

/// The engines' side: hands each batch to every `Tail`.
class TailHub {
 public:
  TailHub() = default;
  TailHub(const TailHub&) = delete;
  TailHub& operator=(const TailHub&) = delete;
  ~TailHub() { close(); }

  /// Any thread.
  [[nodiscard]] Tail follow();
  /// Gives `batch` to all. One thread at a time. With `wait`, on a thread of the log's own, waits
  /// until each has room.
  void publish(const SharedBatch& batch, bool wait);
  /// Gives `notice` to all, without waiting: whoever announces bounds how many are on their way.
  /// Any thread.
  void announce(SharedNotice notice);
  /// `publish` waits for nobody any more: whoever ends the log must not wait for a core. Any
  /// thread.
  void hurry();
  /// Nothing more comes. Idempotent; any thread.
  void close();

 private:
  void wait_for_room();
  void give_to_all(const SharedBatch& batch);

  std::mutex mutex_;  // held while one is given to all: the same order for each
  std::vector<std::shared_ptr<detail::TailQueue>> followers_;
  bool closed_ = false;
  std::atomic<bool> hurries_ = false;
};

}  // namespace ieum::hub
