// LinuxDriver: what the drivers over Linux's sockets share: the calls that do not wait.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/driver.hpp"

namespace ieum::detail {

/// An Address as the kernel takes it.
class KernelAddress {
 public:
  KernelAddress() noexcept : length_(sizeof storage_) {}
  explicit KernelAddress(const Address& address) noexcept;

  [[nodiscard]] const sockaddr* data() const noexcept { return &storage_.any; }
  [[nodiscard]] sockaddr* data() noexcept { return &storage_.any; }
  [[nodiscard]] socklen_t length() const noexcept { return length_; }
  [[nodiscard]] socklen_t* length_in_out() noexcept { return &length_; }
  /// What the kernel filled in; of an IPv4 peer of an IPv6 socket the IPv4 address (RFC 4291,
  /// section 2.5.5.2, maps it).
  [[nodiscard]] Address address() const noexcept;

 private:
  union {
    sockaddr_un unix_name;  // the largest, and first: {} zeroes all of it, a path's end included
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
  } storage_{};
  socklen_t length_;
};

class LinuxDriver : public Driver {
 public:
  [[nodiscard]] TimePoint now() const noexcept final;
  int open(Family family, SocketType type) noexcept override;
  int bind(int handle, const Address& address) noexcept final;
  int listen(int handle, int backlog) noexcept final;
  int shutdown(int handle, Half half) noexcept override;
  int local_address(int handle, Address& address) noexcept final;
  int peer_address(int handle, Address& address) noexcept final;
  int source_address(const Address& to, Address& source) noexcept final;
  int set_option(int handle, SocketOption option, int value) noexcept final;
  int get_option(int handle, SocketOption option, int& value) noexcept final;
  int reset_on_close(int handle) noexcept final;
  std::int64_t unacknowledged(int handle) noexcept final;
  int information(int handle, SocketInfo& info) noexcept final;
  int set_peer(int handle, const Address& peer) noexcept final;
  int join_group(int handle, const Membership& membership) noexcept final;
  int leave_group(int handle, const Membership& membership) noexcept final;
  int take_error(int handle, DatagramError& error) noexcept final;
  /// There is an error, and `operation` found nothing to move: what lies in the error queue would
  /// be told for ever. Keeps it if the socket asks for errors; true if it ends the operation.
  bool take_error_for(Operation& operation) noexcept;
  int datagram_queues(int handle, DatagramQueues& queues) noexcept final;
  int open_pair(int& first, int& second) noexcept override;
  int peer_credentials(int handle, PeerCredentials& peer) noexcept final;
  std::int64_t send_descriptors(int handle, ConstBuffer data,
                                std::span<const int> descriptors) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;

 protected:
  /// Accepts one client, if there is one: the new descriptor, or a negated errno; -EAGAIN: none.
  /// `asks_first`: whether there is one, for a file that others may have made a blocking one.
  static int accept_now(int listener, bool asks_first, Address& peer) noexcept;
  /// Takes O_NONBLOCK away, which the open file shares with others, as `descriptor` is closed.
  static void let_block(int descriptor) noexcept;
};

}  // namespace ieum::detail
