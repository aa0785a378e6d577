// Cast receiver: `ieum cast --receive`: a group's datagrams to our output, and a report of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ieum/datagram_batch.hpp>
#include <ieum/datagram_socket.hpp>
#include <ieum/group.hpp>

#include "cast/cast.hpp"
#include "cast/chunk_queue.hpp"
#include "rtp/rtp_receiver.hpp"
#include "session/run_session.hpp"

namespace ieum::cli {

class CastReceiver {
 public:
  /// Waits at most for our output; beyond it what comes waits in the system's queue, which drops,
  /// and counts, what it has no room for.
  static constexpr std::size_t queue_bytes_max = std::size_t{8} * 1024 * 1024;
  /// After the sender's goodbye: so long for what is still on its way.
  static constexpr Duration bye_linger = std::chrono::milliseconds(200);
  /// What an interruption leaves for writing what has come.
  static constexpr Duration output_grace = std::chrono::seconds(1);

  /// How often a terminal shows what has come so far.
  static constexpr Duration live_interval = std::chrono::seconds(1);

  /// All must outlive it. `control` is open with --rtp only.
  CastReceiver(const CastCommand& command, DatagramSocket data, DatagramSocket control,
               LocalStreams& streams, EventLog& events, Interrupt& interrupt);

  /// Until the sender says goodbye, nothing has come for -i, or it is interrupted.
  [[nodiscard]] Task<int> run();

 private:
  using Clock = std::chrono::steady_clock;
  /// How often it looks whether something has waited long enough.
  static constexpr Duration tick = std::chrono::milliseconds(50);

  Task<> run_in(Group& group);
  Task<> receive_in(Group& group);
  Task<> receive();
  void take_batch();
  Task<> give_out();
  Task<> receive_control();
  Task<> write();
  Task<> watch_time();
  Task<> watch_interrupt();
  Task<> watch_output();
  void end(EndReason reason);
  void fail_with(Failure failure);
  void queue(std::vector<std::byte> chunk);
  void queue_ready();
  void show_live() const;
  void log_report() const;
  Task<int> finish();
  [[nodiscard]] std::string report_text() const;

  const CastCommand& command_;
  DatagramSocket socket_;
  DatagramSocket control_;
  LocalStreams& streams_;
  EventLog& events_;
  Interrupt& interrupt_;
  bool shows_live_;
  DatagramBatch batch_;
  RtpReceiver rtp_;
  std::uint64_t packets_ = 0;  // without --rtp
  std::uint64_t bytes_ = 0;
  std::vector<std::byte> ready_;  // payload to be queued
  ChunkQueue queue_;
  Event queue_changed_;  // something was added, or all has been
  Event queue_room_;
  Event all_written_;        // or given up
  bool is_held_up_ = false;  // by our output
  Event over_;
  EndReason reason_ = EndReason::running;
  std::optional<Failure> failure_;
  bool all_queued_ = false;
  Clock::time_point last_arrival_;
};

}  // namespace ieum::cli
