// HostDriver: operations on simulated sockets. On the data path: the first file; it copies what a
// connection holds into the operation's buffer.
#include "driver/sim/host_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <ieum/detail/assert.hpp>

#include "driver/operations.hpp"
#include "driver/sim/socket/tcp.hpp"
#include "driver/sim/socket/udp.hpp"
#include "driver/sim/socket/unix_datagram.hpp"
#include "driver/sim/socket/unix_stream.hpp"

namespace ieum::detail::sim {

using Kind = Operation::Kind;
using What = SimEvent::What;

HostDriver::HostDriver(std::shared_ptr<World> world, Node& node, unsigned buffers_max)
    : world_(std::move(world)), node_(node), pool_(buffers_max) {
  world_->add_driver(*this);
}

HostDriver::~HostDriver() {
  // As when a process ends.
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i] != nullptr) close(handle_base + static_cast<int>(i));
  }
  world_->remove_driver(*this);
}

TimePoint HostDriver::now() const noexcept {
  // Each was started at another time.
  const Time started = second + Time{1000} * second * node_.index();
  return TimePoint(Duration(started + node_.local_time(world_->now())));
}

// ---- Operations ---------------------------------------------------------------------------------

void HostDriver::complete(Operation& operation, std::int64_t result) noexcept {
  operation.result = result;
  completed_.push(operation);
  if (turns_itself()) world_->make_runnable(*this);
}

int HostDriver::injected(Kind kind, Socket* socket) noexcept {
  int error = 0;
  if (world_->next_operation_fails()) {
    switch (kind) {
      case Kind::receive: error = ECONNRESET; break;
      case Kind::send:
      case Kind::send_datagrams: error = ENOBUFS; break;
      case Kind::connect: error = ECONNREFUSED; break;
      case Kind::accept:
      case Kind::none: error = EMFILE; break;
      case Kind::receive_datagrams: error = ENOMEM; break;
      case Kind::wait_readable:
      case Kind::wait_writable: error = ENOMEM; break;
      case Kind::lease:
      case Kind::close: break;  // never fails: nobody could do anything about it
    }
    if (kind == Kind::receive) socket->break_off();
  } else if (kind == Kind::send || kind == Kind::send_datagrams) {
    if (world_->random().chance(in_millionths(node_.faults.no_buffers))) error = ENOBUFS;
  } else if (kind == Kind::accept || kind == Kind::none) {
    if (world_->random().chance(in_millionths(node_.faults.no_descriptors))) error = EMFILE;
  }
  if (error != 0) {
    world_->trace(node_.index(), socket == nullptr ? 0 : socket->number, What::injected, error);
  }
  return error;
}

bool HostDriver::submit(Operation& operation) noexcept {
  if (operation.kind == Kind::close) return done_with(operation, close(operation.handle));
  if (operation.kind == Kind::lease) {
    return leases_.begin(operation, leases_.must_wait(starved_.size()));
  }
  operation.moved = 0;
  Socket* const socket = find(operation.handle);
  // What is open in this process is no part of the simulation.
  if (socket == nullptr) {
    return done_with(operation, operation.handle < handle_base ? -ENOTSUP : -EBADF);
  }
  Operation*& place = is_in(operation) ? socket->in : socket->out;
  if (place != nullptr) return refuse_second(*place, operation);
  if (operation.kind == Kind::send && !begin_send(operation)) return done_with(operation, 0);
  world_->trace(node_.index(), socket->number, What::operation,
                static_cast<std::int64_t>(operation.kind));
  if (const int error = injected(operation.kind, socket); error != 0) {
    world_->flush();
    return done_with(operation, -error);
  }
  bool done = false;
  if (operation.kind == Kind::connect) {
    const int status = socket->connect(*operation.address);
    done = status != -EINPROGRESS && done_with(operation, status);
  } else {
    done = attempt(operation, *socket);
  }
  if (done) {
    world_->trace(node_.index(), socket->number, What::completed, operation.result);
  } else {
    operation.state = Operation::State::pending;
    place = &operation;
  }
  world_->flush();
  return done;
}

bool HostDriver::attempt(Operation& operation, Socket& socket) noexcept {
  switch (operation.kind) {
    case Kind::receive: return receive(operation, socket);
    case Kind::send: return send(operation, socket);
    case Kind::accept: return accept(operation, socket);
    case Kind::connect: {
      const int status = socket.connected();
      return status != -EINPROGRESS && done_with(operation, status);
    }
    case Kind::wait_readable: return socket.readable() && done_with(operation, 0);
    case Kind::wait_writable: return socket.writable() && done_with(operation, 0);
    case Kind::receive_datagrams: return socket.receive_datagrams(operation);
    case Kind::send_datagrams: return socket.send_datagrams(operation);
    case Kind::none:
    case Kind::lease:
    case Kind::close: break;
  }
  return done_with(operation, -EINVAL);
}

