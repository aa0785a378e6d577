#include "trace/sentences.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "text/units.hpp"
#include "trace/calls.hpp"

namespace ieum::cli::trace {

namespace {

bool is_stream(const Event& call) { return call.protocol == "tcp" || call.protocol == "unix"; }

std::string plural(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string how_text(std::int64_t how) {
  return how == 0 ? "SHUT_RD" : how == 1 ? "SHUT_WR" : "SHUT_RDWR";
}

std::string error_text(const Event& call) { return " = " + error_name(-call.result); }

std::string transfer_text(const Event& call, bool receives) {
  // Of a datagram whose socket is not connected the address belongs to the call.
  const bool has_address = is_datagram(call) && !call.address.empty();
  std::string word = has_address ? printable(call.call) + "()" : call_word(call.call);
  word.resize(word.size() - 2);
  const bool names_it = has_address && word.ends_with("to");
  const std::string to = names_it ? ", " + printable(call.address) : std::string();
  const std::string beside =
      has_address && !names_it ? " to " + printable(call.address) : std::string();
  const bool was_cut = call.asked >= 0 && call.result != call.asked;
  const std::string part =
      call.part > 0 ? fmt::format(", {} of {}", call.part, call.parts) : std::string();
  if (receives) {
    const bool shows_room = call.asked >= 0 && call.result == call.asked;
    std::string inside = shows_room ? std::to_string(call.asked) : std::string();
    if (call.peeks) inside = "MSG_PEEK";
    return call.result < 0 ? fmt::format("{}(){}", word, error_text(call))
                           : fmt::format("{}({}) = {}{}", word, inside, call.result, part);
  }
  if (call.result < 0) {
    return fmt::format("{}({}{}){}{}", word, call.asked >= 0 ? std::to_string(call.asked) : "", to,
                       beside, error_text(call));
  }
  if (!was_cut || call.asked < 0) {
    return fmt::format("{}({}{}){}{}", word, call.result, to, part, beside);
  }
  return fmt::format("{}({}{}) = {}{}{}", word, call.asked, to, call.result, part, beside);
}

std::string descriptors_text(const std::vector<int>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, "] ["));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("[::1]:");
}

bool is_wildcard(std::string_view address) {
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:") ||
         address.starts_with("*:");
}

/// At a call that failed.
std::string explain_error(const Event& call, const Model::Touch& touch) {
  if (!call.text.empty()) return printable(call.text);
  const Link* link = touch.link;
  switch (-call.result) {
    case ECONNRESET:
      if (link != nullptr && link->ends[1 - touch.side].was_reset) {
        const std::uint64_t unread = link->ends[1 - touch.side].unread;
        return unread > 0 ? fmt::format(
                                "the peer closed its end while {} that had come were "
                                "unread: its system then sends RST, not FIN",
                                plural(unread, "byte"))
                          : std::string("the peer's end was closed, and its system sent RST");
      }
      return "the peer's system has sent RST: its end is gone, and so is all that was on its way";
    case EPIPE:
      if (link != nullptr && link->ends[touch.side].has_shut_down) {
        return "this end was shut down for sending before";
      }
      return "the connection is over since it was reset; nothing can be sent on it any more";
    case ECONNREFUSED:
      if (call.protocol == "udp") {
        return "an earlier datagram was refused: nobody has that UDP port; its sendto() could not "
               "know, and the next call on the socket tells";
      }
      return {};
    case EMSGSIZE:
      return "a datagram is sent whole or not at all, and at most 65507 bytes fit into one (IPv4)";
    case ENOTCONN: return "it is not connected";
    case EADDRNOTAVAIL: return "this machine has no such address";
    case ETIMEDOUT: return "nothing was answered, however often it was sent";
    case ENETUNREACH:
    case EHOSTUNREACH: return "there is no way to that address";
    case ENOENT: return "there is no such file";
    case EACCES: return "the right for it is missing";
    default: return {};
  }
}

void explain_ending(const Event& call, const Model::Touch& touch, std::vector<std::string>& said,
                    Model& model) {
  const bool at_exit = call.call == "exit";
  const std::string what = at_exit ? "at the end of the program" : "at close()";
  switch (ending_of(call)) {
    case Ending::held:
      said.push_back(call.other_pid != 0
                         ? fmt::format("{} still has it open, so nothing is sent: the last close() "
                                       "of a socket ends the connection",
                                       model.programs().name_of(call.other_pid))
                         : std::string("another descriptor has it open still, so nothing is sent: "
                                       "the last close() of a socket ends the connection"));
      break;
    case Ending::reset:
      said.push_back(
          call.states.unread > 0
              ? fmt::format("{} {} unread {}, so the system sends RST: the peer learns that "
                            "{} lost",
                            plural(call.states.unread, "byte"),
                            call.states.unread == 1 ? "was" : "were", what,
                            call.states.unread == 1 ? "it was" : "they were")
              : std::string("SO_LINGER was set to a time of 0: it ends by RST, not FIN"));
      break;
    case Ending::maybe_reset:
      if (touch.link != nullptr && touch.link->ends[1 - touch.side].was_reset) {
        said.emplace_back("the peer's system has sent RST at the same time");
      } else {
        said.emplace_back(
            "the connection was gone at both ends at once, so one of their systems has sent RST; "
            "which one cannot be seen from here");
      }
      break;
    case Ending::maybe_fin:
      said.emplace_back("what was sent cannot be seen from here; FIN is what close() sends");
      break;
    default: break;
  }
}

std::string closing_text(const Closing::Verdict& closing, const std::string& first) {
  const std::string at = milliseconds(closing.at);
  if (closing.first) return fmt::format("{} closed first, at {}", first, at);
  std::string text = "both closed at once";
  if (closing.within > Time{}) {
    text = fmt::format("both closed within {}", closing.within < std::chrono::milliseconds(1)
                                                    ? fmt::format("{} µs", closing.within.count())
                                                    : milliseconds(closing.within));
  }
  text += ", at " + at;
  return text + (closing.have_crossed ? ": their FINs crossed"
                                      : ": which of them was first cannot be seen");
}

}  // namespace

