#include "trace/state_question.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ieum::cli::trace {

namespace {

constexpr std::size_t answer_bytes_max = 4096;
using Buffer = std::array<char, answer_bytes_max>;

/// The kernel's numbers (net/tcp_states.h).
constexpr std::array kernel_states{
    SocketState::closed,       SocketState::established, SocketState::syn_sent,
    SocketState::syn_received, SocketState::fin_wait_1,  SocketState::fin_wait_2,
    SocketState::time_wait,    SocketState::closed,      SocketState::close_wait,
    SocketState::last_ack,     SocketState::closed,  // LISTEN: it is another socket that was found
    SocketState::closing,      SocketState::syn_received};

template <class Request>
struct Message {
  nlmsghdr header{};
  Request request{};
};

/// The answer's bytes behind its header; none if there was no such socket, or no answer.
struct Reply {
  bool is_error = false;
  int error = 0;
  const char* data = nullptr;
  std::size_t bytes = 0;
};

template <class Request>
Reply exchange(int netlink, Message<Request>& message, Buffer& buffer) {
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST;
  constexpr Reply none{.is_error = true, .error = EIO};
  if (::send(netlink, &message, sizeof message, 0) < 0) return none;
  const ssize_t count = ::recv(netlink, buffer.data(), buffer.size(), 0);
  nlmsghdr header{};
  if (count < static_cast<ssize_t>(sizeof header)) return none;
  std::memcpy(&header, buffer.data(), sizeof header);
  const char* data = buffer.data() + NLMSG_HDRLEN;
  const std::size_t bytes = static_cast<std::size_t>(count) - NLMSG_HDRLEN;
  if (header.nlmsg_type == NLMSG_ERROR) {
    nlmsgerr error{};
    if (bytes < sizeof error) return none;
    std::memcpy(&error, data, sizeof error);
    return {.is_error = true, .error = -error.error};
  }
  return {.data = data, .bytes = bytes};
}

/// An attribute's bytes copied to `to`, as many as there are of both.
template <class T>
bool find_attribute(const Reply& reply, std::size_t offset, unsigned wanted, T& to) {
  while (offset + sizeof(rtattr) <= reply.bytes) {
    rtattr attribute{};
    std::memcpy(&attribute, reply.data + offset, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || offset + attribute.rta_len > reply.bytes) break;
    if (attribute.rta_type == wanted) {
      std::memcpy(&to, reply.data + offset + RTA_LENGTH(0),
                  std::min<std::size_t>(sizeof to, attribute.rta_len - RTA_LENGTH(0)));
      return true;
    }
    offset += RTA_ALIGN(attribute.rta_len);
  }
  return false;
}

}  // namespace

StateQuestion::StateQuestion()
    : netlink_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}

std::optional<StateQuestion::Answer> StateQuestion::ask(const Address& local, const Address& peer) {
  if (!netlink_.is_open() || local.family() != peer.family() || !local.is_ip()) return {};
  Message<inet_diag_req_v2> message;
  inet_diag_req_v2& request = message.request;
  request.sdiag_family = local.family() == Family::ipv4 ? AF_INET : AF_INET6;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
  request.idiag_states = ~0U;
  request.id.idiag_sport = htons(local.port());
  request.id.idiag_dport = htons(peer.port());
  request.id.idiag_if = local.scope();
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  std::memcpy(&request.id.idiag_src, local.bytes().data(), local.bytes().size());
  std::memcpy(&request.id.idiag_dst, peer.bytes().data(), peer.bytes().size());
  Buffer buffer{};
  const Reply reply = exchange(netlink_.number(), message, buffer);
  if (reply.is_error) {
    return reply.error == ENOENT ? std::optional<Answer>(Answer{}) : std::nullopt;
  }
  inet_diag_msg answer{};
  if (reply.bytes < sizeof answer) return {};
  std::memcpy(&answer, reply.data, sizeof answer);
  Answer result;
  if (answer.idiag_state >= kernel_states.size()) return {};
  result.state = kernel_states[answer.idiag_state];
  if (result.state == SocketState::closed) return result;
  result.socket = answer.idiag_inode;
  result.unread = answer.idiag_rqueue;
  result.unacknowledged = answer.idiag_wqueue;
  tcp_info info{};
  if (find_attribute(reply, NLMSG_ALIGN(sizeof answer), INET_DIAG_INFO, info)) {
    result.unsent = info.tcpi_notsent_bytes;
  }
  // The peer's FIN counts as a byte until the program has seen it.
  const bool peer_finished =
      result.state != SocketState::established && result.state != SocketState::syn_sent &&
      result.state != SocketState::fin_wait_1 && result.state != SocketState::fin_wait_2;
  if (peer_finished && result.unread > 0) --result.unread;
  return result;
}

std::uint64_t StateQuestion::unix_peer(std::uint64_t socket) {
  if (!netlink_.is_open()) return 0;
  Message<unix_diag_req> message;
  message.request.sdiag_family = AF_UNIX;
  message.request.udiag_states = ~0U;
  message.request.udiag_ino = static_cast<std::uint32_t>(socket);
  message.request.udiag_show = UDIAG_SHOW_PEER;
  message.request.udiag_cookie[0] = message.request.udiag_cookie[1] = ~0U;
  Buffer buffer{};
  const Reply reply = exchange(netlink_.number(), message, buffer);
  if (reply.is_error || reply.bytes < sizeof(unix_diag_msg)) return 0;
  std::uint32_t peer = 0;
  find_attribute(reply, NLMSG_ALIGN(sizeof(unix_diag_msg)), UNIX_DIAG_PEER, peer);
  return peer;
}

}  // namespace ieum::cli::trace
