// LookupLimiter: bounds how many lookups of a thread are under way at the same time.
#pragma once

#include <ieum/event.hpp>
#include <ieum/task.hpp>

namespace ieum::detail {

/// A place among the `ResolveOptions::at_once_max` lookups of this thread, given back by the
/// destructor. Its runtimes share the places: those that wait get them in order.
class LookupLimiter {
 public:
  LookupLimiter() noexcept = default;
  LookupLimiter(const LookupLimiter&) = delete;
  LookupLimiter& operator=(const LookupLimiter&) = delete;
  ~LookupLimiter();

  /// Waits for a place.
  Task<> come();

 private:
  struct Places;
  static thread_local constinit Places places_;

  bool waits_ = false;
  bool has_place_ = false;
  LookupLimiter* previous_ = nullptr;
  LookupLimiter* next_ = nullptr;
  Event given_;
};

}  // namespace ieum::detail
