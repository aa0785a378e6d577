#include "session/datagram_session.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <ieum/timeout.hpp>

#include "session/socket_settings.hpp"
#include "text/units.hpp"

#include "session/idle_timeout.hpp"

namespace ieum::cli {

namespace {

Framing framing_of(const CommonOptions& options) {
  return options.by_lines || ::isatty(STDIN_FILENO) == 1 ? Framing::lines : Framing::reads;
}

}  // namespace

DatagramSession::DatagramSession(DatagramSocket& socket, LocalStreams& streams,
                                 const CommonOptions& options, Peer peer_mode, EventLog& events,
                                 Interrupt& interrupt)
    : socket_(&socket),
      streams_(streams),
      options_(options),
      peer_mode_(peer_mode),
      events_(events),
      interrupt_(interrupt),
      input_(streams.input, framing_of(options), options.datagram_bytes),
      last_activity_(EventLog::Clock::now()) {}

Task<int> DatagramSession::run() {
  if (peer_mode_ != Peer::connected) events_.waiting_for_datagrams();
  auto body = [this](Group& group) { return run_in(group); };
  co_await with_group(body);
  const std::uint64_t dropped = socket_->counters().dropped;
  for (DatagramSocket& one : further_) {
    if (one.is_open()) co_await one.close();
  }
  if (socket_->is_open()) co_await socket_->close();
  events_.closed(reason_);
  events_.dropped(dropped, true);
  report_losses();
  int status = report_end();
  const Result<> finished = co_await attempt(streams_.output.finish());
  if (!finished) {
    const ErrorContext context{.where = streams_.output.where()};
    status =
        events_.log().failed(explain_failure(Stage::writing_output, finished.error(), context));
  }
  co_return status;
}

Task<> DatagramSession::run_in(Group& group) {
  group.start(receive());
  if (peer_mode_ != Peer::any_sender) group.start(send());
  group.start(watch_interrupt());
  if (options_.session.idle > Duration::zero()) group.start(watch_idle());
  if (streams_.output.is_pipe()) group.start(watch_output());
  co_await until_over();
  group.stop();
}

void DatagramSession::end(EndReason reason) {
  if (reason_ == EndReason::running) reason_ = reason;
  changed_.set();
}

void DatagramSession::end(EndReason reason, Failure failure) {
  if (reason_ == EndReason::running) failure_ = std::move(failure);
  end(reason);
}

void DatagramSession::output_failed(const Error& error) {
  const std::string where = streams_.output.where();
  end(EndReason::output_failed, explain_failure(Stage::writing_output, error, {.where = where}));
}

int DatagramSession::report_end() {
  if (failure_) return events_.log().failed(*failure_);
  if (reason_ == EndReason::interrupted) return report_interrupted(events_, interrupt_);
  if (reason_ != EndReason::idle) return 0;
  return events_.log().failed(
      {Status::timed_out, fmt::format("nothing was received or sent for {} (-i); {}",
                                      format_duration(options_.session.idle), events_.summary())});
}

void report_refused(Log& log, std::uint64_t datagrams) {
  if (datagrams == 0) return;
  log.notice(
      {"refused",
       fmt::format("refused {} datagram{} (--allow, --deny)", datagrams, datagrams == 1 ? "" : "s"),
       {},
       {{"datagrams", datagrams}}});
}

void DatagramSession::report_losses() {
  Log& log = events_.log();
  if (ignored_ > 0) {
    log.notice(
        {"ignored",
         fmt::format("ignored {} datagram{} from others than {}; to receive from everyone, use -k",
                     ignored_, ignored_ == 1 ? "" : "s", peer_.peer.to_string()),
         {},
         {{"datagrams", ignored_}}});
  }
  report_refused(log, refused_);
  if (input_.lines_cut() > 0) {
    log.notice(
        {"lines_cut",
         fmt::format("{} line{} longer than {} bytes were sent as several datagrams; see --size",
                     input_.lines_cut(), input_.lines_cut() == 1 ? "" : "s",
                     options_.datagram_bytes),
         {},
         {{"lines", input_.lines_cut()}}});
  }
}

// ---- Receiving ----------------------------------------------------------------------------------

Task<> DatagramSession::receive() {
  std::vector<std::byte> room(datagram_bytes_max);
  for (;;) {
    const DatagramSocket* const asked = socket_;
    const Result<Datagram> datagram = co_await attempt(socket_->receive(room));
    if (!datagram && asked != socket_) continue;  // another address is tried
    if (!datagram) {
      if (is_refusal(datagram.error())) {
        const bool goes_on = co_await send_to_next(datagram.error());
        if (goes_on) continue;
      }
      if (datagram.error() == std::errc::operation_canceled) co_await fail(datagram.error());
      end(EndReason::broken,
          explain_datagram_failure(datagram.error(), options_.endpoint.to_string()));
      co_return;
    }
    events_.dropped(socket_->counters().dropped);
    const bool goes_on = co_await take(*datagram);
    if (!goes_on) co_return;
  }
}

/// False: our output has failed.
Task<bool> DatagramSession::take(const Datagram& datagram) {
  if (admits_ && !admits_(datagram.peer)) {
    ++refused_;
    co_return true;
  }
  if (!is_from_peer(datagram)) {
    ++ignored_;
    co_return true;
  }
  note_activity();
  others_.clear();  // here is somebody
  remembered_.clear();
  events_.datagram_received(datagram.data.size(), datagram.peer);
  if (datagram.truncated) {
    const std::string who = datagram.peer.to_string();
    events_.log().notice(
        {"truncated",
         fmt::format("a datagram from {} was larger than {} bytes: its end is lost",
                     who.empty() ? "a socket without a name" : who, datagram.data.size()),
         {},
         {{"peer", who}, {"bytes", std::uint64_t{datagram.data.size()}}}});
  }
  is_writing_ = true;
  const Result<> written = co_await attempt(streams_.output.write(Side::received, datagram.data));
  is_writing_ = false;
  note_activity();
  changed_.set();
  if (written) co_return true;
  if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
  output_failed(written.error());
  co_return false;
}

bool DatagramSession::is_from_peer(const Datagram& datagram) {
  if (peer_mode_ != Peer::first_sender) return true;
  // A Unix sender without a name cannot be answered: it is heard, and another one may be the peer.
  if (datagram.peer.family() == Family::none) return !peer_known_.is_set();
  if (peer_known_.is_set()) return datagram.peer == peer_.peer;
  peer_.peer = datagram.peer;
  peer_.local = datagram.local;
  peer_known_.set();
  events_.peer_is(datagram.peer);
  return true;
}

// ---- Sending ------------------------------------------------------------------------------------

Task<> DatagramSession::send() {
  if (peer_mode_ == Peer::first_sender) co_await peer_known_.wait();
  for (;;) {
    const Result<std::optional<ConstBuffer>> piece = co_await attempt(input_.next());
    if (!piece) {
      if (piece.error() == std::errc::operation_canceled) co_await fail(piece.error());
      end(EndReason::input_failed, explain_failure(Stage::reading_input, piece.error()));
      co_return;
    }
    if (!*piece) break;
    ConstBuffer data = **piece;
    if (options_.session.crlf) data = line_ends_.to_crlf(data);
    const bool goes_on = co_await send_piece(data);
    if (!goes_on) co_return;
  }
  events_.input_ended();
  if (options_.session.on_eof == OnEof::close) end(EndReason::input_ended);
  all_sent_ = true;
  note_activity();
  changed_.set();
}

/// False: it failed.
Task<bool> DatagramSession::send_piece(ConstBuffer piece) {
  note_activity();
  peer_.data = piece;
  remember(piece);
  const DatagramSocket* const asked = socket_;
  const Result<> sent = co_await attempt(socket_->send(peer_));
  if (!sent && asked != socket_) co_return true;  // it has gone to another address
  if (!sent) {
    if (is_refusal(sent.error())) {
      const bool goes_on = co_await send_to_next(sent.error());
      if (goes_on) co_return true;
    }
    if (sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
    end(EndReason::broken, explain_datagram_failure(sent.error(), options_.endpoint.to_string()));
    co_return false;
  }
  note_activity();
  const bool has_peer = peer_mode_ == Peer::connected;
  events_.datagram_sent(piece.size(), has_peer ? socket_->peer_address() : peer_.peer);
  if (!streams_.output.shows_both()) co_return true;
  const Result<> shown = co_await attempt(streams_.output.write(Side::sent, piece));
  if (shown) co_return true;
  if (shown.error() == std::errc::operation_canceled) co_await fail(shown.error());
  output_failed(shown.error());
  co_return false;
}

// ---- Another address ----------------------------------------------------------------------------

void DatagramSession::if_refused(std::vector<Address> others, Open open) {
  others_ = std::move(others);
  open_ = std::move(open);
}

bool DatagramSession::is_refusal(const Error& error) noexcept {
  using enum std::errc;
  return error == connection_refused || error == network_unreachable || error == host_unreachable ||
         error == address_not_available || error == address_family_not_supported;
}

void DatagramSession::remember(ConstBuffer piece) {
  if (others_.empty()) return;
  remembered_bytes_ += piece.size();
  if (remembered_bytes_ <= remembered_bytes_max) {
    remembered_.emplace_back(reinterpret_cast<const char*>(piece.data()), piece.size());
    return;
  }
  others_.clear();  // too much to begin anew
  remembered_.clear();
}

/// False: there is none that works, or nothing is known of what has been sent.
Task<bool> DatagramSession::send_to_next(Error error) {
  while (!others_.empty()) {
    events_.attempt_failed(error);
    const Address next = others_.front();
    others_.erase(others_.begin());
    Result<DatagramSocket> socket = co_await attempt(open_(next));
    if (!socket) {
      if (!is_refusal(socket.error())) co_return false;
      error = socket.error();
      continue;
    }
    DatagramSocket* const former = socket_;
    further_.push_back(*std::move(socket));
    socket_ = &further_.back();
    const Result<> closed = co_await attempt(former->close());  // ends a receive that waits for it
    if (!closed && closed.error() == std::errc::operation_canceled) co_await fail(closed.error());
    for (const std::string& text : remembered_) {
      Datagram datagram;
      datagram.data = std::as_bytes(std::span(text));
      const Result<> sent = co_await attempt(socket_->send(datagram));
      if (!sent && sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
    }
    note_activity();
    changed_.set();
    co_return true;
  }
  co_return false;
}

// ---- When it is over ----------------------------------------------------------------------------

Task<> DatagramSession::until_over() {
  for (;;) {
    changed_.reset();
    if (reason_ != EndReason::running) co_return;
    // While our output holds us up, what comes waits in the system's queue: no silence.
    const bool lingers = all_sent_ && !is_writing_ && peer_mode_ == Peer::connected &&
                         options_.session.on_eof != OnEof::keep;
    if (!lingers) {
      co_await changed_.wait();
      continue;
    }
    const Duration silent = EventLog::Clock::now() - last_activity_;
    if (silent >= options_.session.linger) {
      co_await look_once_more();
      const bool came = EventLog::Clock::now() - last_activity_ < options_.session.linger;
      if (!came && !is_writing_) end(EndReason::lingered);
      continue;
    }
    const Result<> changed =
        co_await attempt(with_timeout(options_.session.linger - silent, changed_.wait()));
    if (!changed && changed.error() != std::errc::timed_out) co_await fail(changed.error());
  }
}

Task<> DatagramSession::watch_idle() {
  co_await wait_until_idle(last_activity_, options_.session.idle);
  end(EndReason::idle);
}

Task<> DatagramSession::watch_output() {
  const Result<> gone = co_await attempt(wait_readable(STDOUT_FILENO));
  if (!gone) co_await fail(gone.error());
  output_failed(Error::from_errno(EPIPE, "write"));
}

Task<> DatagramSession::watch_interrupt() {
  co_await interrupt_.raised.wait();
  end(EndReason::interrupted);
}

}  // namespace ieum::cli
