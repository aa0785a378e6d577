// Session: our input to the peer, and the peer's to our output, both at once, until it is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <ieum/descriptor_stream.hpp>
#include <ieum/group.hpp>

#include "report/event_log.hpp"
#include "session/common_options.hpp"
#include "session/connection.hpp"
#include "session/interrupt.hpp"
#include "session/output.hpp"
#include "text/line_ends.hpp"

namespace ieum::cli {

/// How a session ended; `error` if it was a failure.
struct SessionEnd {
  EndReason reason = EndReason::running;
  Stage stage = Stage::sending;
  std::optional<Error> error;
  /// The peer has finished, and our input, which had given something, had not.
  bool input_was_open = false;
};

/// What `automatic` means for a listener or not.
[[nodiscard]] OnEof resolve_on_eof(OnEof on_eof, bool listens);

/// One session. How it ends, in short: each side may finish before the other. When our input
/// has ended, we receive until the peer has finished. When the peer has finished, what our input
/// still gives without a pause is sent: a file goes through to its end; a terminal, or a pipe in
/// which nothing comes, does not keep us. A pipe that is our output ends with the peer.
class Session {
 public:
  /// What an interrupted session may take to receive the peer's last words.
  static constexpr Duration interrupt_grace = std::chrono::seconds(1);

  /// All must outlive it; the peer is closed by `run`.
  Session(Connection& connection, DescriptorStream& input, Output& output, EventLog& events,
          Interrupt& interrupt, const SessionOptions& options);

  [[nodiscard]] Task<SessionEnd> run();

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{256} * 1024;
  /// What a finished session may take to learn that all has arrived.
  static constexpr Duration arrival_max = std::chrono::seconds(5);

  Task<> run_in(Group& group);
  Task<> send_side();
  Task<> send_in(Group& group);
  Task<> send();
  Task<> send_all(ConstBuffer data);
  Task<> finish_sending();
  Task<> receive();
  Task<> watch_idle();
  Task<> watch_output();
  Task<> watch_interrupt();
  Task<> until_over();
  Task<> wait_for_arrival();
  Task<> wait_acknowledged();
  void end(EndReason reason, Stage stage, const Error& error);
  void end(EndReason reason);
  void note_activity() noexcept { last_activity_ = EventLog::Clock::now(); }

  Connection& connection_;
  Stream& peer_;
  DescriptorStream& input_;
  Output& output_;
  EventLog& events_;
  Interrupt& interrupt_;
  SessionOptions options_;
  bool input_is_terminal_;
  SessionEnd end_;
  Event changed_;
  Event all_received_;
  LineEnds line_ends_;
  Group* sending_ = nullptr;  // while something is being sent
  bool all_sent_ = false;
  bool shutdown_sent_ = false;  // the peer knows that nothing more comes
  std::optional<Error> send_error_;
  std::uint64_t inputs_ = 0;  // how often something came from the input
  bool waits_for_input_ = false;
  EventLog::Clock::time_point last_activity_;
};

}  // namespace ieum::cli
