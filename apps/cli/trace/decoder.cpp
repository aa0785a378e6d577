#include "trace/decoder.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <ieum/printable.hpp>

#include "trace/reasons.hpp"
#include "trace/remote.hpp"
#include "trace/width.hpp"

namespace ieum::cli::trace {

namespace {

constexpr std::size_t vectors_max = 16;
constexpr std::size_t messages_max = 64;
constexpr std::size_t dns_bytes_max = 4096;

int as_fd(std::uint64_t argument) noexcept { return static_cast<int>(argument); }

/// What SCM_RIGHTS passes, of a control message of which a part will do.
std::vector<int> passed_descriptors(const std::string& control) {
  std::vector<int> passed;
  std::size_t at = 0;
  cmsghdr header{};
  while (at + sizeof header <= control.size()) {
    std::memcpy(&header, control.data() + at, sizeof header);
    if (header.cmsg_len < sizeof header) break;
    const std::size_t end = std::min(at + header.cmsg_len, control.size());
    if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
      for (std::size_t i = at + CMSG_LEN(0); i + sizeof(int) <= end; i += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, control.data() + i, sizeof fd);
        passed.push_back(fd);
      }
    }
    at += CMSG_ALIGN(header.cmsg_len);
  }
  return passed;
}

}  // namespace

bool Decoder::enter(CallUnderWay& under_way, int pid, int tid) {
  const auto& arguments = under_way.arguments;
  under_way.kind = under_way.call->kind;
  switch (under_way.kind) {
    case CallKind::create:
    case CallKind::create_pair:
    case CallKind::ring: return true;
    case CallKind::duplicate: under_way.fd = as_fd(arguments[1]); break;
    default: under_way.fd = as_fd(arguments[0]); break;
  }
  if (under_way.call->name == "splice") {
    under_way.fd = as_fd(arguments[2]);
    under_way.socket = socket_at(tid, under_way.fd);
    if (under_way.socket == 0) {
      under_way.fd = as_fd(arguments[0]);
      under_way.kind = CallKind::receive;
    }
  }
  if (under_way.socket == 0) under_way.socket = socket_at(tid, under_way.fd);
  if (under_way.socket == 0) return false;
  SeenSocket& seen = sockets_.look(pid, under_way.fd, under_way.socket);
  if (!seen.is_ours) return false;
  if (under_way.kind == CallKind::close || under_way.kind == CallKind::duplicate ||
      under_way.kind == CallKind::shut_down) {
    under_way.before = sockets_.ask(seen, under_way.began);
    const bool ends = under_way.kind != CallKind::shut_down || as_fd(arguments[1]) != SHUT_RD;
    if (ends) SocketsSeen::note_ending(seen, under_way.before, under_way.began);
  }
  return true;
}

std::vector<Event> Decoder::leave(const CallUnderWay& under_way, int pid, int tid,
                                  std::int64_t result, Time now) {
  const bool acts = under_way.call->acts_at_once() && under_way.kind != CallKind::receive;
  Event event{.kind = EventKind::call,
              .at = acts ? under_way.began : now,
              .took = now - under_way.began,
              .pid = pid,
              .tid = tid,
              .call = std::string(under_way.call->name),
              .result = result,
              .fd = under_way.fd,
              .socket = under_way.socket};
  if (under_way.kind == CallKind::ring) {
    event.kind = EventKind::note;
    event.text = result < 0 ? "it asked for an io_uring and was told that there is none; with "
                              "--io-uring it gets one, and what it does by it is not seen"
                            : "it has an io_uring: what it does by it is not seen";
    return {std::move(event)};
  }
  if (under_way.kind == CallKind::create || under_way.kind == CallKind::create_pair) {
    if (result < 0) return {};
    int numbers[2] = {static_cast<int>(result), -1};
    if (under_way.kind == CallKind::create_pair) {
      if (!read_memory(tid, under_way.arguments[3], numbers, sizeof numbers)) return {};
      event.other_fd = numbers[1];
    }
    describe_creation(event, tid, numbers[0], now);
    if (event.protocol.empty()) return {};
    return {std::move(event)};
  }
  if (under_way.socket == 0) return {};
  names_.clear();
  is_dns_answer_ = false;
  describe(event, under_way, now);
  if (event.protocol.empty()) return {};
  std::vector<Event> events;
  if (under_way.call->buffers == Buffers::messages && result > 0) {
    events = split_messages(event, under_way);
  } else {
    events.push_back(event);
  }
  if (!names_.empty()) add_names(event, events);
  return events;
}

bool Decoder::may_be_dns_answer(const Event& event) const {
  const std::string& from = event.address.empty() ? event.peer : event.address;
  return data_bytes_ > 0 && event.protocol == "udp" && from.ends_with(":53");
}

