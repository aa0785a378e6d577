// HostDriver: the calls that do not wait.
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "driver/sim/host_driver.hpp"

namespace ieum::detail::sim {

// ---- Calls that do not wait ---------------------------------------------------------------------

int HostDriver::bind(int handle, const Address& address) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->bind(address);
}

int HostDriver::listen(int handle, int backlog) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->listen(backlog);
}

int HostDriver::shutdown(int handle, Half half) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  const int status = socket->shutdown(half);
  if (status >= 0 && half != Half::receiving && socket->out != nullptr) {
    complete(*std::exchange(socket->out, nullptr), -EPIPE);
  }
  world_->flush();
  return status;
}

int HostDriver::local_address(int handle, Address& address) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  address = socket->local();
  return 0;
}

int HostDriver::peer_address(int handle, Address& address) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  address = socket->peer();
  return address.family() == Family::none && socket->is_ip() ? -ENOTCONN : 0;
}

int HostDriver::source_address(const Address& to, Address& source) noexcept {
  if (!to.is_ip()) return -EAFNOSUPPORT;
  Endpoint from;
  if (!node_.source_for(Ip::of(to), from.ip)) return -ENETUNREACH;
  source = from.address(to.family());
  return 0;
}

bool HostDriver::random_bytes(std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    std::uint64_t drawn = world_->program_random()();
    const std::span<std::byte> next = into.first(std::min(into.size(), sizeof drawn));
    for (std::byte& byte : next) {  // in this order, whatever the machine's is
      byte = static_cast<std::byte>(drawn);
      drawn >>= 8U;
    }
    into = into.subspan(next.size());
  }
  return true;
}

int HostDriver::find_name(std::string_view name, std::vector<Address>& addresses) noexcept {
  const auto found = world_->names.find(name);
  if (found == world_->names.end()) return -ENOENT;
  addresses.insert(addresses.end(), found->second.begin(), found->second.end());
  return 0;
}

int HostDriver::set_option(int handle, SocketOption option, int value) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  const int status = socket->set_option(option, value);
  world_->flush();
  return status;
}

int HostDriver::get_option(int handle, SocketOption option, int& value) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->get_option(option, value);
}

int HostDriver::reset_on_close(int handle) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->reset_on_close();
}

std::int64_t HostDriver::unacknowledged(int handle) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->unacknowledged();
}

Pending HostDriver::pending(int handle) const noexcept {
  const Socket* const socket = find(handle);
  if (socket == nullptr) return {};
  return {.receive = socket->in != nullptr, .send = socket->out != nullptr};
}

int HostDriver::set_peer(int handle, const Address& peer) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->set_peer(peer);
}

int HostDriver::join_group(int handle, const Membership& membership) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->join_group(membership);
}

int HostDriver::leave_group(int handle, const Membership& membership) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->leave_group(membership);
}

int HostDriver::take_error(int handle, DatagramError& error) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->take_error(error);
}

int HostDriver::datagram_queues(int handle, DatagramQueues& queues) noexcept {
  Socket* const socket = find(handle);
  return socket == nullptr ? -EBADF : socket->queues(queues);
}

int HostDriver::peer_credentials(int handle, PeerCredentials& peer) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  if (socket->is_ip()) return -EOPNOTSUPP;
  // Whoever is at the other end, it is this process.
  peer = {.pid = ::getpid(), .uid = ::getuid(), .gid = ::getgid()};
  return 0;
}

// Descriptors are the system's, too; without any it is a write, or a read, that does not wait.
std::int64_t HostDriver::send_descriptors(int handle, ConstBuffer data,
                                          std::span<const int> descriptors) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  if (socket->is_ip()) return -EOPNOTSUPP;
  return descriptors.empty() ? socket->write(data) : -ENOTSUP;
}

std::int64_t HostDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                             std::span<int> /*descriptors*/,
                                             std::size_t& count) noexcept {
  count = 0;
  Socket* const socket = find(handle);
  if (socket == nullptr) return -EBADF;
  return socket->is_ip() ? -EOPNOTSUPP : socket->read(into);
}

int HostDriver::information(int handle, SocketInfo& info) noexcept {
  Socket* const socket = find(handle);
  if (socket == nullptr) return handle < handle_base ? -ENOTSUP : -EBADF;
  if (socket->is_datagram()) return -EOPNOTSUPP;
  info = {};
  info.receiving = socket->in != nullptr;
  info.sending = socket->out != nullptr;
  info.local = socket->local();
  info.peer = socket->peer();
  socket->information(info);
  return 0;
}

}  // namespace ieum::detail::sim
