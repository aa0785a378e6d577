// Outbox: the lines that a member has still to get.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

namespace chat {

/// A line as it goes out. Made once, and shared by all who get it: no copy for each.
using Line = std::shared_ptr<const std::string>;

inline Line make_line(std::string text) {
  text += '\n';
  return std::make_shared<const std::string>(std::move(text));
}

/// A bounded queue in front of a socket. Adding never waits, so a member who does not read never
/// slows the others: when the queue is full its oldest lines are dropped, and the member is told
/// how many once it reads again.
class Outbox {
 public:
  static constexpr std::size_t bytes_max = std::size_t{64} * 1024;  // far more than any line
  static constexpr std::size_t batch_lines_max = 32;  // handed to the socket at a time
  /// A member who takes nothing for so long is cut off.
  static constexpr ieum::Duration unread_max = std::chrono::minutes(5);

  void add(Line line);
  /// Nothing more will be added; what waits still goes out.
  void close() noexcept;

  /// Writes what is added to `socket`, until closed and empty.
  ieum::Task<> send_to(ieum::StreamSocket& socket);
  /// Until `send_to` has written the last line.
  ieum::Task<> all_sent();

 private:
  void take(std::vector<Line>& batch);

  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::size_t dropped_ = 0;
  bool closed_ = false;
  ieum::Event changed_;
  ieum::Event all_sent_;
};

}  // namespace chat