bool HostDriver::receive(Operation& operation, Socket& socket) noexcept {
  if (!socket.readable()) return false;
  std::uint32_t buffer = BufferPool::none;
  if (operation.pooled) {
    if (retrying_ || !leases_.must_wait(starved_.size())) {
      if (socket.bulk) buffer = pool_.take(BufferPool::Size::large);
      if (buffer == BufferPool::none) buffer = pool_.take(BufferPool::Size::small);
      if (buffer == BufferPool::none) buffer = pool_.take_extra(extra_max_);
    }
    if (buffer == BufferPool::none) {
      if (!std::exchange(socket.starved, true)) starved_.push_back(operation.handle);
      return false;
    }
    operation.data = pool_.data(buffer);
    operation.size = BufferPool::bytes_of(BufferPool::size_of(buffer));
    operation.buffer = buffer;
  }
  std::size_t size = operation.size;
  if (node_.faults.read_bytes_max > 0) size = std::min(size, node_.faults.read_bytes_max);
  const std::int64_t count = socket.read({operation.data, size});
  if (operation.pooled && count > 0) {
    socket.bulk = count >= static_cast<std::int64_t>(BufferPool::small_bytes);
  } else if (operation.pooled) {
    pool_.give_back(buffer);
  }
  return count != -EAGAIN && done_with(operation, count);
}

