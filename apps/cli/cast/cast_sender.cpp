// `ieum cast`: our input, one to many.
#include <unistd.h>

#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "cast/cast.hpp"
#include "cast/rate_limiter.hpp"
#include "rtp/rtp.hpp"
#include "session/datagram_input.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/socket_settings.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t batch_max = 64;
constexpr std::size_t batch_bytes_max = 60'000;  // what one call with UDP_SEGMENT takes
constexpr Duration report_pause = std::chrono::seconds(5);
/// A goodbye that is lost leaves receivers waiting, so it is said more than once.
constexpr int bye_count = 3;
constexpr Duration bye_interval = std::chrono::milliseconds(20);

Framing framing_of(const CommonOptions& options) {
  return options.by_lines || ::isatty(STDIN_FILENO) == 1 ? Framing::lines : Framing::full;
}

/// MPEG-TS over RTP has whole packets only (RFC 2250).
std::size_t unit_of(const CastCommand& command) {
  return command.rtp && command.payload_type == rtp_payload_type_mp2t ? transport_packet_bytes : 1;
}

struct Source {
  std::uint32_t ssrc = 0;
  std::uint16_t sequence = 0;
  std::uint32_t first_timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  std::string cname;
};

Source random_source(const Address& local) {
  std::random_device random;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '?';
  return {.ssrc = random(),
          .sequence = static_cast<std::uint16_t>(random()),
          .first_timestamp = random(),
          .cname = fmt::format("ieum-{}@{}", local.port(), host.data())};
}

class Sender {
 public:
  Sender(const CastCommand& command, DatagramSocket data, DatagramSocket control, const Address& to,
         const Address& control_to, LocalStreams& streams, EventLog& events)
      : command_(command),
        socket_(std::move(data)),
        control_(std::move(control)),
        to_(to),
        control_to_(control_to),
        streams_(streams),
        events_(events),
        input_(streams.input, framing_of(command.common), command.common.datagram_bytes,
               unit_of(command)),
        rate_limiter_(command.bits_per_second),
        source_(random_source(socket_.address())),
        began_(RateLimiter::Time::clock::now()) {}

  /// Until the input's end. Which side failed is in `stage`.
  Task<> run(Stage& stage) {
    auto body = [&](Group& group) { return run_in(group, stage); };
    co_await with_group(body);
  }

