#include "cast/cast_receiver.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/socket_settings.hpp"
#include "text/units.hpp"

namespace ieum::cli {

CastReceiver::CastReceiver(const CastCommand& command, DatagramSocket data, DatagramSocket control,
                           LocalStreams& streams, EventLog& events, Interrupt& interrupt)
    : command_(command),
      socket_(std::move(data)),
      control_(std::move(control)),
      streams_(streams),
      events_(events),
      interrupt_(interrupt),
      shows_live_(!command.common.log.json && ::isatty(STDERR_FILENO) == 1 &&
                  (::isatty(STDOUT_FILENO) == 0 || !command.common.output_path.empty())),
      batch_(DatagramBatch::messages_max_default, DatagramBatch::message_bytes_max),
      last_arrival_(Clock::now()) {}

Task<int> CastReceiver::run() {
  events_.waiting_for_datagrams();
  auto body = [this](Group& group) { return run_in(group); };
  co_await with_group(body);
  const int status = co_await finish();
  co_return status;
}

Task<> CastReceiver::run_in(Group& group) {
  // The writer ends of itself, once all that has come is written.
  group.start(write());
  group.start(watch_interrupt());
  auto body = [this](Group& receivers) { return receive_in(receivers); };
  co_await with_group(body);
  rtp_.flush(ready_);
  queue_ready();
  all_queued_ = true;
  queue_changed_.set();
  co_await race(all_written_.wait(), interrupt_.raised.wait());
  if (interrupt_.is_raised() && !all_written_.is_set()) {
    // Whoever reads our output may do so no more.
    const Result<> written = co_await attempt(with_timeout(output_grace, all_written_.wait()));
    if (!written && written.error() == std::errc::operation_canceled) {
      co_await fail(written.error());
    }
    if (!written) reason_ = EndReason::interrupted;
  }
  group.stop();
}

Task<> CastReceiver::receive_in(Group& group) {
  group.start(receive());
  if (control_.is_open()) group.start(receive_control());
  group.start(watch_time());
  if (streams_.output.is_pipe()) group.start(watch_output());
  co_await over_.wait();
  group.stop();
}

void CastReceiver::end(EndReason reason) {
  if (reason_ == EndReason::running) reason_ = reason;
  over_.set();
}

void CastReceiver::fail_with(Failure failure) {
  // Also after the end: what could not be written then is missing all the same.
  if (!failure_) failure_ = std::move(failure);
  reason_ = EndReason::broken;
  over_.set();
}

// ---- Receiving ----------------------------------------------------------------------------------

Task<> CastReceiver::receive() {
  for (;;) {
    const Result<std::size_t> count = co_await attempt(socket_.receive(batch_));
    if (!count) {
      if (count.error() == std::errc::operation_canceled) co_await fail(count.error());
      fail_with(explain_datagram_failure(count.error(), command_.common.endpoint.to_string()));
      co_return;
    }
    last_arrival_ = Clock::now();
    events_.dropped(socket_.counters().dropped);
    take_batch();
    co_await give_out();
  }
}

void CastReceiver::take_batch() {
  std::uint64_t bytes = 0;
  for (const Datagram& datagram : batch_) {
    bytes += datagram.data.size();
    if (command_.rtp) {
      rtp_.take(datagram.data, datagram.received_at, ready_);
      continue;
    }
    ready_.insert(ready_.end(), datagram.data.begin(), datagram.data.end());
    // A rendering shows each by itself, and those that are empty.
    if (command_.common.rendering.hex) queue(std::exchange(ready_, {}));
  }
  packets_ += batch_.size();
  bytes_ += bytes;
  events_.datagrams_received(batch_.size(), bytes);
}

/// Gives the writer what is ready; waits while it is far behind.
Task<> CastReceiver::give_out() {
  queue_ready();
  while (queue_.bytes() >= queue_bytes_max) {
    queue_room_.reset();
    is_held_up_ = true;
    co_await queue_room_.wait();
  }
  is_held_up_ = false;
}

void CastReceiver::queue(std::vector<std::byte> chunk) {
  queue_.push(std::move(chunk));
  queue_changed_.set();
}

void CastReceiver::queue_ready() {
  if (!ready_.empty()) queue(std::exchange(ready_, {}));
}

Task<> CastReceiver::receive_control() {
  std::vector<std::byte> room(Datagram::bytes_max);
  for (;;) {
    const Result<Datagram> datagram = co_await attempt(control_.receive(room));
    if (datagram) {
      rtp_.take_control(datagram->data);
    } else if (datagram.error() == std::errc::operation_canceled) {
      co_await fail(datagram.error());
    }
  }
}

Task<> CastReceiver::write() {
  for (;;) {
    queue_changed_.reset();
    if (queue_.empty()) {
      if (all_queued_) break;
      co_await queue_changed_.wait();
      continue;
    }
    const Result<> written =
        co_await attempt(streams_.output.write(Side::received, queue_.front()));
    queue_.pop();
    queue_room_.set();
    if (written) continue;
    if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
    const std::string where = streams_.output.where();
    fail_with(explain_failure(Stage::writing_output, written.error(), {.where = where}));
    break;
  }
  all_written_.set();
}

// ---- When it is over ----------------------------------------------------------------------------

Task<> CastReceiver::watch_time() {
  const Duration idle = command_.common.session.idle;
  Clock::time_point shown = Clock::now();
  for (;;) {
    co_await sleep(tick);
    co_await yield();  // what has come while we were held up is taken first
    if (command_.rtp) {
      rtp_.expire(std::chrono::system_clock::now(), ready_);
      queue_ready();
    }
    const Clock::time_point now = Clock::now();
    if (is_held_up_) last_arrival_ = now;  // what comes meanwhile waits in the system's queue
    if (shows_live_ && now - shown >= live_interval) {
      shown = now;
      show_live();
    }
    const Duration silent = now - last_arrival_;
    if (rtp_.source_left() && silent >= bye_linger) end(EndReason::bye);
    if (idle > Duration::zero() && silent >= idle) end(EndReason::idle);
  }
}

Task<> CastReceiver::watch_interrupt() {
  co_await interrupt_.raised.wait();
  end(EndReason::interrupted);
}

Task<> CastReceiver::watch_output() {
  const Result<> gone = co_await attempt(wait_readable(STDOUT_FILENO));
  if (!gone) co_await fail(gone.error());
  const std::string where = streams_.output.where();
  fail_with(
      explain_failure(Stage::writing_output, Error::from_errno(EPIPE, "write"), {.where = where}));
}

// ---- What is reported ---------------------------------------------------------------------------

std::string CastReceiver::report_text() const {
  const std::uint64_t dropped = socket_.counters().dropped;
  if (!command_.rtp) {
    return fmt::format("{} datagram{}, {} in {}; {} dropped by this machine", packets_,
                       packets_ == 1 ? "" : "s", format_bytes(bytes_),
                       format_duration(events_.age()), dropped);
  }
  const RtpReport report = rtp_.report();
  const std::uint64_t expected = report.counts.packets + report.counts.lost;
  const double share = expected == 0 ? 0
                                     : 100.0 * static_cast<double>(report.counts.lost) /
                                           static_cast<double>(expected);
  return fmt::format(
      "{} packet{}, {} in {}; {} lost ({:.3g} %), {} duplicate{}, {} reordered, jitter {:.3g} ms; "
      "{} dropped by this machine",
      report.counts.packets, report.counts.packets == 1 ? "" : "s", format_bytes(report.bytes),
      format_duration(events_.age()), report.counts.lost, share, report.counts.duplicates,
      report.counts.duplicates == 1 ? "" : "s", report.counts.reordered, report.counts.jitter * 1e3,
      dropped);
}

/// One line that is written over every time.
void CastReceiver::show_live() const {
  std::fprintf(stderr, "\r\x1b[K%s\r", report_text().c_str());
  std::fflush(stderr);
}

void CastReceiver::log_report() const {
  if (shows_live_) std::fprintf(stderr, "\r\x1b[K");
  LogEvent event{"cast_report", "received " + report_text()};
  event.fields.emplace_back("packets", command_.rtp ? rtp_.report().counts.packets : packets_);
  event.fields.emplace_back("bytes", command_.rtp ? rtp_.report().bytes : bytes_);
  event.fields.emplace_back("dropped", socket_.counters().dropped);
  if (command_.rtp) {
    const RtpReport report = rtp_.report();
    event.fields.emplace_back("lost", report.counts.lost);
    event.fields.emplace_back("duplicates", report.counts.duplicates);
    event.fields.emplace_back("reordered", report.counts.reordered);
    event.fields.emplace_back("jitter_seconds", report.counts.jitter);
    event.fields.emplace_back("too_late", report.too_late);
    event.fields.emplace_back("foreign", report.foreign);
    event.fields.emplace_back("invalid", report.invalid);
    event.fields.emplace_back("sources", std::uint64_t{report.sources});
    if (report.too_late + report.foreign + report.invalid > 0) {
      event.sentence +=
          fmt::format("; left out: {} too late, {} of another source or astray, {} no RTP",
                      report.too_late, report.foreign, report.invalid);
    }
  }
  events_.log().notice(event);
}

Task<int> CastReceiver::finish() {
  log_report();
  if (control_.is_open()) co_await control_.close();
  co_await socket_.close();
  events_.closed(reason_);
  int status = 0;
  Log& log = events_.log();
  if (failure_) {
    status = log.failed(*failure_);
  } else if (reason_ == EndReason::interrupted) {
    status = report_interrupted(events_, interrupt_);
  } else if (reason_ == EndReason::idle) {
    status =
        log.failed({Status::timed_out, fmt::format("nothing was received for {} (-i)",
                                                   format_duration(command_.common.session.idle))});
  }
  const Result<> finished = co_await attempt(streams_.output.finish());
  if (finished) co_return status;
  const ErrorContext context{.where = streams_.output.where()};
  co_return log.failed(explain_failure(Stage::writing_output, finished.error(), context));
}

// ---- Opening ------------------------------------------------------------------------------------

namespace {

Task<DatagramSocket> open_receiver(const CastCommand& command, const Address& address,
                                   std::uint32_t interface, EventLog& events) {
  constexpr int receive_buffer_bytes = 4 << 20;  // a burst; the system cuts it to what it allows
  const Endpoint& endpoint = command.common.endpoint;
  DatagramOptions options = datagram_options(command.common);
  options.reuse_address = true;  // several receivers on this host
  options.receive_time = command.rtp;
  if (options.receive_buffer_bytes == 0) options.receive_buffer_bytes = receive_buffer_bytes;
  Result<DatagramSocket> bound = DatagramSocket::bind(address, options);
  if (!bound) co_await fail_to_bind(bound.error(), address, &find_datagram_port_owner);
  DatagramSocket socket = *std::move(bound);
  events.datagram_socket(socket.address());
  if (endpoint.scheme != Scheme::multicast) co_return socket;
  Membership membership;
  membership.group = address;
  membership.interface = interface;
  const std::string_view source = endpoint.text_setting(Key::source);
  if (!source.empty()) membership.source = parse_source(source).value_or(Address{});
  co_await socket.join(membership);
  std::string joined = address.to_string();
  if (interface != 0) joined.append(" by ").append(endpoint.text_setting(Key::interface));
  if (!source.empty()) joined.append(" from ").append(source);
  events.joined(joined);
  co_return socket;
}

Task<std::unique_ptr<CastReceiver>> make_receiver(const CastCommand& command, LocalStreams& streams,
                                                  EventLog& events, Interrupt& interrupt) {
  const Address found = co_await resolve_endpoint(command.common, "open");
  const std::uint32_t interface = co_await cast_interface(command.common.endpoint);
  const Address at = with_port(found, found.port(), interface);
  DatagramSocket control;
  if (command.rtp) {
    const Address control_at = with_port(found, found.port() + 1, interface);
    control = co_await open_receiver(command, control_at, interface, events);
  }
  DatagramSocket data = co_await open_receiver(command, at, interface, events);
  co_return std::make_unique<CastReceiver>(command, std::move(data), std::move(control), streams,
                                           events, interrupt);
}

}  // namespace

Task<int> receive_cast(const CastCommand& command, LocalStreams& streams, EventLog& events,
                       Interrupt& interrupt) {
  Result<std::unique_ptr<CastReceiver>> made = co_await attempt(
      unless_interrupted(make_receiver(command, streams, events, interrupt), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!made) {
    const std::string where = command.common.endpoint.to_string();
    if (made.error() == std::errc::no_such_device) {
      co_return events.log().failed(explain_datagram_failure(made.error(), where));
    }
    const ErrorContext context{.where = where};
    co_return events.log().failed(explain_failure(Stage::listening, made.error(), context));
  }
  const int status = co_await (*made)->run();
  co_return status;
}

}  // namespace ieum::cli
