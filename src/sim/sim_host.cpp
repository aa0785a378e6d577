// SimHost: a runtime on a simulated host, and the tasks that were started there.
#include <cstdio>
#include <cstdlib>

#include <ieum/sim_network.hpp>

#include "driver/sim/host_driver.hpp"
#include "driver/sim/network/world.hpp"

namespace ieum {

namespace sim = detail::sim;

/// A task that was started.
struct SimHost::Program {
  Program(Runtime& runtime, Task<> task, bool is_awaited)
      : awaited(is_awaited), running(runtime.start(std::move(task))) {}
  bool awaited;
  Running<void> running;
};

SimHost::SimHost(SimNetwork& network, sim::Node& node) : network_(network), node_(node) { boot(); }

SimHost::~SimHost() = default;

void SimHost::boot() {
  auto driver =
      std::make_unique<sim::HostDriver>(network_.world_, node_, node_.options.receive_buffers_max);
  sim::HostDriver& of_runtime = *driver;
  runtime_ = std::make_unique<Runtime>(std::move(driver));
  of_runtime.set_turn([this] {
    runtime_->turn();
    reap();
  });
}

const std::string& SimHost::name() const noexcept { return node_.name(); }
bool SimHost::is_up() const noexcept { return node_.up; }

Address SimHost::address(std::uint16_t port, Family family) const noexcept {
  for (const sim::Ip& ip : node_.ips()) {
    if (ip.is_ipv4() == (family == Family::ipv4)) return sim::Endpoint{ip, port}.address(family);
  }
  return {};
}

Runtime& SimHost::runtime() noexcept {
  IEUM_ASSERT(runtime_ != nullptr, "a simulated host that is down has no runtime");
  return *runtime_;
}

std::string SimHost::dump_tasks() const {
  const std::string tasks = runtime_ ? runtime_->dump_tasks() : std::string();
  return name() + (tasks.empty() ? ": nothing waits\n" : ":\n" + tasks);
}

void SimHost::set_faults(const SimFaults& faults) noexcept { node_.faults = faults; }

std::chrono::system_clock::time_point SimHost::wall_clock() const noexcept {
  using namespace std::chrono;
  const Duration since_1970(node_.wall_time(network_.world_->now()));
  return system_clock::time_point(duration_cast<system_clock::duration>(since_1970));
}

void SimHost::start(Task<> task, bool awaited) {
  Runtime& on = runtime();
  network_.world_->trace(node_.index(), 0, SimEvent::What::started, awaited ? 1 : 0);
  if (awaited) ++network_.awaited_;
  programs_.push_back(std::make_unique<Program>(on, std::move(task), awaited));
  on.loop().driver().wake();
}

/// Puts away the tasks that have ended.
void SimHost::reap() {
  for (std::size_t i = 0; i < programs_.size();) {
    if (!programs_[i]->running.done()) {
      ++i;
      continue;
    }
    const std::unique_ptr<Program> program = std::move(programs_[i]);
    programs_.erase(programs_.begin() + static_cast<std::ptrdiff_t>(i));
    if (program->awaited) --network_.awaited_;
    std::int64_t number = 0;
#if defined(__cpp_exceptions)
    try {
#endif
      const Result<> result = program->running.take();
      if (!result && node_.up) network_.told(result.error(), *this);
      if (!result) number = result.error().code().value();
#if defined(__cpp_exceptions)
    } catch (...) {
      if (!network_.exception_ && node_.up) network_.exception_ = std::current_exception();
      number = -1;
    }
#endif
    network_.world_->trace(node_.index(), 0, SimEvent::What::ended, number);
  }
}

void SimHost::end_tasks() noexcept {
  constexpr int turns_max = 1'000'000;
  node_.up = false;
  runtime_->stop();
  for (int i = 0; !programs_.empty(); ++i) {
    runtime_->turn();
    reap();
    if (i < turns_max) continue;
    std::fprintf(stderr, "ieum: a simulated host is down, and its tasks do not end: %s\n",
                 dump_tasks().c_str());
    std::abort();
  }
  runtime_.reset();
  network_.world_->forget_sockets(node_);
  node_.ahead = 0;
}

void SimHost::crash() {
  if (!node_.up) return;
  IEUM_ASSERT(detail::Loop::current() == nullptr,
              "a simulated host is crashed from within a task: use SimNetwork::at or after");
  network_.world_->trace(node_.index(), 0, SimEvent::What::crashed, 0);
  end_tasks();
}

void SimHost::restart() {
  crash();
  node_.up = true;
  network_.world_->trace(node_.index(), 0, SimEvent::What::restarted, 0);
  boot();
}

}  // namespace ieum
