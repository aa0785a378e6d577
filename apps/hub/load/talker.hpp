// Talker: one client of a load: says its lines when they are due, and checks all that it hears.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ieum/buffered_reader.hpp>
#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/stream_socket.hpp>

namespace ieum::hub {

struct LoadOptions {
  std::string to = "127.0.0.1:6667";
  std::size_t clients = 100;
  std::size_t rooms = 10;
  double rate =
      1000;  // messages a second of all together; 0: each says the next when one came back
  double seconds = 10;
  std::size_t bytes = 100;  // of a message's text
};

/// What all talkers share.
struct Load {
  LoadOptions options;
  std::vector<std::uint32_t> latencies;  // of each copy, in µs from the intended time of sending
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t copies = 0;
  std::uint64_t out_of_order = 0;  // or twice, or one is missing before it
  std::uint64_t refused = 0;
  std::size_t ready = 0;
  Event all_ready;
  TimePoint begin{};
};

class Talker {
 public:
  Talker(Load& load, std::size_t number) : load_(load), number_(number) {}
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  /// Comes in, says its lines, listens until all that was said has come back.
  [[nodiscard]] Task<> run();
  [[nodiscard]] std::size_t room() const noexcept { return number_ % load_.options.rooms; }
  [[nodiscard]] std::size_t number() const noexcept { return number_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  /// The last of the sender's messages that came here; all before it came too.
  [[nodiscard]] std::uint64_t heard_of(std::size_t sender) const noexcept {
    const std::size_t place = sender / load_.options.rooms;
    return place < heard_.size() ? heard_[place] : 0;
  }

 private:
  Task<> converse(Group& group);
  Task<> enter();
  Task<> say();
  Task<> listen();
  Task<> end_after();
  void hear(std::string_view line);

  Load& load_;
  const std::size_t number_;
  StreamSocket socket_;
  std::uint64_t said_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::vector<std::uint64_t> heard_;  // by the sender's place in the room
  Event came_back_;
};

}  // namespace ieum::hub