bool HostDriver::send(Operation& operation, Socket& socket) noexcept {
  const std::size_t at_once = node_.faults.write_bytes_max;
  std::array<ConstBuffer, 64> pieces;
  for (;;) {
    const std::span<const ConstBuffer> left = remaining_pieces(
        operation, std::span<ConstBuffer>(pieces),
        [](const std::byte* data, std::size_t size) { return ConstBuffer(data, size); });
    std::size_t moved = 0;
    for (const ConstBuffer piece : left) {
      std::size_t size = piece.size();
      if (at_once > 0) size = std::min(size, at_once - moved);
      if (size == 0) continue;
      const std::int64_t count = socket.write(piece.first(size));
      if (count < 0 && count != -EAGAIN) return done_with(operation, count);
      if (count > 0) moved += static_cast<std::size_t>(count);
      if (count < static_cast<std::int64_t>(piece.size())) break;
    }
    socket.push();
    const bool whole = advance(operation, moved);
    if (moved == 0) {
      return !operation.whole && operation.moved > 0 &&
             done_with(operation, static_cast<std::int64_t>(operation.moved));
    }
    if (whole || !operation.whole) break;
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

bool HostDriver::accept(Operation& operation, Socket& socket) noexcept {
  if (!socket.can_accept()) return false;
  if (open_ >= node_.options.descriptors_max) return done_with(operation, -EMFILE);
  Socket* child = nullptr;
  const int status = socket.accept(child);
  if (status < 0) return done_with(operation, status);
  *operation.address = child->peer();
  return done_with(operation, take_handle(*child));
}

void HostDriver::cancel(Operation& operation) noexcept {
  if (operation.kind == Kind::lease) {
    leases_.cancel(operation, completed_);
    if (turns_itself()) world_->make_runnable(*this);
    return;
  }
  Socket* const socket = find(operation.handle);
  if (socket == nullptr) return;
  Operation*& place = is_in(operation) ? socket->in : socket->out;
  if (place != &operation) return;
  place = nullptr;
  const std::int64_t result = canceled(operation, -ECANCELED);
  world_->trace(node_.index(), socket->number, What::completed, result);
  complete(operation, result);
}

void HostDriver::progress(Operation*& pending, Socket& socket) noexcept {
  if (pending == nullptr) return;
  // Not in its place meanwhile: what it moves may wake the other end, which wakes this one.
  Operation& operation = *std::exchange(pending, nullptr);
  if (!attempt(operation, socket)) {
    pending = &operation;
    return;
  }
  world_->trace(node_.index(), socket.number, What::completed, operation.result);
  complete(operation, operation.result);
}
void HostDriver::progress_in(Socket& socket) noexcept { progress(socket.in, socket); }
void HostDriver::progress_out(Socket& socket) noexcept { progress(socket.out, socket); }

void HostDriver::hand_out_buffers() noexcept {
  if (pool_.small_left() == 0) {
    const auto stalls = [&](const Socket* socket) {
      return socket != nullptr && sends_pooled(socket->out, pool_);
    };
    extra_max_ = static_cast<std::size_t>(std::ranges::count_if(sockets_, stalls));
  }
  leases_.share(extra_max_, completed_, [&] { return LeaseQueue::Others{retry_starved()}; });
  extra_max_ = 0;
}

/// As many as there are buffers for: those that need none after all leave theirs to the next.
/// Whether there was one.
bool HostDriver::retry_starved() noexcept {
  bool any = false;
  for (std::size_t left = starved_.size(); left > 0; --left) {
    if (pool_.small_left() == 0 && pool_.extra_left(extra_max_) == 0) break;
    Socket* const socket = find(starved_.front());
    starved_.pop_front();
    if (socket == nullptr) continue;
    socket->starved = false;
    retrying_ = true;
    progress_in(*socket);
    retrying_ = false;
    any = true;
  }
  return any;
}

void HostDriver::take_turn() noexcept {
  turning_ = true;
  asleep_ = false;
  turn_();
  turning_ = false;
}

void HostDriver::wait(TimePoint deadline, OperationQueue& done) noexcept {
  if (!starved_.empty() || !leases_.empty()) hand_out_buffers();
  const Time now_here = node_.local_time(world_->now());
  Time until = never;
  if (deadline != TimePoint::max()) {
    until = deadline <= now() ? now_here : now_here + Duration(deadline - now()).count();
  }
  if (!node_.up) {
    // Its tasks are being ended: their time passes, nobody else's does.
    if (completed_.empty() && until != never) node_.ahead += until - now_here;
  } else if (turning_) {
    asleep_ = completed_.empty() && !is_woken() && until > now_here;
    sleeps_until = asleep_ ? node_.world_time(until) : never;
  } else {
    const Time world_until = until <= now_here ? world_->now() : node_.world_time(until);
    world_->drive(*this, world_until);
  }
  woken_ = false;
  done.append(completed_);
}

// ---- Handles ------------------------------------------------------------------------------------

Socket* HostDriver::find(int handle) const noexcept {
  if (handle < handle_base) return nullptr;
  const auto at = static_cast<std::size_t>(handle - handle_base);
  return at < sockets_.size() ? sockets_[at] : nullptr;
}

int HostDriver::take_handle(Socket& socket) noexcept {
  if (free_handles_.empty()) {
    free_handles_.push(handle_base + static_cast<int>(sockets_.size()));
    sockets_.push_back(nullptr);
  }
  socket.handle = free_handles_.top();  // the lowest
  socket.driver = this;
  free_handles_.pop();
  sockets_[static_cast<std::size_t>(socket.handle - handle_base)] = &socket;
  ++open_;
  return socket.handle;
}

int HostDriver::close(int handle) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  for (Operation* pending : {socket->in, socket->out}) {
    if (pending != nullptr) cancel(*pending);
  }
  sockets_[static_cast<std::size_t>(handle - handle_base)] = nullptr;
  free_handles_.push(handle);
  --open_;
  socket->driver = nullptr;
  socket->handle = -1;
  world_->trace(node_.index(), socket->number, What::closed, 0);
  socket->close();
  world_->flush();
  return 0;
}

void HostDriver::discard(int handle) noexcept { close(handle); }

int HostDriver::open(Family family, SocketType type) noexcept {
  if (family == Family::none) return -EAFNOSUPPORT;
  const bool is_ip = family == Family::ipv4 || family == Family::ipv6;
  if (const int error = injected(Kind::none, nullptr); error != 0) return -error;
  if (open_ >= node_.options.descriptors_max) return -EMFILE;
  std::unique_ptr<Socket> made;
  if (type == SocketType::datagram && !is_ip) {
    made = std::make_unique<UnixDatagram>(node_);
  } else if (type == SocketType::datagram) {
    made = std::make_unique<Udp>(node_, family);
  } else if (is_ip) {
    made = std::make_unique<Tcp>(node_, family);
  } else {
    made = std::make_unique<UnixSocket>(node_);
  }
  Socket& socket = world_->add(std::move(made));
  world_->trace(node_.index(), socket.number, What::opened, static_cast<std::int64_t>(family));
  return take_handle(socket);
}

int HostDriver::open_pair(int& first, int& other) noexcept {
  if (const int error = injected(Kind::none, nullptr); error != 0) return -error;
  if (open_ + 2 > node_.options.descriptors_max) return -EMFILE;
  auto& one = static_cast<UnixSocket&>(world_->add(std::make_unique<UnixSocket>(node_)));
  auto& two = static_cast<UnixSocket&>(world_->add(std::make_unique<UnixSocket>(node_)));
  one.join(two);
  first = take_handle(one);
  other = take_handle(two);
  return 0;
}

// Descriptors are the system's; there is none here.
int HostDriver::adopt(int /*descriptor*/, Adopted /*adopted*/) noexcept { return -ENOTSUP; }
int HostDriver::release(int handle) noexcept { return find(handle) == nullptr ? -EBADF : -ENOTSUP; }

}  // namespace ieum::detail::sim
