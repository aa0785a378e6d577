#include "listen/datagram_service.hpp"

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "session/datagram_session.hpp"
#include "session/run_session.hpp"
#include "session/socket_settings.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

std::uint64_t bytes_of(std::span<const Datagram> datagrams) {
  std::uint64_t bytes = 0;
  for (const Datagram& datagram : datagrams) bytes += datagram.data.size();
  return bytes;
}

DatagramBatch batch_for(const Endpoint& endpoint) {
  // A Unix socket's queue holds about ten.
  constexpr std::size_t unix_messages_max = 16;
  if (endpoint.is_unix())
    return DatagramBatch(unix_messages_max, DatagramSession::datagram_bytes_max);
  return DatagramBatch(DatagramBatch::messages_max_default, DatagramBatch::message_bytes_max);
}

}  // namespace

DatagramService::DatagramService(DatagramSocket& socket, const ListenCommand& command,
                                 const Access& access, EventLog& events, Interrupt& interrupt)
    : socket_(socket),
      command_(command),
      access_(access),
      events_(events),
      interrupt_(interrupt),
      batch_(batch_for(command.common.endpoint)) {}

Task<int> DatagramService::run() {
  events_.waiting_for_datagrams();
  const Result<> ended = co_await attempt(unless_interrupted(serve(), interrupt_));
  const std::uint64_t dropped = socket_.counters().dropped;
  co_await socket_.close();
  const bool idle = !ended && ended.error() == std::errc::timed_out;
  events_.closed(interrupt_.is_raised() ? EndReason::interrupted
                 : idle                 ? EndReason::idle
                                        : EndReason::broken);
  Log& log = events_.log();
  events_.dropped(dropped, true);
  if (ignored_ > 0) {
    log.notice({"ignored",
                fmt::format("ignored {} datagrams from others than {}; to serve everyone, use -k",
                            ignored_, only_peer_->to_string()),
                {},
                {{"datagrams", ignored_}}});
  }
  report_refused(log, refused_);
  if (too_large_ > 0) {
    log.notice({"too_large",
                fmt::format("{} datagram{} larger than {} bytes got no answer", too_large_,
                            too_large_ == 1 ? "" : "s", DatagramSession::datagram_bytes_max),
                {},
                {{"datagrams", too_large_}}});
  }
  if (unanswered_ > 0) {
    log.notice({"unanswered",
                fmt::format("{} answers could not be sent", unanswered_),
                {},
                {{"datagrams", unanswered_}}});
  }
  if (interrupt_.is_raised()) co_return report_interrupted(events_, interrupt_);
  if (idle) {
    co_return log.failed(
        {Status::timed_out,
         fmt::format("nothing was received for {} (-i); {}",
                     format_duration(command_.common.session.idle), events_.summary())});
  }
  co_return log.failed(
      explain_datagram_failure(ended.error(), command_.common.endpoint.to_string()));
}

Task<> DatagramService::serve() {
  const Duration idle = command_.common.session.idle;
  for (;;) {
    if (idle > Duration::zero()) {
      co_await with_timeout(idle, socket_.receive(batch_));
    } else {
      co_await socket_.receive(batch_);
    }
    events_.dropped(socket_.counters().dropped);
    const std::span<const Datagram> datagrams = served();
    events_.datagrams_received(datagrams.size(), bytes_of(datagrams));
    if (command_.service == ListenCommand::Service::echo) co_await answer(datagrams);
  }
}

/// Of the batch, what is not ignored.
std::span<const Datagram> DatagramService::served() {
  chosen_.clear();
  for (const Datagram& datagram : batch_.datagrams()) {
    if (!access_.admits(datagram.peer)) {
      ++refused_;
      continue;
    }
    if (!command_.keep && !only_peer_) {
      only_peer_ = datagram.peer;
      events_.peer_is(*only_peer_);
    }
    if (command_.keep || datagram.peer == *only_peer_) {
      chosen_.push_back(datagram);
    } else {
      ++ignored_;
    }
  }
  return chosen_;
}

Task<> DatagramService::answer(std::span<const Datagram> datagrams) {
  while (!datagrams.empty()) {
    // A part is no echo. (Only Unix sockets carry such, and of those each is sent by itself.)
    if (datagrams.front().truncated) {
      ++too_large_;
      datagrams = datagrams.subspan(1);
      continue;
    }
    const Result<std::size_t> sent = co_await attempt(send(datagrams));
    if (sent) {
      events_.datagrams_sent(*sent, bytes_of(datagrams.first(*sent)));
      datagrams = datagrams.subspan(*sent);
      continue;
    }
    if (sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
    // No way back to this one, or a Unix socket without a name: the others are still served.
    ++unanswered_;
    datagrams = datagrams.subspan(1);
  }
}

/// How many of them have gone, at least one.
Task<std::size_t> DatagramService::send(std::span<const Datagram> datagrams) {
  if (!command_.common.endpoint.is_unix()) {
    const std::size_t sent = co_await socket_.send(datagrams);
    co_return sent;
  }
  // Of a Unix peer each waits until it has room: one at a time, so that none is sent twice.
  co_await with_timeout(answer_max, socket_.send(datagrams.front()));
  co_return 1;
}

}  // namespace ieum::cli
