// What a recorder looks at between calls: sockets that were closed without one, connections whose
// states change by themselves, programs that wait.
#include <algorithm>

#include <fmt/format.h>

#include "text/units.hpp"
#include "trace/recorder.hpp"
#include "trace/remote.hpp"

namespace ieum::cli::trace {

// ---- Sockets -----------------------------------------------------------------------------------

void Recorder::remember(const Event& event) {
  Process& process = processes_[event.pid];
  process.was_told = false;
  const bool listens = event.call == "listen" ||
                       (event.call == "bind" && event.protocol == "udp") ||
                       (event.call == "bind" && event.protocol == "unix-datagram");
  if (listens && event.result == 0) process.is_listening = true;
  if (event.kind != EventKind::call) return;
  if (event.call == "close" || event.call.starts_with("dup")) {
    process.sockets.erase(event.socket);
    return;
  }
  process.sockets[event.socket] = event.at;
  process.leaks_told.erase(event.socket);
  if (event.other_socket != 0) process.sockets[event.other_socket] = event.at;
}

/// The kernel closes without a call what a program leaves open at its end.
void Recorder::look_for_unread(int pid) {
  constexpr std::size_t asked_max = 256;
  Process& process = processes_[pid];
  std::size_t asked = 0;
  for (const auto& [socket, when] : process.sockets) {
    SeenSocket* seen = sockets_.find(socket);
    if (seen == nullptr || !seen->pair || ++asked > asked_max) continue;
    const Time time = now();
    process.at_end[socket] = sockets_.ask(*seen, time);
    SocketsSeen::note_ending(*seen, process.at_end[socket], time);
  }
  // What it leaves open is closed before its death is told: nothing of that may come first.
  if (asked == 0 || process.ends_at >= Time{}) return;
  process.ends_at = now();
  sequencer_.enter(process.ends_at);
}

/// When its sockets were closed. From then on nothing is held back for it.
Time Recorder::take_end(Process& process) {
  const Time at = process.ends_at < Time{} ? now() : process.ends_at;
  sequencer_.leave(process.ends_at);
  process.ends_at = Time{-1};
  return at;
}

void Recorder::tell_what_was_closed(int pid, Time at) {
  constexpr std::size_t told_max = 256;
  Process& process = processes_[pid];
  std::size_t told = 0;
  for (auto entry = process.sockets.begin(); entry != process.sockets.end();) {
    const std::uint64_t socket = entry->first;
    SeenSocket* seen = sockets_.find(socket);
    const auto held = seen == nullptr ? std::nullopt : sockets_.is_held(*seen, socket);
    if (!held || *held) {
      ++entry;
      continue;
    }
    const Time time = now();
    const PairStates states = sockets_.ask(*seen, time);
    Event event{.kind = EventKind::call,
                .at = SocketsSeen::place_of_ending(*seen, states, at),
                .took = time - at,
                .pid = pid,
                .tid = pid,
                .call = "exit",
                .socket = socket,
                .protocol = seen->protocol,
                .local = seen->local.to_string(),
                .peer = seen->peer.to_string(),
                .aborts = seen->aborts,
                .states = states};
    const auto before = process.at_end.find(socket);
    if (before != process.at_end.end()) {
      event.states.before = before->second.own;
      event.states.unread = before->second.unread;
    }
    if (++told <= told_max) emit(std::move(event));
    entry = process.sockets.erase(entry);
  }
}

/// A traced process that has the socket open; 0: none.
int Recorder::other_holder(std::uint64_t socket) const {
  std::set<int> pids;
  for (const auto& [tid, thread] : threads_) pids.insert(thread.pid);
  constexpr std::size_t looked_at_max = 64;
  std::size_t looked_at = 0;
  for (const int pid : pids) {
    if (++looked_at > looked_at_max) break;
    if (find_descriptor(pid, socket) >= 0) return pid;
  }
  return 0;
}

// ---- Now and then ------------------------------------------------------------------------------

void Recorder::do_tick() {
  const Time time = now();
  last_tick_ = time;
  tell_calls_that_wait(time);
  sockets_.ask_some(time, [&](const Pair& pair, int side) {
    emit({.kind = EventKind::state,
          .at = time,
          .protocol = "tcp",
          .local = pair.ends[side].to_string(),
          .peer = pair.ends[1 - side].to_string(),
          .states = {.own = pair.states[side]}});
  });
  constexpr Time stall_check_interval = std::chrono::milliseconds(100);
  if (time - last_stall_check_ >= stall_check_interval) {
    last_stall_check_ = time;
    tell_stalls(time);
    tell_leaks(time);
  }
  finish_if_over();
  sequencer_.release();
  if (tick_) tick_(sequencer_.passed(time));
}

/// What goes on after a call that acts at once was entered is not held back for long.
void Recorder::tell_calls_that_wait(Time time) {
  constexpr Time ending_max = std::chrono::milliseconds(200);
  for (auto& [pid, process] : processes_) {
    if (process.ends_at >= Time{} && time - process.ends_at > ending_max) take_end(process);
  }
  for (auto& [tid, thread] : threads_) {
    if (!thread.counts_as_under_way || time - thread.call.began < tick_length) continue;
    const CallKind kind = thread.call.kind;
    const bool has_words = kind == CallKind::send || kind == CallKind::connect;
    const SeenSocket* seen =
        has_words ? &sockets_.look(thread.pid, thread.call.fd, thread.call.socket) : nullptr;
    const auto& arguments = thread.call.arguments;
    std::string address;
    std::optional<SocketState> state;
    if (seen != nullptr && kind == CallKind::connect) {
      address = address_at(tid, arguments[1], arguments[2]);
      const Result<Address> parsed = Address::parse(address);
      const bool is_tcp = parsed && seen->protocol == "tcp";
      if (is_tcp) state = sockets_.ask_connecting(*seen, *parsed);
      // On a busy machine the call may not have begun yet.
      constexpr Time asked_again_for = std::chrono::milliseconds(200);
      if (is_tcp && !state && time - thread.call.began < asked_again_for) continue;
    }
    thread.counts_as_under_way = false;
    sequencer_.leave(thread.call.began);
    if (seen == nullptr || seen->protocol.empty()) continue;
    Event event{.kind = EventKind::waiting,
                .at = thread.call.began,
                .pid = thread.pid,
                .tid = tid,
                .call = std::string(thread.call.call->name),
                .fd = thread.call.fd,
                .socket = thread.call.socket,
                .protocol = seen->protocol,
                .local = seen->local.to_string(),
                .peer = seen->peer.to_string()};
    event.address = std::move(address);
    event.states.own = state;
    if (thread.call.call->buffers == Buffers::plain) {
      event.asked = static_cast<std::int64_t>(arguments[2]);
    }
    emit(std::move(event));
  }
}

std::vector<Waiter> Recorder::find_waiters(Time time, bool& any_due) {
  const Time stall = std::chrono::duration_cast<Time>(options_.stall);
  std::vector<Waiter> waiters;
  for (auto& [tid, thread] : threads_) {
    Waiter waiter{.pid = thread.pid, .tid = tid};
    if (thread.in_call) {
      waiter.call = thread.call.call->name;
      waiter.fd = thread.call.fd;
      waiter.socket = thread.call.socket;
      waiter.since = thread.call.began;
      waiter.is_due = !thread.was_told && time - waiter.since >= stall;
      thread.was_told = thread.was_told || waiter.is_due;
      waiters.push_back(waiter);
    }
  }
  for (auto& [pid, process] : processes_) {
    if (process.sockets.empty() || process.was_told || !threads_.contains(pid)) continue;
    if (threads_[pid].in_call || time - process.last_event < stall) continue;
    Waiter waiter{.pid = pid, .tid = pid, .since = process.last_event, .is_due = true};
    waiter.call = waits_for_descriptors(pid);
    if (waiter.call.empty()) continue;
    process.was_told = true;
    waiters.push_back(waiter);
  }
  std::ranges::sort(waiters, {}, &Waiter::since);
  for (const Waiter& waiter : waiters) any_due = any_due || waiter.is_due;
  return waiters;
}

void Recorder::tell_stalls(Time time) {
  if (command_ended_) return;  // the servers are about to be ended
  bool any_due = false;
  const std::vector<Waiter> waiters = find_waiters(time, any_due);
  if (!any_due) return;
  for (Event& event : explain_waiting(waiters, time)) {
    event.at = time;
    // Both have been told.
    for (auto& [tid, thread] : threads_) {
      if (thread.pid == event.other_pid) thread.was_told = true;
    }
    if (event.other_pid != 0) processes_[event.other_pid].was_told = true;
    sequencer_.push(std::move(event));
  }
}

void Recorder::tell_leaks(Time time) {
  const Time stall = std::chrono::duration_cast<Time>(options_.stall);
  for (auto& [pid, process] : processes_) {
    for (const auto& [socket, when] : process.sockets) {
      const SeenSocket* seen = sockets_.find(socket);
      if (seen == nullptr || !seen->pair) continue;
      const Pair& pair = *seen->pair;
      // Since it was used last, or since the FIN came if that was later.
      const Time since = std::max(when, pair.changed[seen->side]);
      if (pair.states[seen->side] != SocketState::close_wait || time - since < stall) continue;
      if (!process.leaks_told.insert(socket).second) continue;
      sequencer_.push({.kind = EventKind::stall,
                       .at = time,
                       .pid = pid,
                       .tid = pid,
                       .text = fmt::format(
                           "the peer has finished, and for {} the program has neither used nor "
                           "closed its end: it stays in CLOSE-WAIT until somebody calls close()",
                           format_duration(time - since)),
                       .socket = socket,
                       .protocol = seen->protocol,
                       .local = seen->local.to_string(),
                       .peer = seen->peer.to_string()});
    }
  }
}

}  // namespace ieum::cli::trace
