// SimNetwork: a network of simulated hosts in virtual time, to test programs on: the same sockets,
// every run the same from its seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/runtime.hpp>
#include <ieum/sim_options.hpp>
#include <ieum/sim_random.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail::sim {
class HostDriver;
class Node;
class World;
}  // namespace detail::sim

class SimNetwork;

/// A host of a `SimNetwork`: addresses, a runtime of its own, the tasks that were started on it.
/// What a task does on it (`StreamSocket::connect`, `Listener::bind`, `resolve`, `sleep`,
/// `offload`) reaches the simulated network and its time only. Descriptors, files, signals and
/// processes are no part of it: those operations fail with `not_supported`.
///
/// It lives as long as its network, also while it is down.
class SimHost {
 public:
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;
  ~SimHost();

  [[nodiscard]] const std::string& name() const noexcept;
  /// Its first address of `family`, with `port`.
  [[nodiscard]] Address address(std::uint16_t port, Family family = Family::ipv4) const noexcept;
  [[nodiscard]] bool is_up() const noexcept;

  /// Starts `task`, for which `SimNetwork::run` waits. If it fails, `run` fails with its error,
  /// which names the host; a crash that ends it is no failure. An exception passes through `run`.
  void start(Task<> task) { start(std::move(task), true); }
  /// The same for one that may go on for ever, such as a server: `run` does not wait for it.
  void start_background(Task<> task) { start(std::move(task), false); }

  /// Power off: its tasks end where they are, as if stopped, but nothing that they do meanwhile
  /// leaves the host; its connections are forgotten without a word to their peers, and what is
  /// under way to it is lost. What was written to variables outside of its tasks is its disk.
  /// Never call it from a task of this host: use `SimNetwork::at`.
  void crash();
  /// It is up again, with the same addresses and nothing else: start its tasks anew. Its peers'
  /// old connections are reset when they send something.
  void restart();

  /// What goes wrong with its operations, from now on.
  void set_faults(const SimFaults& faults) noexcept;
  /// The time of day as this host has it (`SimHostOptions`). The simulation begins at the start of
  /// 2030, UTC.
  [[nodiscard]] std::chrono::system_clock::time_point wall_clock() const noexcept;
  /// For `run(host.runtime(), op)`: the network goes on as long as that takes. Not while it is
  /// down.
  [[nodiscard]] Runtime& runtime() noexcept;
  /// What its tasks are waiting for (`Runtime::dump_tasks`).
  [[nodiscard]] std::string dump_tasks() const;

 private:
  friend class SimNetwork;
  struct Program;
  SimHost(SimNetwork& network, detail::sim::Node& node);
  void start(Task<> task, bool awaited);
  void boot();
  void end_tasks() noexcept;
  void reap();

  SimNetwork& network_;
  detail::sim::Node& node_;
  std::unique_ptr<Runtime> runtime_;
  std::vector<std::unique_ptr<Program>> programs_;
};

/// Hosts, the links between them, one clock, one seed. Everything in it happens in one thread and
/// one after the other, in an order that is drawn from the seed; virtual time jumps to what happens
/// next. The same program with the same seed does the same, on every machine and in every build,
/// as long as it asks for nothing else: no real time, no threads, no address of an object as a
/// number, no unordered container gone through.
///
///     SimNetwork net{seed};
///     SimHost& server = net.add_host("server");
///     SimHost& client = net.add_host("client");
///     server.start_background(serve_echo());
///     client.start(talk_to("server:7"));
///     net.at(1s, [&] { net.partition(server, client); });
///     net.at(5s, [&] { net.heal(server, client); });
///     const Result<> result = net.run();
///
/// What tasks refer to must outlive the network, or its `end()`: declare it before.
///
/// A turn of a host's loop takes 1 µs, whatever it computes.
class SimNetwork {
 public:
  static constexpr std::size_t hosts_max = 10'000;

  explicit SimNetwork(std::uint64_t seed);
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  /// Ends all tasks, as `SimHost::crash` does.
  ~SimNetwork();

  /// A host that others find by `name`, with an address of each family: the first is 10.0.0.1 and
  /// fd00::1, the next 10.0.0.2 and fd00::2. Each host also has its own loopback addresses.
  SimHost& add_host(std::string_view name, const SimHostOptions& options = {});
  /// The same with these addresses (their ports do not matter) instead; at least one.
  SimHost& add_host_at(std::string_view name, const std::vector<Address>& addresses,
                       const SimHostOptions& options = {});
  /// `name` is another name for these addresses, which need not be anybody's.
  void add_name(std::string_view name, std::vector<Address> addresses);

