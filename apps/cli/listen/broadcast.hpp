// Broadcast: many clients at once on one standard input and output (`ieum listen -k`).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/send_queue.hpp>

#include "session/run_session.hpp"

namespace ieum::cli {

/// What our input gives goes to all who are connected then; what they send goes to our output, in
/// the order in which it comes. Our input is read only while somebody is connected, and only as
/// fast as the fastest of them takes it. One that falls behind by `queue_bytes_max` is cut off: the
/// others never wait for it.
class Broadcast {
 public:
  /// More than the system's buffers take for one that never reads: until they are full it seems to
  /// be the fastest. What waits for several is there once.
  static constexpr std::size_t queue_bytes_max = std::size_t{16} * 1024 * 1024;
  /// So much waits at least for each before our input waits for them.
  static constexpr std::size_t queue_bytes_min = std::size_t{256} * 1024;

  /// To whom goes what a client says, besides our output.
  enum class Relaying : std::uint8_t { none, to_others };

  /// All must outlive it.
  Broadcast(LocalStreams& streams, const CommonOptions& options, Relaying relaying, Log& log);

  /// Reads our input until its end; then half-closes or not, as --on-eof says. Fails if the input
  /// does.
  [[nodiscard]] Task<> read_input();
  /// One client, until it has finished. Closes its socket.
  [[nodiscard]] Task<EndReason> serve(Connection& connection, EventLog& events);

  /// Our output has failed, or has nobody who reads it.
  void lose_output(const Error& error);
  /// Is set when our output has failed: nothing more can be received.
  [[nodiscard]] Event& output_failed() noexcept { return output_failed_; }
  [[nodiscard]] const std::optional<Error>& output_error() const noexcept { return output_error_; }
  [[nodiscard]] bool input_has_ended() const noexcept { return input_ended_; }

 private:
  struct Member {
    Member(const Rendering::Options& options, std::string label)
        : rendering(options, std::move(label)) {}
    /// What waits to be sent; closed at our input's end, and when the client has finished.
    SendQueue queue{{.bytes_max = queue_bytes_max, .when_full = WhenFull::disconnect}};
    Event finished;  // the client has
    Rendering rendering;
    EventLog::Clock::time_point last_activity = EventLog::Clock::now();
    Group* group = nullptr;
    EndReason reason = EndReason::client_finished;
  };

  Task<> serve_in(Group& group, Connection& connection, Member& member, EventLog& events);
  Task<> receive(Stream& client, Member& member, EventLog& events);
  Task<> send(Connection& connection, Member& member, EventLog& events);
  Task<> watch_idle(Member& member);
  void disconnect(Member& member, EndReason reason);
  void report_too_slow(const Stream& client);
  Task<> until_room();
  [[nodiscard]] bool has_room() const noexcept;
  void send_to_all(const Payload& payload, const Member* except = nullptr);
  /// Nobody has anything more to say to the clients.
  [[nodiscard]] bool has_said_all() const noexcept;

  LocalStreams& streams_;
  const CommonOptions& options_;
  Relaying relaying_;
  Log& log_;
  std::vector<Member*> members_;
  Event room_;  // may have come: somebody has joined, left, or taken something
  Event output_failed_;
  std::optional<Error> output_error_;
  bool input_ended_ = false;
};

}  // namespace ieum::cli
