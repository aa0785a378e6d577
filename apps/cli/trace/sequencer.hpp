// Sequencer: brings events into the order in which they took effect. A send acts before it
// returns: its peer may have received, and said so, earlier. So nothing passes a call that acts at
// once and is still under way, unless that takes long.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "trace/event.hpp"

namespace ieum::cli::trace {

class Sequencer {
 public:
  explicit Sequencer(EventSink sink) : sink_(std::move(sink)) {}

  /// A call that acts at once has been entered.
  void enter(Time at) { under_way_.insert(at); }
  /// It has returned, or takes too long to be waited for.
  void leave(Time at) {
    const auto found = under_way_.find(at);
    if (found != under_way_.end()) under_way_.erase(found);
  }

  /// Events of the same time stay in the order given.
  void push(Event event) {
    waiting_.emplace(event.at, std::move(event));
    release();
  }
  /// Passes on what nothing can precede any more.
  void release() {
    while (!waiting_.empty()) {
      const auto first = waiting_.begin();
      if (!under_way_.empty() && *under_way_.begin() < first->first) return;
      sink_(first->second);
      waiting_.erase(first);
    }
  }
  /// All events before this have been passed on.
  [[nodiscard]] Time passed(Time now) const {
    return under_way_.empty() ? now : std::min(now, *under_way_.begin());
  }
  void release_all() {
    under_way_.clear();
    release();
  }

 private:
  EventSink sink_;
  std::multiset<Time> under_way_;
  std::multimap<Time, Event> waiting_;
};

}  // namespace ieum::cli::trace
