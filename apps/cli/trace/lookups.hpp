// Lookups: leaves out of a ladder what the C library does by itself when a program asks for a user
// or a host: it asks a daemon by a Unix socket, such as nscd, which mostly does not even run. Every
// bash does so as it starts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "trace/event.hpp"

namespace ieum::cli::trace {

class Lookups {
 public:
  /// What a Unix socket is for is known when it connects: so long its creation is held back.
  static constexpr Time held_max = std::chrono::milliseconds(100);
  static constexpr std::size_t events_max = 4096;

  explicit Lookups(EventSink sink) : sink_(std::move(sink)) {}

  void take(const Event& event);
  /// It is this late, and all events before have been taken. Gives up to when they were passed on.
  Time pass(Time now);

 private:
  [[nodiscard]] bool is_of_lookup(const Event& event);
  void decide_old(Time now);
  void release();

  EventSink sink_;
  std::deque<Event> held_;
  std::map<std::uint64_t, Time> undecided_;  // sockets of which only the creation was seen
  std::set<std::uint64_t> lookups_;
};

}  // namespace ieum::cli::trace