  Task<> send_bye() {
    if (!command_.rtp) co_return;
    const std::vector<std::byte> packet = make_rtcp(report(), source_.cname, true);
    for (int i = 0; i < bye_count; ++i) {
      if (i > 0) co_await sleep(bye_interval);
      // Where it cannot go, the stream cannot either, and that is reported.
      const Result<> sent = co_await attempt(control_.send(packet, control_to_));
      if (!sent && sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
    }
  }

  Task<> close() {
    if (control_.is_open()) co_await control_.close();
    co_await socket_.close();
  }

  [[nodiscard]] std::uint64_t lines_cut() const noexcept { return input_.lines_cut(); }

 private:
  using Time = RateLimiter::Time;

  Task<> run_in(Group& group, Stage& stage) {
    if (command_.rtp) group.start(report_regularly(stage));
    co_await send_input(stage);
    group.stop();
  }

  Task<> send_input(Stage& stage) {
    const std::size_t bytes_max = command_.common.datagram_bytes;
    const std::size_t fits = std::max(batch_bytes_max / bytes_max, std::size_t{1});
    const std::size_t count_max =
        rate_limiter_.burst_count(bytes_max + header_bytes(), std::min(batch_max, fits));
    for (;;) {
      stage = Stage::reading_input;
      const std::optional<ConstBuffer> piece = co_await input_.next();
      if (!piece) break;
      const ConstBuffer data = input_.more(count_max);
      stage = Stage::sending;
      const Duration wait = rate_limiter_.wait(Time::clock::now());
      if (wait > Duration::zero()) co_await sleep(wait);
      co_await send(data);
      if (!streams_.output.shows_both()) continue;
      stage = Stage::writing_output;
      co_await streams_.output.write(Side::sent, data);
    }
    events_.input_ended();
  }

  [[nodiscard]] std::size_t header_bytes() const noexcept {
    return command_.rtp ? rtp_header_bytes : 0;
  }

  Task<> send(ConstBuffer data) {
    pack(data);
    std::span<const Datagram> rest = batch_;
    while (!rest.empty()) {
      const std::size_t count = co_await socket_.send(rest);
      std::uint64_t bytes = 0;
      for (const Datagram& datagram : rest.first(count)) bytes += datagram.data.size();
      events_.datagrams_sent(count, bytes);
      rest = rest.subspan(count);
    }
  }

  /// `data` as datagrams, with their headers.
  void pack(ConstBuffer data) {
    batch_.clear();
    packed_.clear();
    const std::size_t bytes_max = command_.common.datagram_bytes;
    packed_.reserve(data.size() + header_bytes() * (data.size() / bytes_max + 1));
    const Time now = Time::clock::now();
    while (!data.empty()) {
      const ConstBuffer payload = data.first(std::min(data.size(), bytes_max));
      data = data.subspan(payload.size());
      const Time due = rate_limiter_.spend(now, payload.size() + header_bytes());
      Datagram datagram;
      datagram.peer = to_;
      datagram.data = command_.rtp ? with_header(payload, due) : payload;
      batch_.push_back(datagram);
    }
  }

  ConstBuffer with_header(ConstBuffer payload, Time due) {
    std::array<std::byte, rtp_header_bytes> header{};
    write_rtp_header(header, {.payload_type = static_cast<std::uint8_t>(command_.payload_type),
                              .sequence = source_.sequence++,
                              .timestamp = timestamp_at(due),
                              .ssrc = source_.ssrc});
    ++source_.packets;
    source_.octets += static_cast<std::uint32_t>(payload.size());
    const std::size_t begin = packed_.size();
    packed_.insert(packed_.end(), header.begin(), header.end());
    packed_.insert(packed_.end(), payload.begin(), payload.end());
    return ConstBuffer(packed_).subspan(begin);
  }

  [[nodiscard]] std::uint32_t timestamp_at(Time time) const noexcept {
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    const std::int64_t since = std::chrono::nanoseconds(time - began_).count();
    const std::int64_t ticks =
        since / nanoseconds * rtp_clock_rate + since % nanoseconds * rtp_clock_rate / nanoseconds;
    return source_.first_timestamp + static_cast<std::uint32_t>(ticks);
  }

  [[nodiscard]] SenderReport report() const {
    return {.ssrc = source_.ssrc,
            .time = std::chrono::system_clock::now(),
            .timestamp = timestamp_at(Time::clock::now()),
            .packets = source_.packets,
            .octets = source_.octets};
  }

  Task<> report_regularly(Stage& stage) {
    for (;;) {
      co_await sleep(report_pause);
      const std::vector<std::byte> packet = make_rtcp(report(), source_.cname, false);
      const Result<> sent = co_await attempt(control_.send(packet, control_to_));
      if (sent) continue;
      // Whatever the other task is doing, it was this that failed.
      if (sent.error() != std::errc::operation_canceled) stage = Stage::sending;
      co_await fail(sent.error());
    }
  }

  const CastCommand& command_;
  DatagramSocket socket_;
  DatagramSocket control_;  // with --rtp
  Address to_;
  Address control_to_;
  LocalStreams& streams_;
  EventLog& events_;
  DatagramInput input_;
  RateLimiter rate_limiter_;
  Source source_;
  Time began_;
  std::vector<Datagram> batch_;
  std::vector<std::byte> packed_;
};

Task<DatagramSocket> open_sender(const CastCommand& command, const Address& to,
                                 std::uint32_t interface) {
  const Endpoint& endpoint = command.common.endpoint;
  DatagramOptions options = datagram_options(command.common);
  options.broadcast = true;
  DatagramSocket socket = co_await DatagramSocket::open(to.family(), options);
  if (endpoint.scheme == Scheme::multicast) {
    if (interface != 0) co_await socket.set_multicast_interface(interface);
    co_await socket.set_multicast_loopback(endpoint.setting(Key::loop).value_or(1) != 0);
  }
  co_await apply_settings(socket, endpoint);
  co_return socket;
}

Task<std::unique_ptr<Sender>> make_sender(const CastCommand& command, LocalStreams& streams,
                                          EventLog& events) {
  const Address found = co_await resolve_endpoint(command.common, "open");
  const std::uint32_t interface = co_await cast_interface(command.common.endpoint);
  const Address to = with_port(found, found.port(), interface);
  DatagramSocket data = co_await open_sender(command, to, interface);
  events.datagram_socket(data.address());
  events.peer_is(to);
  DatagramSocket control;
  if (command.rtp) control = co_await open_sender(command, to, interface);
  const Address control_to = with_port(to, found.port() + 1, interface);
  co_return std::make_unique<Sender>(command, std::move(data), std::move(control), to, control_to,
                                     streams, events);
}

Failure failure_of(Stage stage, const Error& error, const CastCommand& command,
                   const LocalStreams& streams) {
  const std::string where = command.common.endpoint.to_string();
  if (stage != Stage::sending) {
    return explain_failure(stage, error, {.where = streams.output.where()});
  }
  return explain_datagram_failure(error, where);
}

}  // namespace

Task<int> send_cast(const CastCommand& command, LocalStreams& streams, EventLog& events,
                    Interrupt& interrupt) {
  Log& log = events.log();
  const std::string where = command.common.endpoint.to_string();
  Result<std::unique_ptr<Sender>> made =
      co_await attempt(unless_interrupted(make_sender(command, streams, events), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!made) co_return log.failed(explain_datagram_failure(made.error(), where));
  Sender& sender = **made;
  Stage stage = Stage::reading_input;
  const Result<> sent = co_await attempt(unless_interrupted(sender.run(stage), interrupt));
  const Result<> said = co_await attempt(sender.send_bye());
  co_await sender.close();
  events.closed(interrupt.is_raised() ? EndReason::interrupted
                : sent                ? EndReason::both_finished
                                      : EndReason::broken);
  if (sender.lines_cut() > 0) {
    log.notice(
        {"lines_cut",
         fmt::format("{} lines longer than {} bytes were sent as several datagrams; see --size",
                     sender.lines_cut(), command.common.datagram_bytes),
         {},
         {{"lines", sender.lines_cut()}}});
  }
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!sent) co_return log.failed(failure_of(stage, sent.error(), command, streams));
  if (!said) co_return log.failed(explain_datagram_failure(said.error(), where));
  co_return 0;
}

}  // namespace ieum::cli
