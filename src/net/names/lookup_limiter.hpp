// LookupLimiter: bounds how many lookups of a thread are under way at the same time.
#pragma once

#include <ieum/event.hpp>
#include <ieum/task.hpp>

namespace ieum::detail {

/// A place among the lookups of this thread, given back by the destructor. Its runtimes share the
/// places: those that wait get them in order.
///
/// Who has had no answer for long can give up its place without ending: names that nobody answers
/// do not hold up those that are answered at once.
class LookupLimiter {
 public:
  LookupLimiter() noexcept = default;
  LookupLimiter(const LookupLimiter&) = delete;
  LookupLimiter& operator=(const LookupLimiter&) = delete;
  ~LookupLimiter();

  /// Waits until fewer than `at_once_max` have a place and all who came before have had theirs, and
  /// takes one; at once if it has one. May be called again after it was stopped.
  Task<> come(std::size_t at_once_max);
  /// Goes on without a place, if fewer than twice as many as have places do that.
  void go_on_without() noexcept;

 private:
  struct Places;
  static thread_local constinit Places places_;
  enum class State : unsigned char { outside, waiting, has_place, without };
  static void give_places() noexcept;
  static void leave_behind_at_fork() noexcept;
  void take() noexcept;
  void unlink() noexcept;

  State state_ = State::outside;
  std::size_t at_once_max_ = 0;
  LookupLimiter* previous_ = nullptr;
  LookupLimiter* next_ = nullptr;
  Event given_;
};

}  // namespace ieum::detail
