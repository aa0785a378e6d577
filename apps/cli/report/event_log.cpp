#include "report/event_log.hpp"

#include <utility>

#include <fmt/format.h>

#include <ieum/runtime.hpp>

#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

std::string_view kind_of(const Address& address) {
  return address.is_unix()                  ? "Unix stream"
         : address.family() == Family::ipv6 ? "TCP (IPv6)"
                                            : "TCP (IPv4)";
}

std::string_view domain_of(const Address& address) {
  return address.is_unix() ? "AF_UNIX" : address.family() == Family::ipv6 ? "AF_INET6" : "AF_INET";
}

std::string name_of(const Address& address) {
  return address.family() == Family::none || address.to_string().empty() ? "a socket without a name"
                                                                         : address.to_string();
}

std::string_view name_of(Stall::Cause cause) noexcept {
  switch (cause) {
    case Stall::Cause::connecting: return "connecting";
    case Stall::Cause::retransmitting: return "retransmitting";
    case Stall::Cause::peer_does_not_read: return "peer_does_not_read";
    case Stall::Cause::we_do_not_read: return "we_do_not_read";
    case Stall::Cause::neither_reads: return "neither_reads";
    case Stall::Cause::nagle: return "nagle";
    case Stall::Cause::cork: return "cork";
    default: return "other";
  }
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

bool runs_on_ring() {
  const Result<Runtime*> runtime = Runtime::of_this_thread();
  return runtime && std::string_view((*runtime)->driver_name()) == "io_uring";
}

}  // namespace

std::string_view to_string(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::running: return "it still ran";
    case EndReason::both_finished: return "both sides had finished";
    case EndReason::client_finished: return "the client had finished";
    case EndReason::probed: return "something listens there (-z)";
    case EndReason::input_ended: return "standard input had ended (--on-eof=close)";
    case EndReason::peer_finished: return "the peer had finished, and standard input was silent";
    case EndReason::command_ended: return "the command had ended";
    case EndReason::idle: return "nothing was received or sent (-i)";
    case EndReason::interrupted: return "it was interrupted";
    case EndReason::input_failed: return "standard input failed";
    case EndReason::output_failed: return "the output failed";
    case EndReason::broken: return "the connection broke";
    case EndReason::lingered: return "standard input had ended, and nothing more came (--linger)";
    case EndReason::other_end_failed: return "the other end could not be opened";
    case EndReason::bye: return "the sender has ended (RTCP BYE)";
    case EndReason::too_slow: return "the client did not read what it was sent";
  }
  return {};
}

EventLog::EventLog(Log& log) : log_(&log), has_ring_(runs_on_ring()), began_(Clock::now()) {}

EventLog::EventLog(Log& log, std::uint64_t number, const Address& peer) : EventLog(log) {
  number_ = number;
  if (!log.reports_events()) return;
  // A Unix client has no name, so the number tells clients apart; an address says who it is.
  label_ =
      peer.is_ip() ? fmt::format("{} {}", number, peer.to_string()) : fmt::format("{}", number);
}

EventLog::EventLog(Log& log, std::uint64_t number, std::string end) : EventLog(log) {
  number_ = number;
  end_ = std::move(end);
  if (!log.reports_events()) return;
  label_ = number == 0 ? shown(end_) : fmt::format("{} {}", number, shown(end_));
}

std::string EventLog::call(std::string_view on_kernel, std::string_view in_ring) const {
  return std::string(has_ring_ ? in_ring : on_kernel);
}

void EventLog::report(LogEvent event) {
  // First, so that the lines of one connection are found by their beginning.
  if (!end_.empty()) event.fields.insert(event.fields.begin(), Field{"end", end_});
  if (number_ != 0) event.fields.insert(event.fields.begin(), Field{"connection", number_});
  log_->event(event, label_);
}

void EventLog::created(const Address& address) {
  if (!log_->reports_events()) return;
  report({"created",
          fmt::format("created a {} socket", kind_of(address)),
          fmt::format("socket({}, SOCK_STREAM, 0)", domain_of(address)),
          {{"kind", std::string(address.is_unix() ? "unix" : "tcp")}}});
}

