// Node: a machine of a simulated network: its addresses, its clock, who has which port.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include <ieum/sim_options.hpp>

#include "driver/sim/network/packet.hpp"

namespace ieum::detail::sim {

class Tcp;
class Udp;
class UnixDatagram;
class UnixSocket;
class World;

/// A connection's two ends, as its own side sees them.
struct Flow {
  Endpoint local;
  Endpoint remote;
  friend bool operator==(const Flow&, const Flow&) = default;
};
struct FlowHash {
  std::size_t operator()(const Flow& flow) const noexcept;
};

class Node {
 public:
  Node(World& world, std::uint32_t index, std::string name, const SimHostOptions& limits,
       std::vector<Ip> ips)
      : options(limits),
        world_(world),
        index_(index),
        name_(std::move(name)),
        ips_(std::move(ips)) {}

  [[nodiscard]] World& world() const noexcept { return world_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::vector<Ip>& ips() const noexcept { return ips_; }
  [[nodiscard]] bool has(const Ip& ip) const noexcept;
  /// The address that something to `to` comes from; false: there is none of its family.
  bool source_for(const Ip& to, Ip& source) const noexcept;

  // ---- Its clocks. Local time counts nanoseconds, too.
  [[nodiscard]] Time local_time(Time world) const noexcept;
  /// The time of day, since 1970.
  [[nodiscard]] Time wall_time(Time world) const noexcept;
  /// The first world time at which the local time is `local`.
  [[nodiscard]] Time world_time(Time local) const noexcept;

  // ---- Who has which port
  /// Binds `socket` to `at`, choosing a port for 0: 0 or a negated errno.
  int bind(Tcp& socket, Endpoint& at) noexcept;
  /// May it listen where it is bound?
  [[nodiscard]] int may_listen(const Tcp& socket) const noexcept;
  void unbind(Tcp& socket) noexcept;
  /// Chooses a port for a connection from `flow.local.ip`: 0 or a negated errno.
  int choose_port(Flow& flow) noexcept;
  [[nodiscard]] bool has_flow(const Flow& flow) const noexcept { return flows_.contains(flow); }
  void add_flow(const Flow& flow, Tcp& socket) {
    flows_.emplace(flow, &socket);
    ++using_[flow.local.port];
  }
  void remove_flow(const Flow& flow) noexcept;
  [[nodiscard]] Tcp* connection(const Flow& flow) const noexcept;
  /// Who listens for a client from `remote` to `local`; null: nobody.
  [[nodiscard]] Tcp* listener(const Endpoint& local, const Endpoint& remote) const noexcept;
  void forget_all() noexcept;

  // ---- The same for datagrams
  int bind(Udp& socket, Endpoint& at) noexcept;
  void unbind(Udp& socket) noexcept;
  /// Whether somebody here receives what `source` sends to `group`.
  [[nodiscard]] bool has_member(const Endpoint& group, const Ip& source) const noexcept;

  void arrived(const Packet& packet) noexcept;

  SimHostOptions options;
  SimFaults faults;
  bool up = true;
  Time ahead = 0;  ///< of the world's time, while its tasks are ended after a crash
  std::map<std::string, UnixSocket*> unix_names;
  std::map<std::string, UnixDatagram*> unix_datagrams;
  unsigned unix_names_chosen = 0;  ///< of datagram sockets that were bound to none

 private:
  void datagram_arrived(const Packet& packet) noexcept;
  [[nodiscard]] bool is_free(const Tcp& socket, const Endpoint& at) const noexcept;

  World& world_;
  std::uint32_t index_;
  std::string name_;
  std::vector<Ip> ips_;
  std::unordered_map<Flow, Tcp*, FlowHash> flows_;  // looked up only, never gone through
  std::map<std::uint16_t, std::vector<Tcp*>> bound_;
  std::map<std::uint16_t, std::vector<Udp*>> datagrams_;
  std::map<std::uint16_t, std::uint32_t> using_;  // connections from or to a port of ours
};

}  // namespace ieum::detail::sim
