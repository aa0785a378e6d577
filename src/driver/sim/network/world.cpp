// World: events in the order of their time, and of their making; turns for the hosts.
#include "driver/sim/network/world.hpp"

#include <algorithm>
#include <utility>

#include <ieum/detail/assert.hpp>

#include "driver/sim/host_driver.hpp"

namespace ieum::detail::sim {

namespace {

/// Independent streams, so that a draw more for one thing changes nothing about the others.
constexpr std::uint64_t link_stream = 0x1111111111111111;
constexpr std::uint64_t turn_stream = 0x2222222222222222;
constexpr std::uint64_t host_stream = 0x3333333333333333;
constexpr std::uint64_t program_stream = 0x5555555555555555;

}  // namespace

World::World(std::uint64_t seed)
    : link_random_(seed ^ link_stream),
      turn_random_(seed ^ turn_stream),
      host_random_(seed ^ host_stream),
      program_random_(seed ^ program_stream),
      trace_(seed) {}

World::~World() {
  for (const Event& event : events_) {
    if (event.kind == Kind::packet) delete event.packet;
  }
}

Node& World::add_node(std::string name, const SimHostOptions& options, const std::vector<Ip>& ips) {
  const auto index = node_count();
  nodes_.push_back(std::make_unique<Node>(*this, index, std::move(name), options, ips));
  for (const Ip& ip : ips) node_of_ip_.emplace(ip, index);
  links_.emplace_back();
  LinkOptions loopback;
  loopback.latency = Duration::zero();
  loopback.mtu = 65'536;
  link(index, index).set(loopback);
  return *nodes_.back();
}

Node* World::node_with(const Ip& ip) const noexcept {
  const auto found = node_of_ip_.find(ip);
  return found == node_of_ip_.end() ? nullptr : nodes_[found->second].get();
}

Node* World::node_named(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find_if(nodes_, [&](const auto& node) { return node->name() == name; });
  return found == nodes_.end() ? nullptr : found->get();
}

Link& World::link(std::uint32_t from, std::uint32_t to) {
  std::vector<Link>& row = links_[from];
  while (row.size() <= to) row.emplace_back().set(default_);
  return row[to];
}

// ---- Sockets ------------------------------------------------------------------------------------

Socket& World::add(std::unique_ptr<Socket> socket) {
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t index = free_places_.back();
  free_places_.pop_back();
  Place& place = places_[index];
  place.socket = std::move(socket);
  place.socket->number = ++sockets_made_;
  place.socket->id = std::uint64_t{place.generation} << 32U | index;
  return *place.socket;
}

void World::retire(Socket& socket) noexcept {
  const auto index = static_cast<std::uint32_t>(socket.id);
  Place& place = places_[index];
  IEUM_ASSERT(place.socket.get() == &socket, "a simulated socket retires twice");
  ++place.generation;
  retired_.push_back(std::move(place.socket));
  free_places_.push_back(index);
}

void World::forget_sockets(Node& node) noexcept {
  node.forget_all();
  for (Place& place : places_) {
    if (place.socket && &place.socket->node() == &node) retire(*place.socket);
  }
  retired_.clear();
}

// ---- Events -------------------------------------------------------------------------------------

std::unique_ptr<Packet> World::make_packet() {
  if (free_packets_.empty()) return std::make_unique<Packet>();
  std::unique_ptr<Packet> packet = std::move(free_packets_.back());
  free_packets_.pop_back();
  return packet;
}

void World::recycle(std::unique_ptr<Packet> packet) noexcept {
  constexpr std::size_t kept_max = 256;
  if (free_packets_.size() >= kept_max) return;
  std::vector<std::byte> data = std::move(packet->data);
  data.clear();
  *packet = Packet{};
  packet->data = std::move(data);
  free_packets_.push_back(std::move(packet));
}

void World::push(Event event) {
  event.order = order_++;
  events_.push_back(event);
  std::ranges::push_heap(events_, Later{});
}

void World::send(std::unique_ptr<Packet> packet) {
  using What = SimEvent::What;
  if (!nodes_[packet->from_node]->up) return recycle(std::move(packet));
  const auto told = [&](What what) {
    trace(packet->from_node, packet->socket, what, packet->bytes());
  };
  told(What::sent);
  const Link::Fate fate =
      link(packet->from_node, packet->to_node).carry(*packet, now_, link_random_);
  if (fate.why != What::sent) {
    told(fate.why);
    return recycle(std::move(packet));
  }
  packet->corrupted = fate.corrupted;
  if (fate.copy_arrives != never) {
    told(What::duplicated);
    auto copy = std::make_unique<Packet>(*packet);
    push({.at = fate.copy_arrives,
          .order = 0,
          .kind = Kind::packet,
          .index = 0,
          .packet = copy.release()});
  }
  push({.at = fate.arrives,
        .order = 0,
        .kind = Kind::packet,
        .index = 0,
        .packet = packet.release()});
}

void World::deliver(std::unique_ptr<Packet> packet) noexcept {
  using What = SimEvent::What;
  Node& to = *nodes_[packet->to_node];
  const auto told = [&](What what) { trace(to.index(), 0, what, packet->bytes()); };
  const bool reaches =
      to.up && !link(packet->from_node, packet->to_node).is_cut(packet->to.ip.is_ipv4());
  if (!reaches) {
    told(What::cut);
  } else if (packet->corrupted) {
    told(What::corrupted);
  } else {
    told(What::arrived);
    to.arrived(*packet);
  }
  recycle(std::move(packet));
}

void World::set_timer(const Socket& socket, Time at) {
  push({.at = at, .order = 0, .kind = Kind::timer, .index = 0, .socket = socket.id});
}

void World::call_at(Time at, std::move_only_function<void()> what) {
  if (free_calls_.empty()) {
    free_calls_.push_back(static_cast<std::uint32_t>(calls_.size()));
    calls_.emplace_back();
  }
  const std::uint32_t index = free_calls_.back();
  free_calls_.pop_back();
  calls_[index] = std::move(what);
  push({.at = at, .order = 0, .kind = Kind::call, .index = index, .socket = 0});
}

void World::happen(const Event& event) noexcept {
  switch (event.kind) {
    case Kind::packet: deliver(std::unique_ptr<Packet>(event.packet)); break;
    case Kind::timer: {
      const Place& place = places_[static_cast<std::uint32_t>(event.socket)];
      if (place.socket && place.socket->id == event.socket && place.socket->node().up) {
        place.socket->timer();
      }
      break;
    }
    case Kind::call: {
      due_calls_.push_back(std::move(calls_[event.index]));
      free_calls_.push_back(event.index);
      break;
    }
    case Kind::sleeper: {
      HostDriver* driver = drivers_[event.index];
      if (driver != nullptr && driver->sleeps_until == event.at) {
        driver->sleeps_until = never;
        make_runnable(*driver);
      }
      break;
    }
  }
}

void World::flush() noexcept {
  if (flushing_) return;
  flushing_ = true;
  while (!events_.empty() && events_[0].at <= now_) {
    const Event event = events_[0];
    std::ranges::pop_heap(events_, Later{});
    events_.pop_back();
    happen(event);
  }
  retired_.clear();
  flushing_ = false;
}

void World::run_calls() noexcept {
  if (!turning_.empty()) return;  // it may end the host whose turn it is
  for (auto& call : std::exchange(due_calls_, {})) {
    call();
    flush();
  }
}

// ---- Turns --------------------------------------------------------------------------------------

void World::add_driver(HostDriver& driver) {
  driver.index = static_cast<std::uint32_t>(drivers_.size());
  drivers_.push_back(&driver);
}

void World::remove_driver(HostDriver& driver) noexcept {
  drivers_[driver.index] = nullptr;
  std::erase(runnable_, &driver);
  std::ranges::replace(turning_, &driver, static_cast<HostDriver*>(nullptr));
}

void World::make_runnable(HostDriver& driver) noexcept {
  if (driver.is_runnable) return;
  driver.is_runnable = true;
  runnable_.push_back(&driver);
}

void World::take_wakes() noexcept {
  if (!any_woken_.exchange(false)) return;
  for (HostDriver* driver : drivers_) {
    if (driver != nullptr && driver->is_woken()) make_runnable(*driver);
  }
}

void World::wake(HostDriver& driver) noexcept {
  const std::lock_guard lock(mutex_);
  driver.set_woken();
  any_woken_ = true;
  woken_.notify_all();
}

bool World::turn_hosts(const HostDriver* except) noexcept {
  take_wakes();
  if (!turning_.empty()) return false;  // a host's turn has come here: others wait for its end
  turning_.swap(runnable_);
  for (HostDriver* driver : turning_) driver->is_runnable = false;
  bool any = false;
  // In an order that is drawn: nobody may rely on one.
  for (std::size_t i = turning_.size(); i > 1; --i) {
    const std::uint64_t other = turn_random_.below(i);
    std::swap(turning_[i - 1], turning_[other]);
  }
  for (std::size_t i = 0; i < turning_.size(); ++i) {
    HostDriver* const driver = turning_[i];
    if (driver == nullptr || driver == except || !driver->turns_itself()) continue;
    any = true;
    driver->take_turn();
    if (turning_[i] == nullptr) continue;  // it has ended
    if (!driver->fell_asleep()) {
      make_runnable(*driver);
    } else if (driver->sleeps_until != never) {
      push({.at = driver->sleeps_until,
            .order = 0,
            .kind = Kind::sleeper,
            .index = driver->index,
            .socket = 0});
    }
  }
  turning_.clear();
  return any;
}

bool World::step(Time until) noexcept {
  flush();
  run_calls();
  if (turn_hosts(nullptr)) {
    now_ += turn_time;
    flush();
    return now_ < until;
  }
  const Time next = next_time();
  if (next == never) return false;
  if (next > until) {
    now_ = std::max(now_, until);
    return false;
  }
  now_ = std::max(now_, next);
  flush();
  run_calls();
  return true;
}

void World::drive(HostDriver& self, Time deadline) noexcept {
  now_ += turn_time;
  flush();
  if (!self.has_completed() && !self.is_woken() && turn_hosts(&self)) flush();
  while (!self.has_completed() && !self.is_woken() && deadline > now_) {
    if (turn_hosts(&self)) {
      now_ += turn_time;
      flush();
      continue;
    }
    const Time next = std::min(next_time(), deadline);
    if (next == never) {
      // Nothing can happen here any more: another thread must have something for us.
      std::unique_lock lock(mutex_);
      // It may have come since we looked, and been taken note of by the turns above.
      woken_.wait(lock, [&] { return any_woken_.load() || self.is_woken(); });
      lock.unlock();
      take_wakes();
      continue;
    }
    now_ = std::max(now_, next);
    flush();
    run_calls();
  }
}

}  // namespace ieum::detail::sim
