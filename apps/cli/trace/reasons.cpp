#include "trace/reasons.hpp"

#include <fmt/format.h>

#include <ieum/socket_table.hpp>

#include "inspect/findings.hpp"
#include "text/units.hpp"

namespace ieum::cli::trace {

namespace {

std::string holder_of(const SocketTable& table, std::size_t index) {
  const auto holders = table.holders(index);
  if (holders.empty()) return "a process that only root may see";
  const SocketProcess& process = table.processes()[holders.front().process];
  return fmt::format("{} (pid {})", title_of(process), process.pid);
}

/// Two sockets cannot both have them.
bool overlap(const Address& one, const Address& other) {
  if (one.is_unix() || other.is_unix()) return one == other;
  if (one.port() != other.port()) return false;
  return one.is_wildcard() || other.is_wildcard() || one.bytes() == other.bytes();
}

Result<SocketTable> read_table(std::string_view protocol) {
  return SocketTable::read({.tcp = protocol == "tcp",
                            .udp = protocol == "udp",
                            .unix_sockets = protocol.starts_with("unix")});
}

}  // namespace

std::string who_holds(std::string_view protocol, const Address& address) {
  const Result<SocketTable> table = read_table(protocol);
  if (!table) return {};
  const SocketEntry* ended = nullptr;
  for (std::size_t i = 0; i < table->sockets().size(); ++i) {
    const SocketEntry& one = table->sockets()[i];
    if (!overlap(one.info.local, address)) continue;
    if (one.info.is_listener() || one.info.is_datagram()) {
      return fmt::format("{} is held by {}", address.to_string(), holder_of(*table, i));
    }
    if (one.info.state == SocketState::time_wait && ended == nullptr) ended = &one;
  }
  if (ended != nullptr) {
    return fmt::format(
        "nobody holds {}, but a connection of it is in TIME-WAIT for {} more: SO_REUSEADDR, set "
        "before bind(), takes it nevertheless",
        address.to_string(), format_duration(ended->timer_left));
  }
  for (std::size_t i = 0; i < table->sockets().size(); ++i) {
    if (overlap(table->sockets()[i].info.local, address) && !table->holders(i).empty()) {
      return fmt::format("{} is in use by a connection of {}", address.to_string(),
                         holder_of(*table, i));
    }
  }
  return {};
}

std::string why_refused(std::string_view protocol, const Address& address) {
  const std::string what = protocol == "udp" ? "has a UDP socket" : "listens";
  std::string text = fmt::format("nobody {} at {}", what, address.to_string());
  if (address.is_unix()) return text + ": the file is left of a program that has ended";
  const Result<SocketTable> table = read_table(protocol);
  if (!table) return text;
  for (std::size_t i = 0; i < table->sockets().size(); ++i) {
    const SocketInfo& info = table->sockets()[i].info;
    const bool takes = protocol == "udp" ? info.is_datagram() : info.is_listener();
    if (takes && info.local.is_ip() && info.local.port() == address.port()) {
      text +=
          fmt::format("; {} {} at {} alone", holder_of(*table, i), what, info.local.to_string());
      break;
    }
  }
  return text;
}

}  // namespace ieum::cli::trace
