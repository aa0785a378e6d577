// LookupLimiter: bounds how many lookups of a thread are under way at the same time.
#pragma once

#include <ieum/event.hpp>
#include <ieum/operation.hpp>
#include <ieum/task.hpp>

namespace ieum::detail {

/// A place among the lookups of this thread, given back by the destructor. Its runtimes share the
/// places: those that wait get them in order.
///
/// Names that nobody answers do not hold up those that are answered soon, however many they are:
/// who has had no answer for a while leaves its place to the next. It goes on among the slow ones,
/// which have places of their own, or ends what it does and waits for one of these.
class LookupLimiter {
 public:
  LookupLimiter() noexcept = default;
  LookupLimiter(const LookupLimiter&) = delete;
  LookupLimiter& operator=(const LookupLimiter&) = delete;
  ~LookupLimiter();

  /// Waits until fewer than `at_once_max` have a place and all who came before have had theirs, and
  /// takes one; at once if it has one. Who has given way waits for one among the slow, of which
  /// there are twice as many. May be called again after it was stopped.
  Task<> come(std::size_t at_once_max);
  /// Of `time`, how long it may keep its place without an answer: less if more waited for one when
  /// it was given, so that they all get theirs soon.
  [[nodiscard]] Duration share_of(Duration time) const noexcept;
  /// Goes on among the slow; false: it has no place there, and waits for one until it has come.
  bool give_way() noexcept;
  [[nodiscard]] bool is_in_line() const noexcept {
    return state_ == State::waiting || state_ == State::waiting_slow;
  }

 private:
  struct Line;
  struct Places;
  static thread_local constinit Places places_;
  enum class State : unsigned char { outside, waiting, has_place, waiting_slow, slow };
  static void give_places() noexcept;
  static void leave_behind_at_fork() noexcept;
  void append_to(Line& line, State waits) noexcept;
  void take_from(Line& line, State has) noexcept;
  void unlink_from(Line& line) noexcept;

  State state_ = State::outside;
  std::size_t at_once_max_ = 0;
  double share_ = 1;
  LookupLimiter* previous_ = nullptr;
  LookupLimiter* next_ = nullptr;
  Event given_;
};

}  // namespace ieum::detail
