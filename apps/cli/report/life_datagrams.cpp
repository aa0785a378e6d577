// What a life tells of a datagram socket.
#include <fmt/format.h>

#include "report/life.hpp"
#include "text/quantity.hpp"

namespace ieum::cli {

namespace {

std::string_view kind_of(const Address& address) {
  return address.is_unix()                  ? "Unix datagram"
         : address.family() == Family::ipv6 ? "UDP (IPv6)"
                                            : "UDP (IPv4)";
}

std::string count_text(std::uint64_t count) {
  return fmt::format("{} datagram{}", count, count == 1 ? "" : "s");
}

std::string name_of(const Address& address) {
  const std::string text = address.to_string();
  return text.empty() ? "a socket without a name" : text;
}

}  // namespace

void Life::datagram_socket(const Address& local) {
  has_datagrams_ = true;
  if (!log_->tells_steps()) return;
  tell({"created",
        fmt::format("created a {} socket", kind_of(local)),
        "socket(SOCK_DGRAM)",
        {{"kind", std::string(local.is_unix() ? "unix-dgram" : "udp")}}});
  bound(local);
}

void Life::peer_is(const Address& peer) {
  if (!log_->tells_steps()) return;
  tell({"peer", "the peer is " + name_of(peer), {}, {{"peer", peer.to_string()}}});
}

void Life::joined(const std::string& membership) {
  if (!log_->tells_steps()) return;
  tell({"joined",
        "joined the group " + membership,
        "setsockopt(MCAST_JOIN_GROUP)",
        {{"group", membership}}});
}

void Life::waiting_for_datagrams() {
  if (!log_->tells_steps()) return;
  tell({"waiting", "waiting for datagrams", "poll(2)", {}});
}

void Life::datagram_sent(std::size_t bytes, const Address& to) {
  sent_ += bytes;
  ++datagrams_sent_;
  if (!log_->tells_transfers()) return;
  tell({"sent",
        fmt::format("sent a datagram of {} to {}", bytes_text(bytes), name_of(to)),
        "sendmsg(2)",
        {{"bytes", std::uint64_t{bytes}}, {"peer", to.to_string()}}});
}

void Life::datagram_received(std::size_t bytes, const Address& from) {
  received_ += bytes;
  ++datagrams_received_;
  if (!log_->tells_transfers()) return;
  tell({"received",
        fmt::format("received a datagram of {} from {}", bytes_text(bytes), name_of(from)),
        "recvmsg(2)",
        {{"bytes", std::uint64_t{bytes}}, {"peer", from.to_string()}}});
}

void Life::datagrams_sent(std::uint64_t count, std::uint64_t bytes) {
  if (count == 0) return;
  sent_ += bytes;
  datagrams_sent_ += count;
  if (!log_->tells_transfers()) return;
  tell({"sent",
        fmt::format("sent {}, {}", count_text(count), bytes_text(bytes)),
        "sendmmsg(2)",
        {{"bytes", bytes}, {"datagrams", count}}});
}

void Life::datagrams_received(std::uint64_t count, std::uint64_t bytes) {
  if (count == 0) return;
  received_ += bytes;
  datagrams_received_ += count;
  if (!log_->tells_transfers()) return;
  tell({"received",
        fmt::format("received {}, {}", count_text(count), bytes_text(bytes)),
        "recvmmsg(2)",
        {{"bytes", bytes}, {"datagrams", count}}});
}

void Life::dropped(std::uint64_t count, bool last) {
  constexpr Duration pause = std::chrono::seconds(1);
  if (count == 0 || (!last && count == drops_told_)) return;
  const Clock::time_point now = Clock::now();
  if (!last && (!log_->tells_steps() || now - drops_told_at_ < pause)) return;
  drops_told_ = count;
  drops_told_at_ = now;
  Step step{"dropped",
            fmt::format("this machine has dropped {} because our receive queue was full; see "
                        "?rcvbuf=BYTES",
                        count_text(count)),
            "SO_RXQ_OVFL",
            {{"datagrams", count}}};
  if (last) return log_->notice(step);
  tell(std::move(step));
}

std::string Life::datagram_summary() const {
  return fmt::format("{} ({}) sent, {} ({}) received in {}", count_text(datagrams_sent_),
                     bytes_text(sent_), count_text(datagrams_received_), bytes_text(received_),
                     to_text(age()));
}

}  // namespace ieum::cli
