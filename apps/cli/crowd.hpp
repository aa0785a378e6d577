// Crowd: many clients at once on one standard input and output (`ieum listen -k`).
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/stream_socket.hpp>

#include "conversation.hpp"

namespace ieum::cli {

/// What our input gives goes to all who are connected then; what they send goes to our output, in
/// the order in which it comes. Our input is read only while somebody is connected, and only as
/// fast as the fastest of them takes it. One that falls behind by `queue_bytes_max` is cut off: the
/// others never wait for it.
class Crowd {
 public:
  static constexpr std::size_t queue_bytes_max = std::size_t{4} * 1024 * 1024;
  /// So much waits at least for each before our input waits for them.
  static constexpr std::size_t queue_bytes_min = std::size_t{256} * 1024;

  /// All must outlive it.
  Crowd(LocalEnds& ends, const CommonOptions& options, Log& log);

  /// Reads our input until its end; then, as --on-eof says, tells the clients. Fails if the input
  /// does.
  [[nodiscard]] Task<> read_input();
  /// One client, until it has finished. Closes its socket.
  [[nodiscard]] Task<Ending> serve(StreamSocket& client, Life& life);

  /// Is set when our output has failed: nothing more can be received.
  [[nodiscard]] Event& output_failed() noexcept { return output_failed_; }
  [[nodiscard]] const std::optional<Error>& output_error() const noexcept { return output_error_; }
  [[nodiscard]] bool input_has_ended() const noexcept { return input_ended_; }

 private:
  using Chunk = std::shared_ptr<const std::vector<std::byte>>;  // one for all who are sent it
  struct Member {
    std::deque<Chunk> queue;
    std::size_t queued_bytes = 0;
    bool too_slow = false;
    bool leaving = false;  // its client has finished
    Group* group = nullptr;
    Event changed;
  };

  Task<> serve_in(Group& group, StreamSocket& client, Member& member, Life& life);
  Task<> receive(StreamSocket& client, Member& member, Life& life);
  Task<> send(StreamSocket& client, Member& member, Life& life);
  Task<> send_front(StreamSocket& client, Member& member, Life& life);
  [[nodiscard]] bool has_room() const noexcept;
  void send_to_all(const Chunk& chunk);

  LocalEnds& ends_;
  const CommonOptions& options_;
  Log& log_;
  std::vector<Member*> members_;
  Event room_;  // may have come: somebody has joined, left, or taken something
  Event output_failed_;
  std::optional<Error> output_error_;
  bool input_ended_ = false;
};

}  // namespace ieum::cli
