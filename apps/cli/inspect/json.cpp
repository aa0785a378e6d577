#include "inspect/json.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "inspect/holder_text.hpp"
#include "text/json_line.hpp"

namespace ieum::cli {

namespace {

using Json = nlohmann::ordered_json;

/// Raised when a member changes its meaning or goes; new ones may come at any time.
constexpr int schema_version = 1;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

template <class T>
void set_if_known(Json& object, const char* name, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_same_v<T, Duration>) {
    object[name] = seconds(*value);
  } else {
    object[name] = *value;
  }
}

Json process_of(const SocketTable& table, const SocketHolder& holder) {
  const SocketProcess& process = table.processes()[holder.process];
  Json object;
  object["pid"] = process.pid;
  object["uid"] = process.uid;
  object["name"] = process.name;
  object["command"] = process.command_line;
  if (holder.descriptor >= 0) {
    object["descriptor"] = holder.descriptor;
  } else {
    object["io_uring_file"] = true;
  }
  if (!holder.blocked_in.empty()) object["blocked_in"] = holder.blocked_in;
  if (process.calls_known) object["process_in"] = process.blocked_in;
  if (holder.epoll_events) object["epoll"] = epoll_words(*holder.epoll_events);
  object["uses_io_uring"] = process.uses_io_uring;
  return object;
}

void add_tcp(Json& object, const TcpInfo& tcp) {
  set_if_known(object, "last_received_seconds", tcp.last_data_received);
  set_if_known(object, "last_sent_seconds", tcp.last_data_sent);
  set_if_known(object, "last_acknowledged_seconds", tcp.last_ack_received);
  set_if_known(object, "round_trip_seconds", tcp.rtt);
  set_if_known(object, "peer_window_bytes", tcp.peer_window_bytes);
  set_if_known(object, "our_window_bytes", tcp.our_window_bytes);
  set_if_known(object, "bytes_received", tcp.bytes_received);
  set_if_known(object, "bytes_sent", tcp.bytes_sent);
}

}  // namespace

std::string to_json(const Findings& findings, std::uint32_t index, const std::string& time) {
  const SocketEntry& socket = findings.socket(index);
  const SocketInfo& info = socket.info;
  Json object;
  object["schema"] = schema_version;
  object["time"] = time;
  object["protocol"] = protocol_of(info);
  if (protocol_of(info) == "unix") {
    object["type"] = socket.seqpacket ? "seqpacket" : info.is_datagram() ? "datagram" : "stream";
  }
  object["state"] = state_of(socket);
  object["local"] = address_text(info.local);
  object["peer"] = info.peer.to_string();
  object["inode"] = socket.inode;
  object["uid"] = socket.uid;
  object["receive_queue_bytes"] = info.receive_queue_bytes;
  object["send_queue_bytes"] = info.send_queue_bytes;
  if (info.tcp) object["unsent_bytes"] = info.unsent_bytes;
  if (info.backlog) {
    object["backlog"] = {{"waiting", info.backlog->waiting}, {"max", info.backlog->max}};
  }
  if (socket.timer != SocketTimer::none) {
    object["timer"] = {{"kind", to_string(socket.timer)}, {"seconds", seconds(socket.timer_left)}};
  }
  if (info.kind == SocketKind::tcp) object["retransmits"] = socket.retransmits;
  if (info.kind == SocketKind::udp) object["dropped"] = socket.drops;
  if (socket.ipv6_only) object["ipv6_only"] = true;
  if (info.tcp) add_tcp(object, *info.tcp);
  if (socket.other_end != SocketEntry::npos) {
    object["other_end_inode"] = findings.socket(socket.other_end).inode;
  }
  Json& processes = object["processes"] = Json::array();
  for (const SocketHolder& holder : findings.table().holders(index)) {
    processes.push_back(process_of(findings.table(), holder));
  }
  if (findings.is_hidden(index)) object["process_hidden"] = true;
  object["cause"] = to_string(findings[index].cause);
  object["stuck"] = findings[index].is_stuck;
  object["leaking"] = findings[index].is_leaking;
  object["sentence"] = findings.sentence(index);
  return json_line(object);
}

std::string to_json(const Totals& totals, const std::string& time) {
  Json object;
  object["schema"] = schema_version;
  object["time"] = time;
  object["sockets"] = totals.sockets;
  object["stuck"] = totals.stuck;
  object["leaking"] = totals.leaking;
  object["hidden"] = totals.hidden;
  Json& states = object["states"] = Json::object();
  for (const auto& [key, number] : totals.states) {
    states[std::string(key.first)][std::string(key.second)] = number;
  }
  Json& causes = object["causes"] = Json::object();
  for (const auto& [key, number] : totals.causes) {
    causes[std::string(key.first)][std::string(key.second)] = number;
  }
  constexpr std::size_t processes_max = 100;
  Json& processes = object["processes"] = Json::array();
  for (std::size_t i = 0; i < std::min(processes_max, totals.processes.size()); ++i) {
    const Totals::Process& process = totals.processes[i];
    processes.push_back({{"pid", process.pid},
                         {"title", process.title},
                         {"sockets", process.sockets},
                         {"stuck", process.stuck},
                         {"leaking", process.leaking}});
  }
  return json_line(object);
}

}  // namespace ieum::cli
