#include "inspect/item_text.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "text/units.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t indent = 4;

std::string local_text(const SocketInfo& info) {
  std::string text = address_text(info.local);
  return text.empty() ? "(no name)" : text;
}

/// The kind of the socket, with what its protocol does not tell.
std::string kind_text(const SocketEntry& socket) {
  std::string text(protocol_of(socket.info));
  if (socket.info.kind == SocketKind::unix_datagram) text += " datagram";
  if (socket.seqpacket) text += " seqpacket";
  return text;
}

/// "established, 12 bytes in, 3.4 MiB out, retransmission in 1.2 s"
std::string state_text(const SocketEntry& socket) {
  const SocketInfo& info = socket.info;
  std::string text(state_of(socket));
  if (info.backlog)
    text += fmt::format(", backlog {} of {}", info.backlog->waiting, info.backlog->max);
  if (info.receive_queue_bytes > 0) text += ", in " + format_bytes(info.receive_queue_bytes);
  if (info.send_queue_bytes > 0) text += ", out " + format_bytes(info.send_queue_bytes);
  // Of a TIME-WAIT the state says it.
  if (socket.timer != SocketTimer::none) {
    text += socket.timer == SocketTimer::time_wait
                ? fmt::format(", {} left", format_duration(socket.timer_left))
                : fmt::format(", {} in {}", to_string(socket.timer),
                              format_duration(socket.timer_left));
  }
  if (socket.interface != 0) {
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(socket.interface, name.data()) != nullptr) {
      text += fmt::format(", on {}", name.data());
    }
  }
  return text;
}

/// `text` without places to break a line at, until `append_line` has done so.
constexpr char unbroken_space = '\x1f';  // never in printable text
std::string unbroken(std::string text) {
  std::ranges::replace(text, ' ', unbroken_space);
  return text;
}

/// Escape sequences are put around the title afterwards, as they take no columns.
void append_line(std::string& to, const std::string& title, bool is_stuck, std::string_view rest,
                 std::size_t margin, const TextStyle& style) {
  std::string line;
  append_wrapped(line, fmt::format("{}  {}", unbroken(title), rest),
                 static_cast<std::size_t>(style.columns), margin, margin + indent);
  std::ranges::replace(line, unbroken_space, ' ');
  if (style.bold) {
    line.replace(line.find(title), title.size(), is_stuck ? red(title, style) : bold(title, style));
  }
  to += line;
}

/// "python3 server.py (pid 812, fd 6) and 3 more", broken before the parenthesis at most.
std::string holders_text(const Findings& findings, std::uint32_t index) {
  std::string text = findings.holders(index);
  const std::size_t open = text.rfind(" (");
  if (open == std::string::npos) return text;
  return text.substr(0, open + 1) + unbroken(text.substr(open + 1));
}

void append_end(std::string& to, const Findings& findings, std::uint32_t index,
                std::string_view title, std::size_t margin, const TextStyle& style) {
  const SocketEntry& socket = findings.socket(index);
  const bool stuck = findings[index].is_stuck;
  append_line(to, fmt::format("{}{}", stuck ? "! " : "", title), stuck,
              fmt::format("{}  {}", state_text(socket), holders_text(findings, index)), margin,
              style);
  append_wrapped(to, findings.sentence(index), static_cast<std::size_t>(style.columns),
                 margin + indent, margin + indent);
}

}  // namespace

std::string bold(std::string text, const TextStyle& style) {
  return style.bold ? fmt::format("\x1b[1m{}\x1b[0m", text) : text;
}

std::string red(std::string text, const TextStyle& style) {
  return style.bold ? fmt::format("\x1b[1;31m{}\x1b[0m", text) : text;
}

void append_item(std::string& to, const Findings& findings, const Item& item,
                 const TextStyle& style) {
  const SocketEntry& socket = findings.socket(item.first);
  const std::string kind = kind_text(socket);
  const std::string local = local_text(socket.info);
  if (!item.has_both()) {
    const std::string peer = socket.info.peer.to_string();
    append_end(to, findings, item.first,
               peer.empty() ? fmt::format("{} {}", kind, local)
                            : fmt::format("{} {} <-> {}", kind, local, peer),
               0, style);
    return;
  }
  const SocketEntry& other = findings.socket(item.second);
  const std::string other_local = local_text(other.info);
  to += bold(fmt::format("{} {} <-> {}", kind, local, other_local), style);
  to += ", both ends are here\n";
  const bool is_unix = protocol_of(socket.info) == "unix";
  // Both ends of a Unix connection have one name, or none.
  append_end(to, findings, item.first, is_unix ? "one end" : local, indent / 2, style);
  append_end(to, findings, item.second, is_unix ? "other end" : other_local, indent / 2, style);
}

}  // namespace ieum::cli
