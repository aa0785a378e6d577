// The datagram server by hand, on epoll(7): recvfrom(2) and sendto(2) until nothing is left, or
// recvmmsg(2) and sendmmsg(2) with UDP_GRO and UDP_SEGMENT.
#include <netinet/udp.h>
#include <sys/epoll.h>

#include <memory>

#include "datagrams/server.hpp"

namespace {

std::uint64_t received;

void serve_one_by_one(int socket, bool echo) {
  static std::array<char, bench::datagram_bytes_max> buffer;
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t count = ::recvfrom(socket, buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return;  // never of a socket that blocks
    if (count == 1) {
      const bench::Report report(socket, received);
      ::sendto(socket, report.text.data(), report.size, 0, reinterpret_cast<sockaddr*>(&from),
               size);
      continue;
    }
    ++received;
    if (echo) {
      ::sendto(socket, buffer.data(), static_cast<std::size_t>(count), 0,
               reinterpret_cast<sockaddr*>(&from), size);
    }
  }
}

struct Room {
  // Not a power of two apart, or all of them would fall into the same lines of the cache.
  static constexpr std::size_t stride = bench::datagram_bytes_max + 33 * 64;
  std::unique_ptr<char[]> memory =
      std::make_unique_for_overwrite<char[]>(stride * bench::batch_max);
  std::array<mmsghdr, bench::batch_max> messages{};
  std::array<iovec, bench::batch_max> parts{};
  std::array<sockaddr_in, bench::batch_max> names{};
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
  };
  std::array<Control, bench::batch_max> controls{};

  void reset() {
    for (std::size_t i = 0; i < bench::batch_max; ++i) {
      parts[i] = {memory.get() + i * stride, bench::datagram_bytes_max};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &names[i];
      header.msg_namelen = sizeof names[i];
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = &controls[i];
      header.msg_controllen = sizeof controls[i];
    }
  }
};

/// Makes the message one to send back; how many datagrams it is.
std::uint64_t turn_round(mmsghdr& message, iovec& part) {
  part.iov_len = message.msg_len;
  cmsghdr* control = CMSG_FIRSTHDR(&message.msg_hdr);
  if (control == nullptr || control->cmsg_type != UDP_GRO) {
    message.msg_hdr.msg_controllen = 0;
    return 1;
  }
  int segment = 0;
  std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
  const auto bytes = static_cast<std::uint16_t>(segment);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof bytes);
  std::memcpy(CMSG_DATA(control), &bytes, sizeof bytes);
  message.msg_hdr.msg_controllen = CMSG_SPACE(sizeof bytes);
  return (message.msg_len + bytes - 1U) / bytes;
}

void serve_many(int socket, bool echo) {
  static Room room;
  for (;;) {
    room.reset();
    const int count = ::recvmmsg(socket, room.messages.data(), bench::batch_max, 0, nullptr);
    if (count < 0) return;
    unsigned back = 0;
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
      mmsghdr& message = room.messages[i];
      if (message.msg_len == 1) {
        const bench::Report report(socket, received);
        ::sendto(socket, report.text.data(), report.size, 0,
                 static_cast<sockaddr*>(message.msg_hdr.msg_name), message.msg_hdr.msg_namelen);
        continue;
      }
      received += turn_round(message, room.parts[i]);
      if (back != i) room.messages[back] = message;
      ++back;
    }
    if (echo) ::sendmmsg(socket, room.messages.data(), back, 0);
    if (static_cast<std::size_t>(count) < bench::batch_max) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::DatagramOptions options = bench::parse(argc, argv);
  // No event loop at all: what a program of one socket can do.
  if (!options.many && std::getenv("BENCH_BLOCKING") != nullptr) {
    serve_one_by_one(bench::open_socket(0), options.echo);
  }
  const int socket = bench::open_socket(SOCK_NONBLOCK);
  const int on = 1;
  if (options.many) ::setsockopt(socket, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) < 0) bench::die("epoll_ctl", errno);
  for (;;) {
    if (::epoll_wait(epoll, &event, 1, -1) <= 0) continue;
    if (options.many) {
      serve_many(socket, options.echo);
    } else {
      serve_one_by_one(socket, options.echo);
    }
  }
}