/// What the addresses in a DNS answer are called, for the connections that follow it.
void Decoder::add_names(const Event& event, std::vector<Event>& events) {
  for (const NamedAddress& one : names_) {
    events.push_back({.kind = EventKind::name,
                      .at = event.at,
                      .pid = event.pid,
                      .tid = event.tid,
                      .text = printable(one.host),
                      .address = one.address.to_string()});
  }
}

void Decoder::describe_creation(Event& event, int tid, int fd, Time /*now*/) {
  event.fd = fd;
  event.socket = socket_at(tid, fd);
  if (event.socket == 0) return;
  sockets_.forget(event.socket);
  const SeenSocket& seen = sockets_.look(event.pid, fd, event.socket);
  if (seen.is_ours) event.protocol = seen.protocol;
  if (event.other_fd < 0) return;
  event.other_socket = socket_at(tid, event.other_fd);
  sockets_.forget(event.other_socket);
  (void)sockets_.look(event.pid, event.other_fd, event.other_socket);
}

void Decoder::describe(Event& event, const CallUnderWay& under_way, Time now) {
  const int tid = event.tid;
  const auto& arguments = under_way.arguments;
  const CallKind kind = under_way.kind;
  const bool is_closed = kind == CallKind::close || kind == CallKind::duplicate;
  SeenSocket* seen = is_closed ? sockets_.find(under_way.socket)
                               : &sockets_.look(event.pid, under_way.fd, under_way.socket);
  if (seen == nullptr || seen->protocol.empty()) return;
  event.protocol = seen->protocol;
  event.local = seen->local.to_string();
  event.peer = seen->peer.to_string();
  switch (kind) {
    case CallKind::bind:
    case CallKind::connect: event.address = address_at(tid, arguments[1], arguments[2]); break;
    case CallKind::listen: event.asked = static_cast<std::int32_t>(arguments[1]); break;
    case CallKind::shut_down: event.value = static_cast<std::int32_t>(arguments[1]); break;
    case CallKind::accept:
      if (event.result < 0) break;
      describe_accepted(event, tid, seen->aborts);
      // It may have made room by forgetting the listener.
      seen = &sockets_.look(event.pid, under_way.fd, under_way.socket);
      break;
    case CallKind::send:
    case CallKind::receive: describe_transfer(event, under_way); break;
    case CallKind::set_option:
    case CallKind::get_option: describe_option(event, arguments, *seen); break;
    default: break;
  }
  if (event.peer_socket == 0) event.peer_socket = seen->unix_peer;
  if (event.result < 0) describe_failure(event);
  if (seen->pair) {
    const bool moved = event.result > 0 && (kind == CallKind::send || kind == CallKind::receive);
    // A second send in a row may be held back by Nagle's algorithm.
    const bool may_be_held_back = kind == CallKind::send && seen->sent_last;
    if (moved) seen->sent_last = kind == CallKind::send;
    const auto told = moved ? sockets_.told(*seen, now) : std::nullopt;
    event.states = told ? *told : sockets_.ask(*seen, now);
    if (told && may_be_held_back) event.states.unsent = sockets_.unsent(*seen);
    if (is_closed || kind == CallKind::shut_down) {
      event.states.before = under_way.before.own;
      event.states.unread = under_way.before.unread;
      event.at = SocketsSeen::place_of_ending(*seen, event.states, event.at);
    }
    if (is_closed) {
      event.aborts = seen->aborts;
      event.is_held = sockets_.is_held(*seen, under_way.socket).value_or(false);
    }
  }
}

void Decoder::describe_accepted(Event& event, int tid, bool aborts) {
  event.other_fd = static_cast<int>(event.result);
  event.other_socket = socket_at(tid, event.other_fd);
  if (event.other_socket == 0) return;
  sockets_.forget(event.other_socket);
  SeenSocket& accepted = sockets_.look(event.pid, event.other_fd, event.other_socket);
  event.other_local = accepted.local.to_string();
  event.other_peer = accepted.peer.to_string();
  event.peer_socket = accepted.unix_peer;
  accepted.aborts = aborts;  // an accepted socket has the options of its listener
}

void Decoder::describe_transfer(Event& event, const CallUnderWay& under_way) {
  const auto& arguments = under_way.arguments;
  const bool receives = under_way.kind == CallKind::receive;
  const std::size_t bytes = event.result > 0 ? static_cast<std::size_t>(event.result) : 0;
  switch (under_way.call->buffers) {
    case Buffers::plain: {
      event.asked = static_cast<std::int64_t>(arguments[2]);
      const bool has_address = event.call == "sendto" || event.call == "recvfrom";
      event.peeks = has_address && receives && (arguments[3] & MSG_PEEK) != 0;
      if (has_address && !receives) {
        event.address = address_at(event.tid, arguments[4], arguments[5]);
      } else if (has_address && event.result >= 0 && arguments[4] != 0) {
        const auto length = read_value<socklen_t>(event.tid, arguments[5]);
        if (length) event.address = address_at(event.tid, arguments[4], *length);
      }
      is_dns_answer_ = receives && may_be_dns_answer(event);
      event.data = data_of(event.tid, arguments[1], bytes);
      break;
    }
    case Buffers::vector:
      event.data = data_of_vector(event.tid, arguments[1], arguments[2], bytes);
      break;
    case Buffers::message:
      event.peeks = receives && (arguments[2] & MSG_PEEK) != 0;
      describe_message(event, arguments[1], receives);
      break;
    case Buffers::none: event.asked = static_cast<std::int64_t>(arguments[3]); break;
    case Buffers::messages: break;
  }
}

