#include "trace/recorder.hpp"

#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fmt/format.h>

#include "inspect/findings.hpp"
#include "text/units.hpp"
#include "trace/attach.hpp"
#include "trace/launcher.hpp"
#include "trace/remote.hpp"

namespace ieum::cli::trace {

namespace {

constexpr Time listening_limit = std::chrono::seconds(60);
/// How long servers may go on after the command, until nothing has happened for so long.
constexpr Time quiet_limit = std::chrono::milliseconds(300);
constexpr Time after_limit = std::chrono::seconds(5);
/// And how long they may take to obey.
constexpr Time ending_limit = std::chrono::seconds(2);

volatile std::sig_atomic_t asked_to_end = 0;

void on_tick(int /*signal*/) {}
void on_end(int signal) { asked_to_end = signal; }

/// A signal that was ignored stays so, as nohup(1) wants it.
void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = handler;  // without SA_RESTART: waitpid(2) is to return
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

Recorder::Recorder(RecorderOptions options, EventSink sink, std::function<void(Time)> tick)
    : options_(std::move(options)),
      tick_(std::move(tick)),
      sequencer_(std::move(sink)),
      decoder_(sockets_, options_.data_bytes) {
  trace_options_ = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
  if (options_.pids.empty()) trace_options_ |= PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP;
  start_ns_ = 0;
  start_ns_ = now().count();
}

Time Recorder::now() const {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t microseconds = time.tv_sec * 1'000'000 + time.tv_nsec / 1000;
  return Time(microseconds - start_ns_);
}

void Recorder::emit(Event event) {
  last_event_ = std::max(last_event_, event.at);
  if (event.pid != 0) processes_[event.pid].last_event = event.at;
  sequencer_.push(std::move(event));
}

// ---- Programs ----------------------------------------------------------------------------------

std::expected<int, std::string> Recorder::run() {
  const bool launches = options_.pids.empty();
  handle(SIGALRM, on_tick);
  handle(SIGTERM, on_end);
  handle(SIGHUP, on_end);
  // The terminal gives Ctrl-C to the command as well, which decides what it means.
  if (launches) {
    ignores_interrupt_ = std::signal(SIGINT, SIG_IGN) == SIG_IGN;
  } else {
    handle(SIGINT, on_end);
  }
  const auto begun = begin();
  if (!begun) {
    stop_all(SIGKILL);
    return std::unexpected(begun.error());
  }
  const itimerval ticks{{0, tick_length.count()}, {0, tick_length.count()}};
  ::setitimer(ITIMER_REAL, &ticks, nullptr);
  for (;;) {
    int status = 0;
    const int tid = ::waitpid(-1, &status, __WALL);
    if (tid > 0) {
      take(tid, status);
    } else if (errno == ECHILD) {
      if (!launches || command_ != 0) break;
    }
    if (now() - last_tick_ >= tick_length) do_tick();
    const auto launched = launch_when_ready();
    if (!launched) {
      stop_all(SIGKILL);
      return std::unexpected(launched.error());
    }
  }
  sequencer_.release_all();
  emit({.kind = EventKind::end, .at = now()});
  sequencer_.release_all();
  return exit_status_;
}

std::expected<void, std::string> Recorder::begin() {
  SocketProcess command;
  command.command_line = fmt::format("{}", fmt::join(options_.command, " "));
  emit({.kind = EventKind::begin, .at = now(), .text = utc_now(), .data = title_of(command)});
  for (const int pid : options_.pids) {
    std::vector<int> threads;
    if (auto refused = attach(pid, trace_options_, threads)) return std::unexpected(*refused);
    for (const int tid : threads) threads_[tid].pid = pid;
    emit({.kind = EventKind::start,
          .at = now(),
          .pid = pid,
          .tid = pid,
          .text = title_of_process(pid)});
  }
  if (options_.pids.empty()) return launch_next();
  return {};
}

std::expected<void, std::string> Recorder::launch_next() {
  const bool is_server = servers_started_ < options_.servers.size();
  std::vector<std::string> command = options_.command;
  if (is_server) command = {"/bin/sh", "-c", options_.servers[servers_started_++]};
  const auto pid = launch(command, {.io_uring = options_.io_uring,
                                    .is_server = is_server,
                                    .ignores_interrupt = ignores_interrupt_,
                                    .trace_options = trace_options_});
  if (!pid) return std::unexpected(pid.error());
  threads_[*pid].pid = *pid;
  Process& process = processes_[*pid];
  process.is_launched = true;
  process.is_server = is_server;
  server_started_ = now();
  if (!is_server) command_ = *pid;
  // Arguments may have megabytes, and a line of a recording has its limit.
  constexpr std::size_t command_bytes_max = 1000;
  std::string text = is_server ? command.back() : fmt::format("{}", fmt::join(command, " "));
  if (text.size() > command_bytes_max) text = text.substr(0, command_bytes_max) + "...";
  emit({.kind = EventKind::start,
        .at = now(),
        .pid = *pid,
        .tid = *pid,
        .text = std::move(text),
        .value = is_server ? 1 : 0});
  return {};
}

bool Recorder::has_server_to_wait_for() const {
  return options_.pids.empty() && command_ == 0 && servers_started_ > 0;
}

/// Starts the next server, or the command, as soon as the last server listens.
std::expected<void, std::string> Recorder::launch_when_ready() {
  if (!has_server_to_wait_for()) return {};
  const std::string& server = options_.servers[servers_started_ - 1];
  std::size_t listening = 0;
  bool is_alive = false;
  for (const auto& [pid, process] : processes_) {
    listening += process.is_listening ? 1 : 0;
    is_alive = is_alive || process.is_launched;
  }
  if (listening >= servers_started_) return launch_next();
  if (threads_.empty() && unannounced_.empty()) {
    return std::unexpected(
        fmt::format("the server '{}' ended before it listened; its own words say why", server));
  }
  if (now() - server_started_ > listening_limit) {
    return std::unexpected(fmt::format(
        "the server '{}' has not listened within a minute, so the command is not started", server));
  }
  return {};
}

/// When the command has ended, all that it started and the servers get a moment to finish.
void Recorder::finish_if_over() {
  const Time time = now();
  if (asked_to_end != 0) {
    if (options_.pids.empty()) {
      if (signals_sent_ == 0) stop_all(asked_to_end);
      if (signals_sent_ == 0) signal_sent_at_ = time;
      signals_sent_ = std::max(signals_sent_, 1);
    } else if (!is_detaching_) {
      is_detaching_ = true;
      for (const auto& [tid, thread] : threads_) ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    }
  }
  if (!command_ended_ && signals_sent_ == 0) return;
  if (threads_.empty()) return;
  const bool is_quiet = time - last_event_ > quiet_limit || time - ended_at_ > after_limit;
  if (signals_sent_ == 0 && is_quiet) {
    stop_all(SIGTERM);
    signals_sent_ = 1;
    signal_sent_at_ = time;
  } else if (signals_sent_ == 1 && time - signal_sent_at_ > ending_limit) {
    stop_all(SIGKILL);
    signals_sent_ = 2;
  }
}

void Recorder::stop_all(int signal) {
  std::set<int> pids;
  for (const auto& [tid, thread] : threads_) pids.insert(thread.pid != 0 ? thread.pid : tid);
  for (const int pid : pids) {
    // What was attached to is not ours to end.
    if (options_.pids.empty()) ::kill(pid, signal);
  }
}

// ---- Stops -------------------------------------------------------------------------------------

void Recorder::take(int tid, int status) {
  if (WIFEXITED(status) || WIFSIGNALED(status)) return take_death(tid, status);
  if (WIFSTOPPED(status)) take_stop(tid, status);
}

void Recorder::take_stop(int tid, int status) {
  const int event = status >> 16;
  const int signal = WSTOPSIG(status);
  auto found = threads_.find(tid);
  if (found == threads_.end()) {
    // A child may stop before its parent says that it has one.
    if (event != PTRACE_EVENT_STOP || is_detaching_) {
      found = threads_.emplace(tid, Thread{.pid = process_of(tid)}).first;
    } else {
      unannounced_.insert(tid);
      return;
    }
  }
  Thread& thread = found->second;
  bool wants_exit = thread.in_call;
  int deliver = 0;
  if (event == PTRACE_EVENT_SECCOMP || signal == (SIGTRAP | 0x80)) {
    take_call(tid, thread, wants_exit);
  } else if (event == PTRACE_EVENT_STOP) {
    const bool is_stopped =
        signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    if (is_stopped && !is_detaching_) {
      ::ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
      return;
    }
  } else if (event == PTRACE_EVENT_EXEC) {
    take_exec(tid);
    wants_exit = false;
  } else if (event == PTRACE_EVENT_EXIT) {
    const bool is_last = std::ranges::count_if(threads_, [&](const auto& entry) {
                           return entry.second.pid == thread.pid;
                         }) <= 1;
    if (is_last || tid == thread.pid) look_for_unread(thread.pid);
  } else if (event != 0) {
    take_child(tid, event);
  } else {
    deliver = signal;
  }
  if (is_detaching_ && detach(tid, deliver)) return;
  const auto still = threads_.find(tid);
  if (still != threads_.end()) resume(tid, still->second, wants_exit, deliver);
}

void Recorder::resume(int tid, const Thread& thread, bool wants_exit, int signal) {
  const bool every_call = !options_.pids.empty();
  const bool stops_at_exit = wants_exit || every_call || thread.in_call;
  ::ptrace(stops_at_exit ? PTRACE_SYSCALL : PTRACE_CONT, tid, nullptr,
           static_cast<std::intptr_t>(signal));
}

bool Recorder::detach(int tid, int signal) {
  if (::ptrace(PTRACE_DETACH, tid, nullptr, static_cast<std::intptr_t>(signal)) != 0) return false;
  threads_.erase(tid);
  return true;
}

void Recorder::take_call(int tid, Thread& thread, bool& wants_exit) {
  wants_exit = false;
  // The C library's, as the kernel's header does not go together with its <sys/ptrace.h>.
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    if (thread.in_call) leave_call(tid, thread, info.exit.rval);
    return;
  }
  const bool by_filter = info.op == PTRACE_SYSCALL_INFO_SECCOMP;
  const auto number = static_cast<long>(by_filter ? info.seccomp.nr : info.entry.nr);
  const Call* call = find_call(number);
  const auto* const arguments = by_filter ? info.seccomp.args : info.entry.args;
  if (thread.was_interrupted) {
    // A signal has been handled meanwhile. The same call again goes on; else it was EINTR.
    const bool goes_on = call == thread.call.call &&
                         std::ranges::equal(thread.call.arguments, std::span(arguments, 6));
    thread.was_interrupted = false;
    if (goes_on) {
      thread.in_call = true;
      wants_exit = true;
      return;
    }
    leave_call(tid, thread, -EINTR);
  }
  if (call == nullptr) return;
  thread.call = {.call = call, .began = now()};
  std::copy_n(arguments, 6, thread.call.arguments.begin());
  enter_call(tid, thread, wants_exit);
}

void Recorder::enter_call(int tid, Thread& thread, bool& wants_exit) {
  if (thread.pid == 0) thread.pid = process_of(tid);
  if (!decoder_.enter(thread.call, thread.pid, tid)) return;
  thread.in_call = true;
  thread.was_told = false;
  wants_exit = true;
  thread.counts_as_under_way =
      thread.call.call->acts_at_once() && thread.call.kind != CallKind::receive;
  if (thread.counts_as_under_way) sequencer_.enter(thread.call.began);
}

void Recorder::leave_call(int tid, Thread& thread, std::int64_t result) {
  constexpr std::int64_t restarts_first = -516;  // ERESTART_RESTARTBLOCK
  constexpr std::int64_t restarts_last = -512;   // ERESTARTSYS
  thread.in_call = false;
  if (result >= restarts_first && result <= restarts_last) {
    thread.was_interrupted = true;
    return;
  }
  const Time time = now();
  const bool was_in_order = thread.counts_as_under_way || !thread.call.call->acts_at_once();
  std::vector<Event> events = decoder_.leave(thread.call, thread.pid, tid, result, time);
  if (thread.counts_as_under_way) sequencer_.leave(thread.call.began);
  thread.counts_as_under_way = false;
  for (Event& event : events) {
    // It has been told that it waits: its end is another line.
    if (!was_in_order) {
      event.at = time;
      event.is_late = true;
    }
    const bool closes = event.call == "close" || event.call.starts_with("dup");
    if (closes && event.protocol != "tcp") event.is_held = other_holder(event.socket) != 0;
    if (event.is_held) event.other_pid = other_holder(event.socket);
    remember(event);
    emit(std::move(event));
  }
  sequencer_.release();
}

void Recorder::take_child(int tid, int event) {
  unsigned long message = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message) != 0) return;
  const int child = static_cast<int>(message);
  int& parent = threads_[tid].pid;
  if (parent == 0) parent = process_of(tid);
  const int pid = parent;
  const bool is_thread = event == PTRACE_EVENT_CLONE && process_of(child) == pid;
  threads_.try_emplace(child, Thread{.pid = is_thread ? pid : child});
  if (!is_thread) {
    Process& process = processes_[child];
    process.is_server = processes_[pid].is_server;
    process.sockets = processes_[pid].sockets;
    emit({.kind = EventKind::fork, .at = now(), .pid = pid, .tid = tid, .other_pid = child});
  }
  if (unannounced_.erase(child) > 0) resume(child, threads_[child], false, 0);
}

