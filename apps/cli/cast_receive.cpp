// `ieum cast --receive`: plays what is cast to standard output, and reports how it came.
#include <unistd.h>

#include <optional>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "cast.hpp"
#include "conversation.hpp"
#include "datagram_settings.hpp"
#include "quantity.hpp"
#include "rtp.hpp"

namespace ieum::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// A packet that is missing is waited for so long, and after the BYE what comes late.
constexpr Duration gap_max = std::chrono::milliseconds(100);
constexpr Duration live_interval = std::chrono::seconds(1);
/// What the system keeps while we write; it gives what it allows.
constexpr int receive_buffer_bytes = 4 << 20;

class CastReceiver {
 public:
  CastReceiver(const CastCommand& command, DatagramSocket& media,
               std::optional<DatagramSocket>& control, Output& output)
      : command_(command),
        media_(media),
        control_(control),
        output_(output),
        live_(::isatty(STDERR_FILENO) != 0 && !command.log.json) {}

  Task<> run() {
    auto body = [this](Group& group) { return run_in(group); };
    co_await with_group(body);
  }

  [[nodiscard]] Doing doing() const noexcept { return doing_; }
  [[nodiscard]] bool was_idle() const noexcept { return was_idle_; }

  [[nodiscard]] Step report() const {
    const RtpReceiver::Report rtp = rtp_.report();
    const DatagramCounters counters = media_.counters();
    Step step{.name = "cast_received", .sentence = {}};
    const std::uint64_t bytes = rtp_.began() ? rtp.bytes : raw_bytes_;
    const std::uint64_t datagrams = rtp_.began() ? rtp.received : raw_;
    step.sentence = fmt::format("{} datagrams, {} received", datagrams, bytes_text(bytes));
    step.fields.emplace_back("received", datagrams);
    step.fields.emplace_back("bytes", bytes);
    if (rtp_.began()) {
      step.sentence += fmt::format("; {} lost, {} twice, {} out of order, jitter {:.2f} ms",
                                   rtp.lost, rtp.duplicates, rtp.reordered, rtp.jitter_ms);
      step.fields.emplace_back("lost", rtp.lost);
      step.fields.emplace_back("duplicates", rtp.duplicates);
      step.fields.emplace_back("reordered", rtp.reordered);
      step.fields.emplace_back("jitter_ms", rtp.jitter_ms);
      if (rtp.sent) {
        step.sentence += fmt::format("; {} were sent", *rtp.sent);
        step.fields.emplace_back("sent", *rtp.sent);
      }
    }
    // Ours, not the network's: part of what is lost.
    step.fields.emplace_back("dropped_here", counters.dropped);
    if (counters.dropped > 0) {
      step.sentence += fmt::format("; {} dropped here, for want of room", counters.dropped);
    }
    return step;
  }
  void end_live() const {
    if (live_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  Task<> run_in(Group& group) {
    if (control_) group.start(hear_goodbye());
    if (live_) group.start(tell_live());
    co_await receive();
    group.stop();
  }

  Task<> receive() {
    Clock::time_point last = Clock::now();
    for (;;) {
      doing_ = Doing::receiving;
      const Result<std::size_t> got =
          co_await attempt(with_timeout(gap_max, media_.receive(batch_)));
      if (!got && got.error() != std::errc::timed_out) co_await fail(got.error());
      if (got) {
        last = Clock::now();
        take_batch();
      } else {
        rtp_.give_up_gaps();
      }
      doing_ = Doing::writing_output;
      co_await play();
      if (got) continue;
      if (rtp_.has_ended()) co_return;
      was_idle_ = command_.idle > Duration::zero() && Clock::now() - last >= command_.idle;
      if (was_idle_) co_return;
    }
  }

  void take_batch() {
    for (const Datagram& datagram : batch_) {
      const std::optional<RtpHeader> header = RtpHeader::decode(datagram.data);
      if (!header || header->payload_type != RtpHeader::transport_stream) {
        if (rtp_.began()) continue;  // whatever that is
        ++raw_;
        raw_bytes_ += datagram.data.size();
        pending_.append(reinterpret_cast<const char*>(datagram.data.data()), datagram.data.size());
        continue;
      }
      const auto at = datagram.received_at.time_since_epoch();
      rtp_.take(*header, datagram.data.subspan(RtpHeader::bytes),
                std::chrono::duration_cast<Duration>(at).count());
    }
  }

  Task<> play() {
    while (auto payload = rtp_.next()) pending_ += *payload;
    if (pending_.empty()) co_return;
    const std::string data = std::exchange(pending_, {});
    co_await output_.write(Side::received, std::as_bytes(std::span(data)));
  }

  Task<> hear_goodbye() {
    std::array<std::byte, 1500> room;
    while (!rtp_.has_ended()) {
      const Datagram datagram = co_await control_->receive(room);
      const std::optional<RtcpBye> bye = RtcpBye::decode(datagram.data);
      if (bye) rtp_.take(*bye);
    }
  }

  Task<> tell_live() {
    for (;;) {
      co_await sleep(live_interval);
      fmt::print(stderr, "\r\x1b[K{}", report().sentence);
      std::fflush(stderr);
    }
  }

  const CastCommand& command_;
  DatagramSocket& media_;
  std::optional<DatagramSocket>& control_;
  Output& output_;
  bool live_;
  bool was_idle_ = false;
  Doing doing_ = Doing::receiving;
  DatagramBatch batch_;
  RtpReceiver rtp_;
  std::string pending_;
  std::uint64_t raw_ = 0;
  std::uint64_t raw_bytes_ = 0;
};

Result<DatagramSocket> open_receiver(const CastCommand& command, std::uint16_t port) {
  Address at = command.to;
  if (command.is_group) {
    at = at.family() == Family::ipv4 ? Address::ipv4({}, port) : Address::ipv6({}, port);
  }
  at.set_port(port);
  DatagramOptions options = datagram_options(command.endpoint);
  options.reuse_address = options.receive_time = true;
  if (options.receive_buffer_bytes == 0) options.receive_buffer_bytes = receive_buffer_bytes;
  Result<DatagramSocket> socket = DatagramSocket::bind(at, options);
  if (!socket || !command.is_group) return socket;
  const Result<> joined =
      socket->join({.group = command.to, .interface = command.interface, .source = command.source});
  if (!joined) return fail(joined.error());
  return socket;
}

}  // namespace

Task<int> receive_cast(const CastCommand& command, Log& log, Interruption& interruption) {
  Result<DatagramSocket> media = open_receiver(command, command.to.port());
  if (!media) co_return log.failed({Status::other, media.error().to_string()});
  // Where the sender says goodbye. Without it, an end by Ctrl-C or -i is left.
  std::optional<DatagramSocket> control;
  const auto control_port = static_cast<std::uint16_t>(command.to.port() + 1);
  if (Result<DatagramSocket> bound = open_receiver(command, control_port)) {
    control.emplace(*std::move(bound));
  }
  Result<Output> output = Output::open(command.output_path, {});
  if (!output) {
    co_return log.failed(
        explain_failure(Doing::writing_output, output.error(), {.where = command.output_path}));
  }
  CastReceiver receiver(command, *media, control, *output);
  const Result<> done = co_await attempt(unless_interrupted(receiver.run(), interruption));
  receiver.end_live();
  if (!done && !interruption.has_come()) {
    const Circumstances about{.where = output->where()};
    co_return log.failed(explain_failure(receiver.doing(), done.error(), about));
  }
  const Result<> finished = co_await attempt(output->finish());
  log.notice(receiver.report());
  if (!finished) {
    const Circumstances about{.where = output->where()};
    co_return log.failed(explain_failure(Doing::writing_output, finished.error(), about));
  }
  if (interruption.has_come()) co_return static_cast<int>(interruption.status());
  co_return receiver.was_idle() ? static_cast<int>(Status::timed_out) : 0;
}

}  // namespace ieum::cli