void Decoder::describe_message(Event& event, std::uint64_t header, bool receives) {
  const auto message = read_value<msghdr>(event.tid, header);
  if (!message || (receives && event.result < 0)) return;
  const auto at = [](const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
  event.address = address_at(event.tid, at(message->msg_name), message->msg_namelen);
  if (event.result < 0) return;
  is_dns_answer_ = receives && may_be_dns_answer(event);
  event.data = data_of_vector(event.tid, at(message->msg_iov), message->msg_iovlen,
                              static_cast<std::size_t>(event.result));
  event.truncated = receives && (message->msg_flags & MSG_TRUNC) != 0;
  if (message->msg_control != nullptr) {
    constexpr std::size_t control_max = 1024;
    event.passed =
        passed_descriptors(read_bytes(event.tid, at(message->msg_control),
                                      std::min<std::size_t>(control_max, message->msg_controllen)));
  }
}

std::vector<Event> Decoder::split_messages(const Event& event, const CallUnderWay& under_way) {
  std::vector<Event> events;
  const std::size_t count =
      std::min(messages_max, static_cast<std::size_t>(std::max<std::int64_t>(0, event.result)));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t header = under_way.arguments[1] + i * sizeof(mmsghdr);
    const auto message = read_value<mmsghdr>(event.tid, header);
    if (!message) break;
    Event one = event;
    one.result = message->msg_len;
    one.part = static_cast<std::uint32_t>(i + 1);
    one.parts = static_cast<std::uint32_t>(event.result);
    describe_message(one, header, under_way.kind == CallKind::receive);
    events.push_back(std::move(one));
  }
  return events;
}

void Decoder::describe_option(Event& event, const Arguments& arguments, SeenSocket& seen) {
  event.option = option_name(static_cast<int>(arguments[1]), static_cast<int>(arguments[2]));
  event.value = read_value<std::int32_t>(event.tid, arguments[3]).value_or(0);
  if (event.option == "SO_LINGER" && event.call == "setsockopt" && event.result == 0) {
    const auto given = read_value<linger>(event.tid, arguments[3]);
    seen.aborts = given && given->l_onoff != 0 && given->l_linger == 0;
  }
}

void Decoder::describe_failure(Event& event) {
  const bool in_use = event.result == -EADDRINUSE;
  const bool is_refused = event.result == -ECONNREFUSED && event.call == "connect";
  if (!in_use && !is_refused) return;
  const Result<Address> address =
      Address::parse(event.address.empty() ? event.local : event.address);
  if (!address) return;
  constexpr Time kept = std::chrono::seconds(1);
  constexpr std::size_t kept_max = 64;
  const std::string key = event.protocol + event.call + event.address;
  const auto found = reasons_.find(key);
  if (found != reasons_.end() && event.at - found->second.first < kept) {
    event.text = found->second.second;
    return;
  }
  if (reasons_.size() >= kept_max) reasons_.clear();
  event.text = in_use ? who_holds(event.protocol, *address) : why_refused(event.protocol, *address);
  reasons_[key] = {event.at, event.text};
}

/// How much of so many bytes is read: of a DNS answer all.
std::size_t Decoder::kept_of(std::size_t bytes) const {
  return std::min(bytes, is_dns_answer_ ? std::max(dns_bytes_max, data_bytes_) : data_bytes_);
}

std::string Decoder::keep(std::string data, std::size_t bytes) {
  if (is_dns_answer_) {
    const auto found = read_dns_answer(data);
    names_.insert(names_.end(), found.begin(), found.end());
  }
  if (data.size() > data_bytes_) data.resize(data_bytes_);
  return escape_data(data, data.size() < bytes);
}

std::string Decoder::data_of(int tid, std::uint64_t address, std::size_t bytes) {
  return keep(read_bytes(tid, address, kept_of(bytes)), bytes);
}

std::string Decoder::data_of_vector(int tid, std::uint64_t parts, std::size_t count,
                                    std::size_t bytes) {
  std::string data;
  const std::size_t kept = kept_of(bytes);
  for (std::size_t i = 0; i < std::min(count, vectors_max) && data.size() < kept; ++i) {
    const auto part = read_value<iovec>(tid, parts + i * sizeof(iovec));
    if (!part) break;
    data += read_bytes(tid, reinterpret_cast<std::uint64_t>(part->iov_base),
                       std::min(part->iov_len, kept - data.size()));
  }
  return keep(std::move(data), bytes);
}

}  // namespace ieum::cli::trace
