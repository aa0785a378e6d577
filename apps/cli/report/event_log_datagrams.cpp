// What an event log reports of a datagram socket.
#include <fmt/format.h>

#include "report/event_log.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

std::string_view kind_of(const Address& address) {
  return address.is_unix()                  ? "Unix datagram"
         : address.family() == Family::ipv6 ? "UDP (IPv6)"
                                            : "UDP (IPv4)";
}

std::string format_count(std::uint64_t count) {
  return fmt::format("{} datagram{}", count, count == 1 ? "" : "s");
}

std::string name_of(const Address& address) {
  const std::string text = address.to_string();
  return text.empty() ? "a socket without a name" : text;
}

}  // namespace

void EventLog::datagram_socket(const Address& local) {
  has_datagrams_ = true;  // before any is counted: a summary of none speaks of datagrams too
  if (!log_->reports_events()) return;
  report({"created",
          fmt::format("created a {} socket", kind_of(local)),
          "socket(SOCK_DGRAM)",
          {{"kind", std::string(local.is_unix() ? "unix-dgram" : "udp")}}});
  bound(local);
}

void EventLog::peer_is(const Address& peer) {
  if (!log_->reports_events()) return;
  report({"peer", "the peer is " + name_of(peer), {}, {{"peer", peer.to_string()}}});
}

void EventLog::joined(const std::string& membership) {
  if (!log_->reports_events()) return;
  report({"joined",
          "joined the group " + membership,
          "setsockopt(MCAST_JOIN_GROUP)",
          {{"group", membership}}});
}

void EventLog::waiting_for_datagrams() {
  if (!log_->reports_events()) return;
  report({"waiting", "waiting for datagrams", "poll(2)", {}});
}

void EventLog::datagram_sent(std::size_t bytes, const Address& to) {
  sent_ += bytes;
  ++datagrams_sent_;
  if (!log_->reports_transfers()) return;
  report({"sent",
          fmt::format("sent a datagram of {} to {}", format_bytes(bytes), name_of(to)),
          "sendmsg(2)",
          {{"bytes", std::uint64_t{bytes}}, {"peer", to.to_string()}}});
}

void EventLog::datagram_received(std::size_t bytes, const Address& from) {
  received_ += bytes;
  ++datagrams_received_;
  if (!log_->reports_transfers()) return;
  report({"received",
          fmt::format("received a datagram of {} from {}", format_bytes(bytes), name_of(from)),
          "recvmsg(2)",
          {{"bytes", std::uint64_t{bytes}}, {"peer", from.to_string()}}});
}

void EventLog::datagrams_sent(std::uint64_t count, std::uint64_t bytes) {
  if (count == 0) return;
  sent_ += bytes;
  datagrams_sent_ += count;
  if (!log_->reports_transfers()) return;
  report({"sent",
          fmt::format("sent {}, {}", format_count(count), format_bytes(bytes)),
          "sendmmsg(2)",
          {{"bytes", bytes}, {"datagrams", count}}});
}

void EventLog::datagrams_received(std::uint64_t count, std::uint64_t bytes) {
  if (count == 0) return;
  received_ += bytes;
  datagrams_received_ += count;
  if (!log_->reports_transfers()) return;
  report({"received",
          fmt::format("received {}, {}", format_count(count), format_bytes(bytes)),
          "recvmmsg(2)",
          {{"bytes", bytes}, {"datagrams", count}}});
}

void EventLog::dropped(std::uint64_t count, bool last) {
  constexpr Duration pause = std::chrono::seconds(1);
  // The system's count only grows. While it does, one event a second says so; the last one is a
  // notice, seen without -v too, because data are missing.
  if (count == 0 || (!last && count == drops_reported_)) return;
  const Clock::time_point now = Clock::now();
  if (!last && (!log_->reports_events() || now - drops_reported_at_ < pause)) return;
  drops_reported_ = count;
  drops_reported_at_ = now;
  LogEvent event{"dropped",
                 fmt::format("this machine has dropped {} because our receive queue was full; see "
                             "?rcvbuf=BYTES",
                             format_count(count)),
                 "SO_RXQ_OVFL",
                 {{"datagrams", count}}};
  if (last) return log_->notice(event);
  report(std::move(event));
}

std::string EventLog::datagram_summary() const {
  return fmt::format("{} ({}) sent, {} ({}) received in {}", format_count(datagrams_sent_),
                     format_bytes(sent_), format_count(datagrams_received_),
                     format_bytes(received_), format_duration(age()));
}

}  // namespace ieum::cli
