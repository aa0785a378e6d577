// What a datagram socket tells of itself, and why nothing moves.
#include <cerrno>

#include <ieum/datagram_socket.hpp>

#include "base/driver.hpp"
#include "base/words.hpp"

namespace ieum {

using detail::count_of;
using detail::words;

Result<DatagramInfo> DatagramSocket::info() const {
  detail::DatagramQueues queues;
  int receive_buffer = 0;
  int send_buffer = 0;
  int status = is_open() ? driver().datagram_queues(core_->handle, queues) : -EBADF;
  if (status >= 0) {
    status = driver().get_option(core_->handle, SocketOption::so_rcvbuf, receive_buffer);
  }
  if (status >= 0) {
    status = driver().get_option(core_->handle, SocketOption::so_sndbuf, send_buffer);
  }
  if (status < 0) return fail(error(-status, "get socket information"));
  const detail::Pending pending = driver().pending(core_->handle);
  return DatagramInfo{.local = address(),
                      .peer = peer_address(),
                      .receiving = pending.receive,
                      .sending = pending.send,
                      .receive_queue_bytes = queues.receive_bytes,
                      .receive_buffer_bytes = static_cast<std::size_t>(receive_buffer),
                      .send_queue_bytes = queues.send_bytes,
                      .send_buffer_bytes = static_cast<std::size_t>(send_buffer),
                      .counters = counters()};
}

Result<std::string> DatagramSocket::explain() const {
  if (!is_open()) {
    return "closed: the object holds no socket; it was closed, moved from, or never made";
  }
  const Result<DatagramInfo> now = info();
  if (!now) return fail(now.error());
  return diagnose(*now);
}

std::string DatagramInfo::to_string() const {
  std::string text;
  const auto row = [&text](std::string_view name, const std::string& value) {
    constexpr std::size_t name_width = 19;
    if (value.empty()) return;
    text.append(name).append(name_width - name.size(), ' ').append(value).append("\n");
  };
  row("socket", local.is_unix() ? "unix datagram" : "udp");
  row("local", local.to_string());
  row("peer", peer.to_string());
  row("receive queue", words(receive_queue_bytes, " bytes of memory, buffer ", receive_buffer_bytes,
                             receiving ? "; a receive is pending" : ""));
  row("send queue", words(send_queue_bytes, " bytes of memory, buffer ", send_buffer_bytes,
                          sending ? "; a send is pending" : ""));
  row("received", words(count_of(counters.received, "datagram"), ", ", counters.received_bytes,
                        " bytes; ", counters.truncated, " cut, ", counters.dropped, " dropped"));
  row("sent", words(count_of(counters.sent, "datagram"), ", ", counters.sent_bytes, " bytes"));
  return text;
}

std::string diagnose(const DatagramInfo& info) {
  const std::uint64_t dropped = info.counters.dropped;
  const std::string lost =
      dropped == 0 ? ""
                   : words("; ", count_of(dropped, "datagram"), dropped == 1 ? " was" : " were",
                           " dropped since the socket was made");
  const std::string from = info.peer.family() == Family::none
                               ? words("at ", info.local.to_string())
                               : words("from ", info.peer.to_string());
  if (info.sending) {
    return words("a send waits for room: ", info.send_queue_bytes, " bytes of memory of ",
                 info.send_buffer_bytes, " (SO_SNDBUF) are taken, or the peer's queue is full",
                 lost);
  }
  if (info.receive_queue_bytes > 0 && !info.receiving) {
    return words("we do not receive: ", info.receive_queue_bytes, " bytes of memory of ",
                 info.receive_buffer_bytes, " (SO_RCVBUF) wait here and no receive is pending",
                 lost.empty() ? "; await receive()" : lost);
  }
  if (!lost.empty()) {
    return words(info.receiving ? "waiting for datagrams " : "no receive is pending for datagrams ",
                 from, lost,
                 ", as the queue was full; receive faster, in batches, or raise "
                 "SO_RCVBUF (",
                 info.receive_buffer_bytes, ")");
  }
  if (info.receiving) {
    return words(
        "waiting for a datagram ", from, ": a receive is pending and ",
        info.counters.received == 0 ? "none has come so far" : "all that came was received");
  }
  return words("waiting for us: no send or receive of ours is pending ", from);
}

}  // namespace ieum
