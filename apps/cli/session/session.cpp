#include "session/session.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include <ieum/descriptor.hpp>
#include <ieum/timeout.hpp>

#include "session/idle_timeout.hpp"
#include "session/stall_watch.hpp"

namespace ieum::cli {

OnEof resolve_on_eof(OnEof on_eof, bool listens) {
  if (on_eof != OnEof::automatic) return on_eof;
  struct stat status{};
  // Where nothing was to be said, the peer has nothing to learn from our end, and might take it for
  // the end of all. A client says it all the same: servers wait for it.
  const bool nothing = ::fstat(STDIN_FILENO, &status) == 0 && S_ISCHR(status.st_mode) &&
                       status.st_rdev == makedev(1, 3);
  return listens && nothing ? OnEof::keep : OnEof::half_close;
}

Session::Session(Connection& connection, DescriptorStream& input, Output& output, EventLog& events,
                 Interrupt& interrupt, const SessionOptions& options)
    : connection_(connection),
      peer_(connection.stream()),
      input_(input),
      output_(output),
      events_(events),
      interrupt_(interrupt),
      options_(options),
      input_is_terminal_(::isatty(STDIN_FILENO) == 1),
      last_activity_(EventLog::Clock::now()) {}

Task<SessionEnd> Session::run() {
  auto body = [this](Group& group) { return run_in(group); };
  co_await with_group(body);
  const bool well = end_.reason == EndReason::both_finished ||
                    end_.reason == EndReason::peer_finished ||
                    end_.reason == EndReason::input_ended;
  if (well) co_await wait_for_arrival();
  const Result<> closed = co_await attempt(peer_.close());
  if (!closed && well && end_.reason != EndReason::broken) {
    end(EndReason::broken, Stage::sending, closed.error());
  }
  events_.closed(end_.reason);
  co_return end_;
}

Task<> Session::run_in(Group& group) {
  group.start(send_side());
  group.start(receive());
  group.start(watch_interrupt());
  if (options_.idle > Duration::zero()) group.start(watch_idle());
  if (output_.is_pipe()) group.start(watch_output());
  if (events_.log().reports_events()) group.start(watch_stalls(connection_.socket(), events_));
  co_await until_over();
  group.stop();
}

void Session::end(EndReason reason) {
  if (end_.reason == EndReason::running) end_.reason = reason;
  changed_.set();
}

void Session::end(EndReason reason, Stage stage, const Error& error) {
  if (!end_.error) {
    end_.reason = reason;
    end_.stage = stage;
    end_.error = error;
  }
  changed_.set();
}

// ---- Sending ------------------------------------------------------------------------------------

Task<> Session::send_side() {
  struct Forget {
    Group*& group;
    ~Forget() { group = nullptr; }
  };
  const Forget forget{sending_};
  auto body = [this](Group& group) { return send_in(group); };
  co_await with_group(body);  // of its own, so that an interruption can stop this side alone
}

Task<> Session::send_in(Group& group) {
  sending_ = &group;
  group.start(send());
  co_return;
}

Task<> Session::send() {
  std::vector<std::byte> buffer(buffer_bytes);
  for (;;) {
    waits_for_input_ = true;
    const Result<std::size_t> count = co_await attempt(input_.read_some(buffer));
    waits_for_input_ = false;
    ++inputs_;
    if (!count) {
      if (count.error() == std::errc::operation_canceled) co_await fail(count.error());
      end(EndReason::input_failed, Stage::reading_input, count.error());
      co_return;
    }
    if (*count == 0) break;
    note_activity();
    ConstBuffer data = ConstBuffer(buffer).first(*count);
    if (options_.crlf) data = line_ends_.to_crlf(data);
    const Result<> sent = co_await attempt(send_all(data));
    if (sent) continue;
    if (sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
    if (end_.error) co_return;  // it was our output that failed
    // What the peer has sent before is still to be received.
    send_error_ = sent.error();
    events_.broken(sent.error());
    all_sent_ = true;
    changed_.set();
    co_return;
  }
  co_await finish_sending();
}

Task<> Session::send_all(ConstBuffer data) {
  while (!data.empty()) {
    const std::size_t count = co_await peer_.write_some(data);
    note_activity();
    events_.sent(count);
    if (output_.shows_both()) {
      const Result<> shown = co_await attempt(output_.write(Side::sent, data.first(count)));
      if (!shown) {
        if (shown.error() != std::errc::operation_canceled) {
          end(EndReason::output_failed, Stage::writing_output, shown.error());
        }
        co_await fail(shown.error());
      }
    }
    data = data.subspan(count);
  }
}

Task<> Session::finish_sending() {
  events_.input_ended();
  if (options_.on_eof == OnEof::close) end(EndReason::input_ended);
  if (options_.on_eof == OnEof::half_close) {
    const Result<> shut_down = co_await attempt(peer_.shutdown_write());
    if (shut_down) events_.half_closed();  // else it has broken, as receiving will show
    shutdown_sent_ = true;
  }
  all_sent_ = true;
  changed_.set();
}

// ---- Receiving ----------------------------------------------------------------------------------

Task<> Session::receive() {
  std::vector<std::byte> buffer(buffer_bytes);
  for (;;) {
    const Result<std::size_t> count = co_await attempt(peer_.read_some(buffer));
    if (!count) {
      if (count.error() == std::errc::operation_canceled) co_await fail(count.error());
      events_.broken(count.error());
      end(EndReason::broken, Stage::receiving, count.error());
      co_return;
    }
    note_activity();
    if (*count == 0) break;
    events_.received(*count);
    const ConstBuffer data = ConstBuffer(buffer).first(*count);
    const Result<> written = co_await attempt(output_.write(Side::received, data));
    if (!written) {
      if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
      end(EndReason::output_failed, Stage::writing_output, written.error());
      co_return;
    }
    note_activity();
  }
  events_.peer_finished();
  all_received_.set();
  changed_.set();
}

// ---- When it is over ----------------------------------------------------------------------------

Task<> Session::until_over() {
  // One looks at a terminal again soon: it may just have been waiting for the peer.
  const Duration pause = input_is_terminal_ ? std::chrono::milliseconds(20) : options_.linger;
  for (;;) {
    changed_.reset();
    if (end_.reason != EndReason::running) co_return;
    if (!all_received_.is_set()) {
      co_await changed_.wait();
      continue;
    }
    if (all_sent_) {
      if (send_error_) {
        end(EndReason::broken, Stage::sending, *send_error_);
      } else {
        end(EndReason::both_finished);
      }
      co_return;
    }
    const std::uint64_t before = inputs_;
    if (!input_is_terminal_ || !waits_for_input_) {
      const Result<> changed = co_await attempt(with_timeout(pause, changed_.wait()));
      if (changed) continue;
      if (changed.error() != std::errc::timed_out) co_await fail(changed.error());
      co_await look_once_more();
    }
    if (waits_for_input_ && inputs_ == before) {
      end_.input_was_open = inputs_ > 0 && !input_is_terminal_;
      end(EndReason::peer_finished);
    }
  }
}

Task<> Session::watch_idle() {
  co_await wait_until_idle(last_activity_, options_.idle);
  end(EndReason::idle);
}

Task<> Session::watch_output() {
  // A pipe's write end becomes readable in one case only: its reader has gone.
  Result<> gone;
  if (output_.shows_both()) {
    gone = co_await attempt(wait_readable(STDOUT_FILENO));
  } else {
    auto first = co_await race(attempt(wait_readable(STDOUT_FILENO)), all_received_.wait());
    if (first.index() == 1) {
      // Its reader need not wait for our own end: it may be what gives us our input.
      co_await output_.shutdown();
      co_return;
    }
    gone = std::get<0>(first);
  }
  if (!gone) co_await fail(gone.error());
  end(EndReason::output_failed, Stage::writing_output, Error::from_errno(EPIPE, "write"));
}

Task<> Session::watch_interrupt() {
  co_await interrupt_.raised.wait();
  events_.interrupted("closing");
  if (sending_ != nullptr) sending_->stop();
  const Result<> shut_down = co_await attempt(peer_.shutdown_write());
  if (shut_down && !shutdown_sent_) events_.half_closed();
  const Result<> heard = co_await attempt(with_timeout(interrupt_grace, all_received_.wait()));
  if (!heard && heard.error() == std::errc::operation_canceled) co_await fail(heard.error());
  end(EndReason::interrupted);
}

/// Until the peer's machine has acknowledged all that was sent: what breaks before that is
/// reported.
Task<> Session::wait_for_arrival() {
  if (shutdown_sent_) {
    co_await wait_acknowledged();
    co_return;
  }
  // TLS's farewell is data to the system: a peer that has closed already answers it with a reset,
  // which says nothing of what was sent before.
  if (connection_.has_tls()) co_await wait_acknowledged();
  const Result<> shut_down = co_await attempt(peer_.shutdown_write());
  if (shut_down) events_.half_closed();
  if (!connection_.has_tls()) co_await wait_acknowledged();
}

Task<> Session::wait_acknowledged() {
  if (!peer_.peer_address().is_ip()) co_return;
  const Result<> arrived =
      co_await attempt(with_timeout(arrival_max, connection_.socket().wait_acknowledged()));
  if (arrived || arrived.error() == std::errc::timed_out) co_return;  // the system goes on sending
  events_.broken(arrived.error());
  end(EndReason::broken, Stage::sending, arrived.error());
}

}  // namespace ieum::cli