  /// What links are like that are not set one by one; set it before hosts are added.
  void set_links(const LinkOptions& options) noexcept;
  /// Both directions, or one, from now on. What is under way arrives as it would have.
  void set_link(const SimHost& a, const SimHost& b, const LinkOptions& options);
  void set_link_one_way(const SimHost& from, const SimHost& to, const LinkOptions& options);
  /// Nothing passes any more, what is under way included. `Family::ipv4` or `Family::ipv6`: only
  /// that is cut.
  void partition(const SimHost& a, const SimHost& b, Family family = Family::none);
  void partition_one_way(const SimHost& from, const SimHost& to, Family family = Family::none);
  /// Both directions, all families.
  void heal(const SimHost& a, const SimHost& b);
  void heal_all();

  /// Does `what` when so much time has passed since the network was made; at once, in the next
  /// step, if it has. It runs between the turns of the hosts, so it may crash and restart them.
  void at(AnyDuration since_start, std::move_only_function<void()> what);
  /// The same, from now on.
  void after(AnyDuration delay, std::move_only_function<void()> what);

  /// Goes on until all tasks of `SimHost::start` have ended, or any task has failed: the first such
  /// failure is the result, with the host's name as its detail. Errors of its own: `timed_out`:
  /// after `limit` of virtual time they had not ended; `resource_deadlock_would_occur`: nothing
  /// will ever happen any more, and they wait; `dump_tasks` says what for.
  [[nodiscard]] Result<> run(AnyDuration limit = std::chrono::hours(1));
  /// Goes on until `condition()`, asked after every step, or until `limit` has passed: false.
  bool run_until(const std::function<bool()>& condition, AnyDuration limit = std::chrono::hours(1));
  /// Goes on for so long, whatever happens; tasks that have failed are told by the next `run`.
  void run_for(AnyDuration time);

  /// Ends all tasks, as a crash of all hosts at the same time; the hosts stay down.
  void end() noexcept;

  /// Since the network was made.
  [[nodiscard]] Duration now() const noexcept;
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  /// For what the test itself decides: faults, sizes, delays. Its draws change no other.
  [[nodiscard]] SimRandom& random() noexcept { return random_; }
  /// What the tasks of all hosts are waiting for.
  [[nodiscard]] std::string dump_tasks() const;

  /// The `ordinal`-th operation that begins from now on, on any host, fails; the first is 1.
  /// Opening, accepting: `too_many_files_open`; connecting: `connection_refused`; writing:
  /// `no_buffer_space`; reading: the connection is reset.
  void fail_operation(std::uint64_t ordinal) noexcept;
  /// Operations that have begun.
  [[nodiscard]] std::uint64_t operations() const noexcept;

  /// Events so far, and a hash of all that they tell, the seed included: two runs with the same
  /// number of both did the same.
  [[nodiscard]] std::uint64_t events() const noexcept;
  [[nodiscard]] std::uint64_t trace_hash() const noexcept;
  /// Tells `sink` every event from now on.
  void trace_to(std::function<void(const SimEvent&)> sink);
  /// `1.003 ms server #4 sent 1500`.
  [[nodiscard]] std::string describe(const SimEvent& event) const;

 private:
  friend class SimHost;
  void cut(const SimHost& from, const SimHost& to, Family family);
  void told(const Error& error, const SimHost& host);

  std::uint64_t seed_;
  SimRandom random_;
  std::shared_ptr<detail::sim::World> world_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::size_t awaited_ = 0;       // tasks that `run` waits for
  std::unique_ptr<Error> error_;  // the first that was not told yet
  std::exception_ptr exception_;
};

/// `count` seeds from `first` on; or the one alone that the environment variable IEUM_SEED names,
/// which is how a failure is replayed.
[[nodiscard]] std::vector<std::uint64_t> sim_seeds(std::size_t count, std::uint64_t first = 1);

/// Runs `scenario` on a new network of `seed` again and again, its first operation failing, then
/// its second, and so on, until it runs untouched; gives the number of runs. `scenario` must bear
/// each failure, and check what it left.
std::uint64_t fail_at_each_point(std::uint64_t seed,
                                 const std::function<void(SimNetwork&)>& scenario);

}  // namespace ieum
#pragma GCC visibility pop
