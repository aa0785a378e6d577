// SimNetwork: hosts, links and time, for those who test with them.
#include <ieum/sim_network.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "driver/sim/host_driver.hpp"
#include "driver/sim/network/world.hpp"

namespace ieum {

namespace sim = detail::sim;

using sim::Time;

namespace {

/// A time without overflow: `Duration::max()` means for ever.
Time later(Time now, Duration delay) noexcept {
  const Time count = std::max<Time>(delay.count(), 0);
  return count > sim::never - now ? sim::never : now + count;
}

constexpr std::uint64_t test_stream = 0x4444444444444444;

}  // namespace

SimNetwork::SimNetwork(std::uint64_t seed)
    : seed_(seed), random_(seed ^ test_stream), world_(std::make_shared<sim::World>(seed)) {}

SimNetwork::~SimNetwork() {
  end();
  hosts_.clear();
}

void SimNetwork::end() noexcept {
  // All are down before the first one's tasks end: nobody hears of it.
  for (const auto& host : hosts_) host->node_.up = false;
  for (const auto& host : hosts_) {
    if (host->runtime_) host->end_tasks();
  }
}

SimHost& SimNetwork::add_host(std::string_view name, const SimHostOptions& options) {
  const std::size_t number = hosts_.size() + 1;
  const auto high = static_cast<std::uint8_t>(number / 256);
  const auto low = static_cast<std::uint8_t>(number % 256);
  std::array<std::uint8_t, 16> ipv6{0xfd};
  ipv6[14] = high;
  ipv6[15] = low;
  return add_host_at(name, {Address::ipv4({10, 0, high, low}, 0), Address::ipv6(ipv6, 0)}, options);
}

SimHost& SimNetwork::add_host_at(std::string_view name, const std::vector<Address>& addresses,
                                 const SimHostOptions& options) {
  IEUM_ASSERT(hosts_.size() < hosts_max, "a simulated network has at most 10,000 hosts");
  IEUM_ASSERT(!name.empty() && world_->node_named(name) == nullptr,
              "a simulated host needs a name that no other has");
  std::vector<sim::Ip> ips;
  for (const Address& address : addresses) {
    IEUM_ASSERT(address.is_ip(), "a simulated host has IPv4 and IPv6 addresses");
    ips.push_back(sim::Ip::of(address));
    IEUM_ASSERT(world_->node_with(ips.back()) == nullptr,
                "two simulated hosts have the same address");
  }
  IEUM_ASSERT(!ips.empty(), "a simulated host needs an address");
  sim::Node& node = world_->add_node(std::string(name), options, ips);
  add_name(name, addresses);
  hosts_.push_back(std::unique_ptr<SimHost>(new SimHost(*this, node)));
  return *hosts_.back();
}

void SimNetwork::add_name(std::string_view name, std::vector<Address> addresses) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  world_->names.insert_or_assign(std::move(lower), std::move(addresses));
}

// ---- Links --------------------------------------------------------------------------------------

void SimNetwork::set_links(const LinkOptions& options) noexcept { world_->set_default(options); }

void SimNetwork::set_link(const SimHost& a, const SimHost& b, const LinkOptions& options) {
  set_link_one_way(a, b, options);
  set_link_one_way(b, a, options);
}

void SimNetwork::set_link_one_way(const SimHost& from, const SimHost& to,
                                  const LinkOptions& options) {
  world_->link(from.node_.index(), to.node_.index()).set(options);
}

void SimNetwork::cut(const SimHost& from, const SimHost& to, Family family) {
  const std::uint32_t source = from.node_.index();
  const std::uint32_t target = to.node_.index();
  world_->link(source, target).cut(family != Family::ipv6, family != Family::ipv4);
  world_->trace(source, 0, SimEvent::What::partitioned, target);
}

void SimNetwork::partition(const SimHost& a, const SimHost& b, Family family) {
  cut(a, b, family);
  cut(b, a, family);
}

void SimNetwork::partition_one_way(const SimHost& from, const SimHost& to, Family family) {
  cut(from, to, family);
}

void SimNetwork::heal(const SimHost& a, const SimHost& b) {
  const std::uint32_t one = a.node_.index();
  const std::uint32_t other = b.node_.index();
  world_->link(one, other).heal();
  world_->link(other, one).heal();
  world_->trace(one, 0, SimEvent::What::healed, other);
}

