// Tcp: what arrives.
#include <algorithm>
#include <cerrno>

#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/tcp.hpp"

namespace ieum::detail::sim {

using State = SocketState;

namespace {

constexpr Time delayed_ack = 40 * millisecond;
constexpr std::uint32_t lost_after = 3;  // segments behind it that have arrived (RFC 6675)

}  // namespace

void Tcp::arrived(const Packet& packet) noexcept {
  ++segments_received_;
  heard_at_ = world().now();
  if (state_ == State::syn_sent) return answered(packet);
  if (packet.tcp.reset) return reset_arrived(packet);
  if (state_ == State::syn_received) {
    handshake_ended(packet);
    if (state_ == State::syn_received || dead_) return;  // else this segment may carry data already
  }
  if (packet.tcp.syn || !packet.tcp.ack) {  // an old copy, or somebody who has lost his memory
    send_ack();
    return;
  }
  if (state_ == State::time_wait) {  // the peer has not got our last ACK
    if (packet.tcp.fin || !packet.data.empty()) send_ack();
    return;
  }
  acknowledged(packet.tcp);
  if (!dead_ && state_ != State::closed) data_arrived(packet);
}

void Tcp::answered(const Packet& packet) noexcept {
  const TcpHeader& header = packet.tcp;
  if (header.ack && header.acknowledged != 1) return refuse(node(), packet);
  if (header.reset) {
    if (header.ack) fail(ECONNREFUSED);
    return;
  }
  if (!header.syn || !header.ack) return;
  // Of a SYN that was sent twice nobody knows which one is answered (Karn; RFC 6298, section 3).
  if (timeouts_ == 0) measure(world().now() - unanswered_since_);
  una_ = 1;
  expected_ = 1;
  limit_ = 1 + header.window;
  window_max_ = header.window;
  retransmit_at_ = never;  // of the SYN
  rto_ = std::max(rto_, rtt_);
  established();
  send_ack();
  wake_out();
  arm();
}

/// The client's acknowledgement of our SYN-ACK. Where nobody takes clients as fast as they come, it
/// is ignored, and asked for again.
void Tcp::handshake_ended(const Packet& packet) noexcept {
  if (packet.tcp.syn) return send_syn();  // our answer was lost
  if (!packet.tcp.ack || packet.tcp.acknowledged < 1 || listener_ == nullptr) return;
  Tcp& listener = *listener_;
  if (listener.accepted_.size() > static_cast<std::size_t>(listener.backlog_)) return;
  if (timeouts_ == 0) measure(world().now() - unanswered_since_);
  una_ = 1;
  limit_ = 1 + packet.tcp.window;
  window_max_ = packet.tcp.window;
  retransmit_at_ = never;
  established();
  // The other end knew of the connection a while ago: now we do, and somebody may take it.
  std::erase(listener.handshakes_, this);
  listener.accepted_.push_back(this);
  listener.wake_in();
}

void Tcp::reset_arrived(const Packet& packet) noexcept {
  const std::uint64_t at = packet.tcp.sequence;
  // One from outside the window is an old one.
  if (at != expected_ && (at < expected_ || at > promised_)) return;
  if (state_ == State::time_wait) return;  // RFC 1337
  // As Linux: who has read the peer's end learns that only the sending is over.
  fail(state_ == State::close_wait ? EPIPE : ECONNRESET);
}

// ---- Acknowledgements ---------------------------------------------------------------------------

void Tcp::acknowledged(const TcpHeader& header) noexcept {
  if (header.acknowledged > next_) return send_ack();  // of what we never sent
  ack_received_at_ = world().now();
  const std::uint64_t edge = header.acknowledged + header.window;
  const bool opened = edge > limit_;
  limit_ =
      std::max(limit_, edge);  // an older segment, overtaken, does not take back what was given
  window_max_ = std::max(window_max_, header.window);
  // A peer that answers lives, whether or not it has room: only silence counts against it.
  probes_ = 0;
  if (flight_.empty()) timeouts_ = 0;
  if (opened && flight_.empty()) {  // the persist timer has done its work
    backoff_ = 0;
    retransmit_at_ = never;
  }
  if (flight_.empty()) unanswered_since_ = unsent() > 0 ? world().now() : never;
  if (header.acknowledged > una_) {
    take_acknowledged(header.acknowledged);
    if (dead_ || state_ == State::closed) return;
  }
  if (header.sacked_count > 0) take_sacked(header);
  if (sacked_count_ > 0) find_lost();
  output();
}

void Tcp::take_acknowledged(std::uint64_t until) noexcept {
  Time round_trip = never;
  while (!flight_.empty() && flight_.front().begin < until) {
    Sent& sent = flight_.front();
    const std::uint64_t bytes = std::min(sent.end, until) - sent.begin;
    if (sent.is_under_way()) pipe_ -= bytes;
    if (sent.end > until) {  // a part of it: the peer's buffer took no more
      sent.begin = until;
      break;
    }
    if (sent.sacked) --sacked_count_;
    if (sent.lost) --lost_count_;
    // Not of one that was sent twice (Karn), nor of one that arrived long before this told so.
    if (!sent.again && !sent.sacked) round_trip = world().now() - sent.at;
    flight_.pop_front();
  }
  if (round_trip != never) measure(round_trip);
  const std::uint64_t taken = until - una_;
  const std::uint64_t data = std::min(until, data_end());
  if (data > data_begin_) {
    send_.drop(data - data_begin_);
    data_begin_ = data;
  }
  una_ = until;
  backoff_ = timeouts_ = 0;  // the path works again
  unanswered_since_ = flight_.empty() && unsent() == 0 ? never : world().now();
  const std::uint64_t segment = segment_max();
  if (window_ < threshold_) {  // slow start; else congestion avoidance (RFC 5681, section 3.1)
    window_ += taken;
  } else {
    window_ += std::max<std::uint64_t>(segment * taken / window_, 1);
  }
  window_ = std::min<std::uint64_t>(window_, std::uint64_t{1} << 30U);
  // Something new was acknowledged: what is left gets its whole time again (RFC 6298, 5.3).
  retransmit_at_ = flight_.empty() ? never : world().now() + timeout();
  if (finish_sent_ && flight_.empty() && una_ == next_) finish_acknowledged();
  // Not for every segment: a writer that is woken should find room for something.
  if (out != nullptr && room_to_write() >= options_.send_bytes_max() / 3) wake_out();
}

void Tcp::take_sacked(const TcpHeader& header) noexcept {
  for (std::uint8_t i = 0; i < header.sacked_count; ++i) {
    const auto [begin, end] = header.sacked[i];
    const auto later = [](const Sent& sent, std::uint64_t at) { return sent.begin < at; };
    auto sent = std::lower_bound(flight_.begin(), flight_.end(), begin, later);
    for (; sent != flight_.end() && sent->end <= end; ++sent) {
      if (sent->sacked) continue;
      if (sent->lost) {  // it was late, not lost: it left the pipe when we gave it up
        sent->lost = false;
        --lost_count_;
      } else {
        pipe_ -= sent->bytes();
      }
      sent->sacked = true;
      ++sacked_count_;
    }
  }
}

void Tcp::find_lost() noexcept {
  std::uint32_t behind = sacked_count_;
  for (Sent& sent : flight_) {
    if (behind < lost_after) return;
    if (sent.sacked) --behind;
    if (!sent.is_under_way() || sent.again) continue;
    sent.lost = true;
    ++lost_count_;
    pipe_ -= sent.bytes();  // room for it to go again
    if (una_ < recover_) continue;
    recover_ = next_;  // the window shrinks once a round trip, however many of it were lost
    threshold_ = std::max<std::uint64_t>(window_ / 2, 2 * segment_max());
    window_ = threshold_;
  }
}

void Tcp::finish_acknowledged() noexcept {
  switch (state_) {
    case State::fin_wait_1:
      set_state(State::fin_wait_2);
      if (orphan_) {  // as in close(): nobody is there to wait for the peer's end
        linger_at_ = world().now() + 60 * second;
        arm();
      }
      break;
    case State::closing: enter_time_wait(); break;
    case State::last_ack: die(); break;
    default: break;
  }
}

// ---- Data ---------------------------------------------------------------------------------------

void Tcp::data_arrived(const Packet& packet) noexcept {
  std::uint64_t begin = packet.tcp.sequence;
  std::span<const std::byte> data(packet.data);
  const std::uint64_t end = begin + data.size();
  if (data.empty() && !packet.tcp.fin) {
    if (begin < expected_) send_ack();  // a probe
    return;
  }
  if (end + (packet.tcp.fin ? 1 : 0) <= expected_) return send_ack();  // has come before
  if (orphan_ && end > expected_) {                                    // nobody will ever read it
    send_reset();
    return die();
  }
  if (begin < expected_) {
    // The start has come before: a retransmission that was cut anew.
    data = data.subspan(std::min<std::uint64_t>(expected_ - begin, data.size()));
    begin = expected_;
  }
  const std::uint64_t room = promised_ > begin ? promised_ - begin : 0;
  const bool fits = data.size() <= room;
  if (!fits) data = data.first(room);
  // Kept as a number: the FIN counts once all before it has come.
  if (packet.tcp.fin && fits) finish_at_ = end;
  received_at_ = world().now();
  const bool in_order = begin == expected_;
  const bool had_gap = !ahead_.empty();
  if (!in_order) {
    if (!data.empty() && !ahead_.contains(begin)) {
      ahead_.emplace(begin, std::vector<std::byte>(data.begin(), data.end()));
    }
    return send_ack();  // at once: three of these tell the peer what is lost
  }
  take_data(begin, data);
  while (!ahead_.empty() && ahead_.begin()->first <= expected_) {
    take_data(ahead_.begin()->first, ahead_.begin()->second);
    ahead_.erase(ahead_.begin());
  }
  const bool finished = finish_at_ == expected_;
  if (finished) peer_finished();
  if (dead_) return;
  // A gap that closes, an end, or what had to be thrown away: the peer waits to hear of it.
  acknowledge_data(finished || had_gap || !fits || state_ == State::time_wait);
  wake_in();
}

void Tcp::take_data(std::uint64_t begin, std::span<const std::byte> data) noexcept {
  if (begin + data.size() <= expected_) return;
  const std::span<const std::byte> fresh = data.subspan(expected_ - begin);
  receive_.append(fresh);
  expected_ += fresh.size();
  bytes_received_ += fresh.size();
}

void Tcp::peer_finished() noexcept {
  ++expected_;  // a FIN counts as one
  finish_at_ = UINT64_MAX;
  peer_finished_ = true;
  switch (state_) {
    case State::established: set_state(State::close_wait); break;
    case State::fin_wait_1:
      set_state(State::closing);
      break;  // both at once: ours is not acknowledged
    case State::fin_wait_2: enter_time_wait(); break;
    default: break;
  }
}

void Tcp::acknowledge_data(bool at_once) noexcept {
  ++not_acknowledged_;
  const bool quick = quick_acks_ > 0;
  if (quick) --quick_acks_;
  if (at_once || quick || not_acknowledged_ >= 2) {
    send_ack();
  } else if (ack_at_ == never) {
    ack_at_ = world().now() + delayed_ack;
    arm();
  }
}

}  // namespace ieum::detail::sim
