// HostDriver: the driver of a simulated host's loop. On the data path: the first file.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "base/driver.hpp"
#include "driver/buffer_pool.hpp"
#include "driver/lease_queue.hpp"
#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/socket.hpp"

namespace ieum::detail::sim {

class HostDriver final : public Driver {
 public:
  /// Handles lie above every descriptor of the process, so that none is taken for another.
  static constexpr int handle_base = 1 << 24;

  HostDriver(std::shared_ptr<World> world, Node& node, unsigned buffers_max);
  ~HostDriver() override;

  [[nodiscard]] const char* name() const noexcept override { return "sim"; }
  [[nodiscard]] bool is_simulated() const noexcept override { return true; }
  [[nodiscard]] TimePoint now() const noexcept override;

  bool submit(Operation& operation) noexcept override;
  void cancel(Operation& operation) noexcept override;
  void wait(TimePoint deadline, OperationQueue& done) noexcept override;
  void wake() noexcept override { world_->wake(*this); }

  void give_back(std::uint32_t buffer) noexcept override { pool_.give_back(buffer); }

  int open(Family family, SocketType type) noexcept override;
  int adopt(int descriptor, Adopted adopted) noexcept override;
  int release(int handle) noexcept override;
  void discard(int handle) noexcept override;
  int bind(int handle, const Address& address) noexcept override;
  int listen(int handle, int backlog) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  int local_address(int handle, Address& address) noexcept override;
  int peer_address(int handle, Address& address) noexcept override;
  int source_address(const Address& to, Address& source) noexcept override;
  int set_option(int handle, SocketOption option, int value) noexcept override;
  int get_option(int handle, SocketOption option, int& value) noexcept override;
  int reset_on_close(int handle) noexcept override;
  std::int64_t unacknowledged(int handle) noexcept override;
  [[nodiscard]] Pending pending(int handle) const noexcept override;
  int information(int handle, SocketInfo& info) noexcept override;
  int set_peer(int handle, const Address& peer) noexcept override;
  int join_group(int handle, const Membership& membership) noexcept override;
  int leave_group(int handle, const Membership& membership) noexcept override;
  int take_error(int handle, DatagramError& error) noexcept override;
  int datagram_queues(int handle, DatagramQueues& queues) noexcept override;
  int open_pair(int& first, int& second) noexcept override;
  int peer_credentials(int handle, PeerCredentials& peer) noexcept override;
  std::int64_t send_descriptors(int handle, ConstBuffer data,
                                std::span<const int> descriptors) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;
  bool random_bytes(std::span<std::byte> into) noexcept override;
  int find_name(std::string_view name, std::vector<Address>& addresses) noexcept override;

  // ---- For sockets: something has changed for the pending operation of a direction.
  void progress_in(Socket& socket) noexcept;
  void progress_out(Socket& socket) noexcept;

  // ---- For the world
  /// How the world gives this host's loop a turn; without it somebody else turns the loop.
  void set_turn(std::move_only_function<void()> turn) noexcept { turn_ = std::move(turn); }
  [[nodiscard]] bool turns_itself() const noexcept { return static_cast<bool>(turn_); }
  void take_turn() noexcept;
  /// The last turn found nothing to do; `sleeps_until` says for how long that holds.
  [[nodiscard]] bool fell_asleep() const noexcept {
    return asleep_ && completed_.empty() && !is_woken();
  }
  [[nodiscard]] bool has_completed() const noexcept { return !completed_.empty(); }
  [[nodiscard]] bool is_woken() const noexcept { return woken_.load(std::memory_order_relaxed); }
  void set_woken() noexcept { woken_ = true; }
  [[nodiscard]] Node& node() const noexcept { return node_; }
  [[nodiscard]] World& world() const noexcept { return *world_; }

  std::uint32_t index = 0;   ///< among the world's drivers
  bool is_runnable = false;  ///< queued for a turn
  Time sleeps_until = never;

 private:
  [[nodiscard]] Socket* find(int handle) const noexcept;
  int take_handle(Socket& socket) noexcept;
  int close(int handle) noexcept;
  void complete(Operation& operation, std::int64_t result) noexcept;
  [[nodiscard]] int injected(Operation::Kind kind, Socket* socket) noexcept;

  /// Tries `operation` now; false if it would have to wait.
  bool attempt(Operation& operation, Socket& socket) noexcept;
  bool receive(Operation& operation, Socket& socket) noexcept;
  bool send(Operation& operation, Socket& socket) noexcept;
  bool accept(Operation& operation, Socket& socket) noexcept;
  void progress(Operation*& pending, Socket& socket) noexcept;
  bool retry_starved() noexcept;
  void hand_out_buffers() noexcept;

  std::shared_ptr<World> world_;
  Node& node_;
  BufferPool pool_;
  std::vector<Socket*> sockets_;  // by handle
  std::priority_queue<int, std::vector<int>, std::greater<>> free_handles_;
  std::size_t open_ = 0;
  OperationQueue completed_;
  std::deque<int> starved_;
  bool retrying_ = false;  // one of these
  LeaseQueue leases_{pool_, 1};
  std::size_t extra_max_ = 0;  // buffers beyond the maximum, while the starved are served
  std::move_only_function<void()> turn_;
  bool turning_ = false;
  bool asleep_ = false;
  std::atomic<bool> woken_ = false;
};

}  // namespace ieum::detail::sim