void Recorder::take_exec(int tid) {
  unsigned long former = 0;
  ::ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &former);
  if (static_cast<int>(former) != tid) threads_.erase(static_cast<int>(former));
  threads_[tid] = Thread{.pid = tid};
  emit({.kind = EventKind::exec,
        .at = now(),
        .pid = tid,
        .tid = tid,
        .text = title_of_process(tid)});
  tell_what_was_closed(tid, now());
}

void Recorder::take_death(int tid, int status) {
  const auto found = threads_.find(tid);
  if (found != threads_.end()) {
    if (found->second.counts_as_under_way) sequencer_.leave(found->second.call.began);
    threads_.erase(found);
  }
  unannounced_.erase(tid);
  const auto process = processes_.find(tid);
  if (process == processes_.end()) return;  // a thread, not the last of its process
  const Time at = take_end(process->second);
  emit({.kind = EventKind::exit,
        .at = at,
        .pid = tid,
        .tid = tid,
        .result = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
        .value = signals_sent_ > 0 ? 1 : 0});
  tell_what_was_closed(tid, at);
  sequencer_.release();
  if (tid == command_) {
    command_ended_ = true;
    ended_at_ = now();
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  process->second.is_launched = false;
  process->second.sockets.clear();
}

}  // namespace ieum::cli::trace