std::string call_word(std::string_view call) {
  if (call == "sendto") return "send()";
  if (call == "recvfrom") return "recv()";
  if (call == "accept4") return "accept()";
  if (call == "pselect6") return "select()";
  if (call.starts_with("epoll_")) return "epoll_wait()";
  if (call == "ppoll") return "poll()";
  return printable(call) + "()";
}

std::string waited_text(const Event& call) {
  constexpr Time worth_saying = std::chrono::milliseconds(5);
  const Call* known = find_call(call.call);
  const bool may_wait =
      known != nullptr && (known->kind == CallKind::send || known->kind == CallKind::receive ||
                           known->kind == CallKind::connect || known->kind == CallKind::accept);
  if (!may_wait || call.took < worth_saying) return {};
  return fmt::format("(waited {})", milliseconds(call.took));
}

std::string milliseconds(Time time) {
  if (time >= std::chrono::seconds(10)) {
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1e6);
  }
  return fmt::format("{:.1f} ms", static_cast<double>(time.count()) / 1e3);
}

std::string state_text(SocketState state) {
  std::string text(to_string(state));
  std::ranges::transform(text, text.begin(), [](char letter) {
    return letter == '_' ? '-'
                         : static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  });
  return text;
}

std::string call_text(const Event& call) {
  const Call* known = find_call(call.call);
  // That a connect() goes on meanwhile is no failure, and is said beside it.
  const bool has_failed = call.result < 0 && call.result != -EINPROGRESS;
  const std::string failure = has_failed ? error_text(call) : std::string();
  const std::string address = printable(call.address);
  if (known == nullptr) return call_word(call.call) + failure;
  switch (known->kind) {
    case CallKind::create:
      return call.protocol == "tcp"
                 ? fmt::format("socket() = {}", call.fd)
                 : fmt::format("socket({}) = {}", printable(call.protocol), call.fd);
    case CallKind::create_pair: return fmt::format("socketpair() = {} {}", call.fd, call.other_fd);
    case CallKind::bind: return fmt::format("bind({}){}", address, failure);
    case CallKind::connect: return fmt::format("connect({}){}", address, failure);
    case CallKind::listen: return fmt::format("listen({}){}", call.asked, failure);
    case CallKind::accept:
      return call.result < 0 ? "accept()" + failure : fmt::format("accept() = {}", call.result);
    case CallKind::shut_down: return fmt::format("shutdown({}){}", how_text(call.value), failure);
    case CallKind::set_option:
    case CallKind::get_option: {
      const std::string option = printable(call.option);
      if (call.option == "SO_ERROR" && call.value != 0) {
        return fmt::format("getsockopt(SO_ERROR) = {}", error_name(call.value));
      }
      return fmt::format(
          "{}({}{}){}", printable(call.call), option,
          known->kind == CallKind::set_option ? fmt::format("={}", call.value) : "",
          known->kind == CallKind::get_option ? fmt::format(" = {}", call.value) : failure);
    }
    case CallKind::close: return "close()" + failure;
    case CallKind::duplicate: return fmt::format("{}() closes it", printable(call.call));
    case CallKind::send:
    case CallKind::receive: {
      std::string text = transfer_text(call, known->kind == CallKind::receive);
      if (!call.passed.empty()) {
        text += (known->kind == CallKind::send ? " passes " : " takes ") +
                descriptors_text(call.passed);
      }
      return text;
    }
    default: return call_word(call.call) + failure;
  }
}

Ending ending_of(const Event& call) {
  if (call.is_held) return Ending::held;
  const auto before = call.states.before;
  const auto after = call.states.own;
  const auto peer = call.states.peer;
  if (call.call == "shutdown" && call.value == 0) return Ending::nothing;
  if (!before || !after) return Ending::nothing;
  const bool was_open = *before == SocketState::established || *before == SocketState::close_wait;
  if (*after == SocketState::closed) {
    const bool could_reset =
        was_open || *before == SocketState::fin_wait_1 || *before == SocketState::fin_wait_2;
    if (could_reset && (call.states.unread > 0 || call.aborts)) return Ending::reset;
    if (!was_open) return Ending::nothing;
    // If both are gone at once: an orderly end, though both closed at the same time, would leave
    // TIME-WAIT there.
    const bool peer_goes_on = peer && *peer != SocketState::closed;
    if (peer_goes_on) return Ending::fin;
    const bool may_be_orderly = !peer && *before == SocketState::close_wait;
    return may_be_orderly ? Ending::maybe_fin : Ending::maybe_reset;
  }
  const bool has_finished = *after == SocketState::fin_wait_1 ||
                            *after == SocketState::fin_wait_2 || *after == SocketState::closing ||
                            *after == SocketState::last_ack || *after == SocketState::time_wait;
  return was_open && has_finished ? Ending::fin : Ending::nothing;
}