void EventLog::bound(const Address& address) {
  if (!log_->reports_events()) return;
  report({"bound", "bound to " + name_of(address), "bind(2)", {{"local", address.to_string()}}});
}

void EventLog::listening(const Address& address, int backlog) {
  if (!log_->reports_events()) return;
  report({"listening",
          fmt::format("listening on {} with a backlog of {}", name_of(address), backlog),
          fmt::format("listen(fd, {})", backlog),
          {{"local", address.to_string()}, {"backlog", static_cast<std::uint64_t>(backlog)}}});
}

void EventLog::waiting_for_client() {
  if (!log_->reports_events()) return;
  report({"waiting", "waiting for a client", call("accept4(2)", "IORING_OP_ACCEPT"), {}});
}

void EventLog::resolved(std::span<const Address> addresses) {
  // From here on a failed attempt need not be the end: another address may still connect.
  tries_several_ = true;
  if (!log_->reports_events()) return;
  std::vector<std::string> all;
  for (const Address& address : addresses) all.push_back(address.to_string());
  report({"resolved",
          fmt::format("resolved to {}", fmt::join(all, ", ")),
          "c-ares: /etc/hosts, then DNS",
          {{"addresses", all}}});
}

void EventLog::connecting(const Address& to) {
  if (!log_->reports_events()) return;
  // Each attempt has a socket of its own, which has just been created, and bound to a source.
  created(to);
  if (source_.family() != Family::none) bound(source_);
  report({"connecting",
          "connecting to " + name_of(to),
          call("connect(2)", "IORING_OP_CONNECT"),
          {{"peer", to.to_string()}}});
}

void EventLog::attempt_failed(const Error& error) {
  // Of the only attempt, it is what the command fails with.
  if (!log_->reports_events() || !tries_several_) return;
  report({"attempt_failed",
          error.to_string(),
          {},
          {{"peer", error.address().to_string()}, {"message", error.code().message()}}});
}

void EventLog::connected(const Address& local, const Address& peer) {
  const Duration took = age();  // with name lookup and failed attempts: what the user waited for
  if (!log_->reports_events()) return;
  report({"connected",
          fmt::format("connected from {} to {} in {}", name_of(local), name_of(peer),
                      format_duration(took)),
          call("connect(2) = 0", "IORING_OP_CONNECT = 0"),
          {{"local", local.to_string()}, {"peer", peer.to_string()}, {"seconds", seconds(took)}}});
}

void EventLog::retrying(const Error& error, int left, Duration pause) {
  if (!log_->reports_events()) return;
  report({"retrying",
          fmt::format("{}; trying again in {}, {} time{} at most", error.to_string(),
                      format_duration(pause), left, left == 1 ? "" : "s"),
          {},
          {{"message", error.to_string()}, {"left", static_cast<std::uint64_t>(left)}}});
}

void EventLog::proxied(std::string_view proxy, std::string_view target) {
  if (!log_->reports_events()) return;
  report({"proxied",
          fmt::format("{} has connected to {}", proxy, target),
          {},
          {{"proxy", std::string(proxy)}, {"target", std::string(target)}}});
}

void EventLog::accepted(const Address& local, const Address& peer) {
  began_ = Clock::now();  // the wait for a client is no part of its connection
  if (!log_->reports_events()) return;
  report({"accepted",
          fmt::format("accepted: connected from {} to {}", name_of(peer), name_of(local)),
          call("accept4(2)", "IORING_OP_ACCEPT"),
          {{"local", local.to_string()}, {"peer", peer.to_string()}}});
}

void EventLog::refused(const Address& peer) {
  if (!log_->reports_events()) return;
  report({"refused",
          fmt::format("refused {} (--allow, --deny)", name_of(peer)),
          {},
          {{"peer", peer.to_string()}}});
}

void EventLog::taken_over(std::string_view what) {
  if (!log_->reports_events()) return;
  report({"taken_over",
          fmt::format("took over {}", what),
          "getsockopt(SO_TYPE)",
          {{"from", std::string(what)}}});
}

void EventLog::opened(std::string_view what) {
  if (!log_->reports_events()) return;
  report(
      {"opened", fmt::format("opened {}", shown(what)), "open(2)", {{"path", std::string(what)}}});
}

