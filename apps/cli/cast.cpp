// `ieum cast`: standard input to many, as datagrams.
#include <algorithm>
#include <random>

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

/// What goes at once when it is due.
constexpr std::size_t burst_max = 64;
constexpr double burst_seconds = 0.002;
constexpr Duration pause_min = std::chrono::milliseconds(1);
/// A BYE may be lost as well.
constexpr int byes = 3;

/// Reads standard input and sends it in datagrams of one size, not faster than the rate.
class Caster {
 public:
  Caster(const CastCommand& command, DatagramSocket& socket, DescriptorStream& input)
      : command_(command),
        socket_(socket),
        input_(input),
        slot_(command.bytes + RtpHeader::bytes),
        memory_(slot_ * burst_max),
        began_(Clock::now()) {
    std::random_device random;
    source_ = random();
    first_stamp_ = random();
    sequence_ = static_cast<std::uint16_t>(random());
    batch_.reserve(burst_max);
    if (command.bits_per_second == 0) return;
    const double due = static_cast<double>(command.bits_per_second) / 8 * burst_seconds;
    burst_ = std::clamp<std::size_t>(
        static_cast<std::size_t>(due / static_cast<double>(command.bytes)), 1, burst_max);
  }

  Task<> run() {
    std::vector<std::byte> input(command_.bytes * burst_max);
    std::size_t filled = 0;
    for (;;) {
      // What has come goes at once; only the begin of a datagram waits for its end.
      const std::size_t count = co_await input_.read_some(std::span(input).subspan(filled));
      filled += count;
      const std::size_t whole = count == 0 ? filled : filled / command_.bytes * command_.bytes;
      co_await send(ConstBuffer(input).first(whole));
      std::copy(input.begin() + static_cast<std::ptrdiff_t>(whole),
                input.begin() + static_cast<std::ptrdiff_t>(filled), input.begin());
      filled -= whole;
      if (count == 0) co_return;
    }
  }

  /// Of an RTP stream: tells the receivers that this was all.
  Task<> say_goodbye() {
    if (!command_.rtp) co_return;
    const RtcpBye bye{.source = source_,
                      .packets = static_cast<std::uint32_t>(packets_),
                      .octets = static_cast<std::uint32_t>(bytes_),
                      .timestamp = stamp()};
    const std::vector<std::byte> packet = bye.encode();
    Datagram datagram;
    datagram.data = packet;
    datagram.peer = command_.to;
    datagram.peer.set_port(static_cast<std::uint16_t>(command_.to.port() + 1));
    datagram.interface = command_.interface;
    for (int i = 0; i < byes; ++i) {
      if (i > 0) co_await sleep(std::chrono::milliseconds(20));
      co_await socket_.send(datagram);
    }
  }

  [[nodiscard]] std::string summary() const {
    return fmt::format("{} datagrams, {} in {}", packets_, bytes_text(bytes_),
                       to_text(Clock::now() - began_));
  }
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  /// In datagrams, as fast as the rate allows.
  Task<> send(ConstBuffer data) {
    while (!data.empty()) {
      const ConstBuffer piece = data.first(std::min(command_.bytes, data.size()));
      data = data.subspan(piece.size());
      add(piece);
      if (batch_.size() < burst_ && !data.empty()) continue;
      co_await flush();
      const Duration early = due() - Clock::now();
      if (early >= pause_min) co_await sleep(early);
    }
  }

  void add(ConstBuffer payload) {
    const std::size_t head = command_.rtp ? RtpHeader::bytes : 0;
    const std::span<std::byte> room =
        std::span(memory_).subspan(batch_.size() * slot_, head + payload.size());
    if (command_.rtp) {
      const RtpHeader header{.sequence = sequence_++, .timestamp = stamp(), .source = source_};
      std::ranges::copy(header.encode(), room.begin());
    }
    std::ranges::copy(payload, room.begin() + static_cast<std::ptrdiff_t>(head));
    Datagram& datagram = batch_.emplace_back();
    datagram.data = room;
    datagram.peer = command_.to;
    datagram.interface = command_.interface;
    ++packets_;
    bytes_ += payload.size();
  }

  Task<> flush() {
    std::span<const Datagram> left(batch_);
    while (!left.empty()) {
      const std::size_t sent = co_await socket_.send(left);
      left = left.subspan(sent);
    }
    batch_.clear();
  }

  /// When all that was read so far may have gone.
  [[nodiscard]] Clock::time_point due() const {
    if (command_.bits_per_second == 0) return began_;
    const double seconds =
        static_cast<double>(bytes_) * 8 / static_cast<double>(command_.bits_per_second);
    return began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }

  [[nodiscard]] std::uint32_t stamp() const {
    const auto passed = std::chrono::duration<double>(Clock::now() - began_).count();
    return first_stamp_ +
           static_cast<std::uint32_t>(static_cast<std::uint64_t>(passed * RtpHeader::clock_rate));
  }

  const CastCommand& command_;
  DatagramSocket& socket_;
  DescriptorStream& input_;
  std::size_t slot_;
  std::vector<std::byte> memory_;
  std::vector<Datagram> batch_;
  std::size_t burst_ = burst_max;
  Clock::time_point began_;
  std::uint32_t source_ = 0;
  std::uint32_t first_stamp_ = 0;
  std::uint16_t sequence_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
};

Result<DatagramSocket> open_sender(const CastCommand& command) {
  DatagramOptions options = datagram_options(command.endpoint);
  options.broadcast = !command.is_group;
  Result<DatagramSocket> socket = DatagramSocket::open(command.to.family(), options);
  if (!socket) return socket;
  const Result<> set = apply_settings(*socket, command.endpoint);
  if (!set) return fail(set.error());
  return socket;
}

Task<int> cast(const CastCommand& command, Log& log, Interruption& interruption) {
  Result<DatagramSocket> socket = open_sender(command);
  if (!socket) co_return log.failed({Status::other, socket.error().to_string()});
  Result<DescriptorStream> input = DescriptorStream::standard_input();
  if (!input) co_return log.failed(explain_failure(Doing::reading_input, input.error()));
  Caster caster(command, *socket, *input);
  const Result<> done = co_await attempt(unless_interrupted(caster.run(), interruption));
  const Result<> told = co_await attempt(caster.say_goodbye());
  if (interruption.has_come()) {
    co_return log.failed({interruption.status(), "interrupted; " + caster.summary() + " sent"});
  }
  if (!done) co_return log.failed({Status::other, done.error().to_string()});
  if (!told) co_return log.failed({Status::other, told.error().to_string()});
  Step step{.name = "cast", .sentence = caster.summary() + " sent"};
  step.fields.emplace_back("datagrams", caster.packets());
  step.fields.emplace_back("bytes", caster.bytes());
  log.step(step);
  co_return 0;
}

}  // namespace

Task<int> run_cast(const CastCommand& command, Log& log) {
  auto body = [&](Interruption& interruption) {
    return command.receive ? receive_cast(command, log, interruption)
                           : cast(command, log, interruption);
  };
  const int status = co_await with_interruption(body);
  co_return status;
}

}  // namespace ieum::cli