std::vector<std::string> explain_call(const Event& call, const Model::Touch& touch, Model& model) {
  std::vector<std::string> said;
  if (call.result < 0 && call.result != -EINPROGRESS) {
    const std::string why = explain_error(call, touch);
    if (!why.empty()) said.push_back(why);
    return said;
  }
  const Call* known = find_call(call.call);
  const CallKind kind = known == nullptr ? CallKind::close : known->kind;
  if (kind == CallKind::listen && is_loopback(call.local)) {
    said.push_back(
        fmt::format("only programs of this machine reach {}: it is the loopback "
                    "address",
                    printable(call.local)));
  } else if (kind == CallKind::listen && is_wildcard(call.local)) {
    said.push_back(fmt::format("{} is every address of this machine: others reach it too",
                               printable(call.local)));
  } else if (kind == CallKind::accept && touch.socket != nullptr && !touch.socket->has_accepted &&
             is_stream(call)) {
    touch.socket->has_accepted = true;
    const bool is_tcp = call.protocol == "tcp";
    said.push_back(
        fmt::format("[{}] is a new socket{}, connected to this client alone; [{}] goes "
                    "on listening",
                    call.other_fd, is_tcp ? " on the same port" : "", call.fd));
  } else if (kind == CallKind::close || kind == CallKind::duplicate ||
             kind == CallKind::shut_down) {
    explain_ending(call, touch, said, model);
  }
  return said;
}

std::vector<std::string> explain_receive(const Event& call,
                                         const std::vector<ByteFlow::Send>& from) {
  std::vector<std::string> said;
  constexpr Time worth_saying = std::chrono::milliseconds(5);
  for (const ByteFlow::Send& send : from) {
    if (!send.was_held_back || call.at - send.at < worth_saying) continue;
    said.push_back(fmt::format(
        "the sender's system held {} back for {}: Nagle's algorithm waits until what went before "
        "is acknowledged, and the receiver's system delays that (delayed ACK); TCP_NODELAY sends "
        "at once",
        plural(send.end - send.begin, "byte"), milliseconds(call.at - send.at)));
    break;
  }
  return said;
}

std::string sum_up(const Link& link, const Model& model) {
  const Link::End& one = link.ends[0];
  const Link::End& other = link.ends[1];
  const auto program = [&](std::size_t side) {
    const std::string& title = link.ends[side].program;
    return title.empty() ? std::string("nobody") : title;
  };
  // Both ends may be of one program, or of programs with one name.
  const auto name = [&](std::size_t side) {
    const std::string& address = link.ends[side].address;
    const bool is_clear = one.program != other.program || address.empty();
    return is_clear ? program(side) : fmt::format("{} {}", program(side), printable(address));
  };
  const auto address = [&](const Link::End& end) {
    if (one.address.empty() && other.address.empty()) return std::string("(socketpair)");
    if (end.address.empty()) return std::string("(no name)");
    const std::string host = model.host_of(end.address);
    return host.empty() ? printable(end.address)
                        : fmt::format("{} ({})", printable(end.address), host);
  };
  // What an end has sent that is not traced is known when it is received.
  const auto moved = [](const Link::End& end) {
    return format_bytes(std::max(end.out.sent_bytes(), end.out.received_bytes()));
  };
  std::string text = fmt::format("{} {} → {} {}: {} there, {} back", program(0), address(one),
                                 program(1), address(other), moved(one), moved(other));
  for (std::size_t side = 0; side < 2; ++side) {
    const ByteFlow& flow = link.ends[side].out;
    const bool was_watched = link.ends[1 - side].socket != 0 && link.is_whole;
    if (was_watched && flow.sent_bytes() > flow.received_bytes()) {
      text += fmt::format("; {} never received {} of the {} that {} sent", name(1 - side),
                          flow.sent_bytes() - flow.received_bytes(),
                          plural(flow.sent_bytes(), "byte"), name(side));
    }
  }
  if (const auto closing = link.closing.verdict()) {
    text += "; " + closing_text(*closing, closing->first ? name(*closing->first) : std::string());
  }
  constexpr Time worth_saying = std::chrono::milliseconds(5);
  if (link.longest_wait >= worth_saying) {
    text += fmt::format("; longest wait: {} by {} until {}", milliseconds(link.longest_wait),
                        name(static_cast<std::size_t>(link.waiting_end)),
                        milliseconds(link.waited_until));
  }
  return text;
}

}  // namespace ieum::cli::trace