void EventLog::option_set(std::string_view name, std::string_view value) {
  if (!log_->reports_events()) return;
  report({"option_set",
          fmt::format("set {} to {}", name, value),
          "setsockopt(2)",
          {{"option", std::string(name)}, {"value", std::string(value)}}});
}

void EventLog::sent(std::size_t bytes) {
  sent_ += bytes;  // also without -v: the summary of a failure needs it
  if (!log_->reports_transfers()) return;
  report({"sent",
          fmt::format("sent {}", format_bytes(bytes)),
          call("send(2)", "IORING_OP_SEND"),
          {{"bytes", std::uint64_t{bytes}}}});
}

void EventLog::received(std::size_t bytes) {
  received_ += bytes;
  if (!log_->reports_transfers()) return;
  report({"received",
          fmt::format("received {}", format_bytes(bytes)),
          call("recv(2)", "IORING_OP_RECV"),
          {{"bytes", std::uint64_t{bytes}}}});
}

void EventLog::input_ended() {
  if (!log_->reports_events()) return;
  report({"input_ended", "standard input has ended", "read(2) = 0", {}});
}

void EventLog::half_closed() {
  if (!log_->reports_events()) return;
  report({"half_closed", "half-closed: nothing more will be sent", "shutdown(fd, SHUT_WR)", {}});
}

void EventLog::peer_finished() {
  if (!log_->reports_events()) return;
  report({"peer_finished",
          "peer finished: nothing more will come",
          call("recv(2) = 0", "IORING_OP_RECV = 0"),
          {}});
}

void EventLog::broken(const Error& error) {
  if (!log_->reports_events()) return;
  // A reset is the peer's doing, and scripts look for it; other breaks are the network's.
  const bool reset = error == std::errc::connection_reset;
  report({reset ? "reset" : "broken",
          reset ? std::string("reset by the peer") : error.to_string(),
          {},
          {{"message", error.code().message()}}});
}

void EventLog::stalled(const Stall& stall) {
  if (!log_->reports_events()) return;
  report({"stalled",
          stall.sentence,
          "getsockopt(TCP_INFO)",
          {{"cause", std::string(name_of(stall.cause))}, {"message", stall.sentence}}});
}

void EventLog::interrupted(std::string_view what_now) {
  if (!log_->reports_events()) return;
  report({"interrupted",
          fmt::format("interrupted: {}; a second interrupt exits at once", what_now),
          "sigaction(2)",
          {}});
}

void EventLog::command_started(std::string_view command, int pid) {
  if (!log_->reports_events()) return;
  report({"command_started",
          fmt::format("started {} (pid {})", in_quotes(command), pid),
          "posix_spawnp(3)",
          {{"command", std::string(command)}, {"pid", static_cast<std::uint64_t>(pid)}}});
}

void EventLog::command_ended(const ExitStatus& status) {
  if (!log_->reports_events()) return;
  report({"command_ended",
          "the command " + status.to_string(),
          "waitid(2)",
          {{"code", static_cast<std::uint64_t>(status.code)},
           {"signal", static_cast<std::uint64_t>(status.signal)}}});
}

std::string EventLog::summary() const {
  if (has_datagrams_) return datagram_summary();
  return fmt::format("{} sent, {} received in {}", format_bytes(sent_), format_bytes(received_),
                     format_duration(age()));
}

void EventLog::closed(EndReason reason) {
  if (!log_->reports_events()) return;
  LogEvent event{"closed",
                 fmt::format("closed: {}; {}", summary(), to_string(reason)),
                 call("close(2)", "IORING_OP_CLOSE"),
                 {{"sent", sent_},
                  {"received", received_},
                  {"seconds", seconds(age())},
                  {"reason", std::string(to_string(reason))}}};
  if (has_datagrams_) {
    event.fields.emplace_back("datagrams_sent", datagrams_sent_);
    event.fields.emplace_back("datagrams_received", datagrams_received_);
  }
  report(std::move(event));
}

void EventLog::stopped_listening() {
  if (!log_->reports_events()) return;
  report({"stopped_listening", "stopped listening", call("close(2)", "IORING_OP_CLOSE"), {}});
}

}  // namespace ieum::cli
