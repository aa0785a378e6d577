// World: a simulated network: its clock, what is to happen, its nodes, links and sockets. One
// thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <ieum/sim_options.hpp>
#include <ieum/sim_random.hpp>

#include "driver/sim/network/link.hpp"
#include "driver/sim/network/node.hpp"
#include "driver/sim/network/packet.hpp"
#include "driver/sim/network/trace.hpp"
#include "driver/sim/socket/socket.hpp"

namespace ieum::detail::sim {

class World {
 public:
  /// What a turn of a host's loop takes: no task can keep time from passing.
  static constexpr Time turn_time = microsecond;

  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- Nodes and links
  Node& add_node(std::string name, const SimHostOptions& options, const std::vector<Ip>& ips);
  [[nodiscard]] Node& node(std::uint32_t index) const noexcept { return *nodes_[index]; }
  [[nodiscard]] std::uint32_t node_count() const noexcept {
    return static_cast<std::uint32_t>(nodes_.size());
  }
  /// Null: no node has it.
  [[nodiscard]] Node* node_with(const Ip& ip) const noexcept;
  [[nodiscard]] Node* node_named(std::string_view name) const noexcept;
  /// What new links are like.
  void set_default(const LinkOptions& options) noexcept { default_ = options; }
  Link& link(std::uint32_t from, std::uint32_t to);

  // ---- Sockets
  Socket& add(std::unique_ptr<Socket> socket);
  /// Freed once nothing on the stack can still use it.
  void retire(Socket& socket) noexcept;
  /// The node's sockets are no more, and nobody is told.
  void forget_sockets(Node& node) noexcept;

  // ---- What is to happen
  std::unique_ptr<Packet> make_packet();
  void send(std::unique_ptr<Packet> packet);
  void set_timer(const Socket& socket, Time at);
  void call_at(Time at, std::move_only_function<void()> what);
  /// Lets happen what is due now. Call it at the end of whatever may have sent something.
  void flush() noexcept;

  // ---- Time and turns
  [[nodiscard]] Time now() const noexcept { return now_; }
  void add_driver(HostDriver& driver);
  void remove_driver(HostDriver& driver) noexcept;
  void make_runnable(HostDriver& driver) noexcept;
  /// Goes on: a turn for each host that has something to do, or to the next event. False: nothing
  /// will ever happen, or not before `until`, which is then reached.
  bool step(Time until) noexcept;
  /// Nothing happens until `until`.
  void pass(Time until) noexcept {
    if (until != never && until > now_) now_ = until;
  }
  /// For a loop that somebody else turns: goes on until `self` has something to do, or `deadline`.
  void drive(HostDriver& self, Time deadline) noexcept;
  /// Any thread.
  void wake(HostDriver& driver) noexcept;

  // ---- Injected failures
  /// The `ordinal`-th operation from now on, the first is 1, fails; 0: none does.
  void fail_operation(std::uint64_t ordinal) noexcept {
    fail_at_ = ordinal == 0 ? 0 : operations_ + ordinal;
  }
  /// Counts an operation; true if it is the one that fails.
  bool next_operation_fails() noexcept { return ++operations_ == fail_at_; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }

  // ---- The names that hosts look up
  std::map<std::string, std::vector<Address>, std::less<>> names;

  void trace(std::uint32_t node, std::uint64_t socket, SimEvent::What what,
             std::int64_t value) noexcept {
    trace_.add(
        {.time = Duration(now_), .host = node, .socket = socket, .what = what, .value = value});
  }
  [[nodiscard]] Trace& trace() noexcept { return trace_; }
  /// What hosts draw from for themselves: ports and the like.
  [[nodiscard]] SimRandom& random() noexcept { return host_random_; }
  /// What their programs draw from.
  [[nodiscard]] SimRandom& program_random() noexcept { return program_random_; }

 private:
  enum class Kind : std::uint8_t { packet, timer, call, sleeper };
  struct Event {
    Time at;
    std::uint64_t order;
    Kind kind;
    std::uint32_t index;  // of a call; a driver's
    union {
      Packet* packet;
      std::uint64_t socket;
    };
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct Place {
    std::unique_ptr<Socket> socket;
    std::uint32_t generation = 0;
  };

  void push(Event event);
  void deliver(std::unique_ptr<Packet> packet) noexcept;
  void happen(const Event& event) noexcept;
  [[nodiscard]] Time next_time() const noexcept { return events_.empty() ? never : events_[0].at; }
  bool turn_hosts(const HostDriver* except) noexcept;
  void take_wakes() noexcept;
  void run_calls() noexcept;
  void recycle(std::unique_ptr<Packet> packet) noexcept;

  Time now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t sockets_made_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  bool flushing_ = false;
  std::vector<Event> events_;  // a heap
  std::vector<std::move_only_function<void()>> calls_;
  std::vector<std::uint32_t> free_calls_;
  std::vector<std::move_only_function<void()>> due_calls_;
  std::vector<std::unique_ptr<Packet>> free_packets_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<Ip, std::uint32_t> node_of_ip_;
  std::vector<std::vector<Link>> links_;  // from, to
  LinkOptions default_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  std::vector<std::unique_ptr<Socket>> retired_;
  std::vector<HostDriver*> drivers_;  // null: it has gone
  std::vector<HostDriver*> runnable_;
  std::vector<HostDriver*> turning_;
  SimRandom link_random_;
  SimRandom turn_random_;
  SimRandom host_random_;
  SimRandom program_random_;
  Trace trace_;
  std::atomic<bool> any_woken_ = false;
  std::mutex mutex_;  // for those who wait in real time
  std::condition_variable woken_;
};

}  // namespace ieum::detail::sim
