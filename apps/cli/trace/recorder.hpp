// Recorder: runs or attaches to programs by ptrace(2), and makes events of their calls on sockets.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ieum/operation.hpp>

#include "trace/decoder.hpp"
#include "trace/event.hpp"
#include "trace/sequencer.hpp"
#include "trace/sockets_seen.hpp"
#include "trace/stalls.hpp"

namespace ieum::cli::trace {

struct RecorderOptions {
  static constexpr std::size_t data_bytes_default = 48;
  static constexpr std::size_t data_bytes_max = 65'536;
  static constexpr Duration stall_default = std::chrono::seconds(1);

  std::vector<std::string> command{};  ///< empty: `pids` are attached to
  std::vector<std::string> servers{};  ///< lines for the shell, started first
  std::vector<int> pids{};
  bool io_uring = false;
  Duration stall = stall_default;
  std::size_t data_bytes = data_bytes_default;
};

class Recorder {
 public:
  /// `tick` is called now and then with the time: all events before it have been given.
  Recorder(RecorderOptions options, EventSink sink, std::function<void(Time)> tick);

  /// Until the command has ended, or a signal ends the trace. Gives the command's exit status, 128
  /// and the signal's number if one killed it; or a sentence. Changes this process's handlers of
  /// signals: a program does this once.
  [[nodiscard]] std::expected<int, std::string> run();

 private:
  struct Thread {
    int pid = 0;
    bool in_call = false;          ///< between a traced call's entry and its return
    bool was_interrupted = false;  ///< the call may go on when a signal has been handled
    bool counts_as_under_way = false;
    bool was_told = false;  ///< that it waits
    CallUnderWay call{};
  };
  struct Process {
    bool is_launched = false;
    bool is_server = false;
    bool is_listening = false;
    Time last_event{};
    bool was_told = false;                       ///< that it waits for descriptors
    std::map<std::uint64_t, Time> sockets;       ///< used by it and not closed: when last
    std::map<std::uint64_t, PairStates> at_end;  ///< what was asked before its end
    Time ends_at{-1};
    std::set<std::uint64_t> leaks_told;
  };

  static constexpr Time tick_length = std::chrono::milliseconds(20);

  [[nodiscard]] Time now() const;
  void emit(Event event);

  // Programs.
  [[nodiscard]] std::expected<void, std::string> begin();
  [[nodiscard]] std::expected<void, std::string> launch_next();
  [[nodiscard]] std::expected<void, std::string> launch_when_ready();
  [[nodiscard]] bool has_server_to_wait_for() const;
  void finish_if_over();
  void stop_all(int signal);

  // Stops.
  void take(int tid, int status);
  void take_stop(int tid, int status);
  void take_call(int tid, Thread& thread, bool& wants_exit);
  void enter_call(int tid, Thread& thread, bool& wants_exit);
  void leave_call(int tid, Thread& thread, std::int64_t result);
  void take_child(int tid, int event);
  void take_exec(int tid);
  void take_death(int tid, int status);
  void resume(int tid, const Thread& thread, bool wants_exit, int signal);
  bool detach(int tid, int signal);

  // Sockets.
  void remember(const Event& event);
  void look_for_unread(int pid);
  Time take_end(Process& process);
  void tell_what_was_closed(int pid, Time at);
  [[nodiscard]] int other_holder(std::uint64_t socket) const;

  // Now and then.
  void do_tick();
  void tell_calls_that_wait(Time time);
  void tell_stalls(Time time);
  void tell_leaks(Time time);
  [[nodiscard]] std::vector<Waiter> find_waiters(Time time, bool& any_due);

  RecorderOptions options_;
  std::function<void(Time)> tick_;
  Sequencer sequencer_;
  SocketsSeen sockets_;
  Decoder decoder_;
  long trace_options_ = 0;
  std::int64_t start_ns_ = 0;
  std::unordered_map<int, Thread> threads_;
  std::set<int> unannounced_;  ///< children that stopped before we heard of their birth
  std::map<int, Process> processes_;
  std::size_t servers_started_ = 0;
  Time server_started_{};
  int command_ = 0;
  int exit_status_ = 0;
  bool command_ended_ = false;
  bool ignores_interrupt_ = false;
  Time ended_at_{};
  bool is_detaching_ = false;
  int signals_sent_ = 0;
  Time last_event_{};
  Time last_tick_{};
  Time last_stall_check_{};
  Time signal_sent_at_{};
};

}  // namespace ieum::cli::trace