void SimNetwork::heal_all() {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) heal(*hosts_[i], *hosts_[j]);
  }
}

// ---- Time ---------------------------------------------------------------------------------------

void SimNetwork::at(AnyDuration since_start, std::move_only_function<void()> what) {
  world_->call_at(std::max<Time>(since_start.count(), world_->now()), std::move(what));
}

void SimNetwork::after(AnyDuration delay, std::move_only_function<void()> what) {
  world_->call_at(later(world_->now(), delay), std::move(what));
}

void SimNetwork::told(const Error& error, const SimHost& host) {
  if (error_) return;
  const std::string_view detail = error.detail();
  const std::string where = (detail.empty() ? "on " : std::string(detail) + ", on ") + host.name();
  error_ = std::make_unique<Error>(error.with_detail(where));
}

Result<> SimNetwork::run(AnyDuration limit) {
  IEUM_ASSERT(detail::Loop::current() == nullptr, "a simulated network is run within a task");
  const Time until = later(world_->now(), limit);
  bool goes_on = true;
  while (awaited_ > 0 && !error_ && !exception_ && goes_on) goes_on = world_->step(until);
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  if (error_) return fail(*std::exchange(error_, nullptr));
  if (awaited_ == 0) return {};
  if (world_->now() >= until) return fail(Error(std::errc::timed_out, "run simulated network"));
  return fail(Error(std::errc::resource_deadlock_would_occur, "run simulated network")
                  .with_detail("nothing will happen any more, and tasks wait (dump_tasks)"));
}

bool SimNetwork::run_until(const std::function<bool()>& condition, AnyDuration limit) {
  IEUM_ASSERT(detail::Loop::current() == nullptr, "a simulated network is run within a task");
  const Time until = later(world_->now(), limit);
  while (!condition()) {
    if (!world_->step(until)) return condition();
  }
  return true;
}

void SimNetwork::run_for(AnyDuration time) {
  const Time until = later(world_->now(), time);
  while (world_->step(until)) {
  }
  world_->pass(until);
}

Duration SimNetwork::now() const noexcept { return Duration(world_->now()); }

// ---- What it tells ------------------------------------------------------------------------------

std::string SimNetwork::dump_tasks() const {
  std::string text;
  for (const auto& host : hosts_) text += host->dump_tasks();
  return text;
}

void SimNetwork::fail_operation(std::uint64_t ordinal) noexcept { world_->fail_operation(ordinal); }

std::uint64_t SimNetwork::operations() const noexcept { return world_->operations(); }
std::uint64_t SimNetwork::events() const noexcept { return world_->trace().count(); }
std::uint64_t SimNetwork::trace_hash() const noexcept { return world_->trace().hash(); }
void SimNetwork::trace_to(std::function<void(const SimEvent&)> sink) {
  world_->trace().tell(std::move(sink));
}

std::string SimNetwork::describe(const SimEvent& event) const {
  std::array<char, 160> line{};
  const auto nanoseconds = static_cast<long long>(event.time.count());
  const std::string_view what = to_string(event.what);
  std::snprintf(line.data(), line.size(), "%lld.%03lld ms %s", nanoseconds / 1'000'000,
                nanoseconds / 1000 % 1000, world_->node(event.host).name().c_str());
  std::string text(line.data());
  if (event.socket != 0) text += " #" + std::to_string(event.socket);
  text.append(" ").append(what);
  text += " " + std::to_string(event.value);
  return text;
}

// ---- Many runs ----------------------------------------------------------------------------------

std::vector<std::uint64_t> sim_seeds(std::size_t count, std::uint64_t first) {
  if (const char* one = std::getenv("IEUM_SEED")) return {std::strtoull(one, nullptr, 10)};
  std::vector<std::uint64_t> seeds(count);
  for (std::uint64_t& seed : seeds) seed = first++;
  return seeds;
}

std::uint64_t fail_at_each_point(std::uint64_t seed,
                                 const std::function<void(SimNetwork&)>& scenario) {
  for (std::uint64_t point = 1;; ++point) {
    SimNetwork net(seed);
    net.fail_operation(point);
    scenario(net);
    if (net.operations() < point) return point;
  }
}

}  // namespace ieum
