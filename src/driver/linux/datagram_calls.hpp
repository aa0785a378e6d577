// DatagramCalls: what the drivers over Linux's sockets share in moving datagrams: one or many in a
// call, several to one peer as one message, and what comes with them.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <ieum/datagram.hpp>
#include <ieum/operation.hpp>

#include "driver/linux/linux_driver.hpp"

namespace ieum::detail {

/// What the kernel filled into `name`, `length` bytes; an IPv4 address if it is one mapped into
/// IPv6.
Address unmapped(KernelAddress& name, socklen_t length) noexcept;

/// `address` as the kernel takes it on a socket of `family`: IPv4 is mapped into IPv6.
KernelAddress name_on(Family family, const Address& address) noexcept;

/// Guesses whether another datagram waits, so that a receive is not tried in vain: after one that
/// came alone it is not, but for every eighth, after several at once it is.
class ReadinessPredictor {
 public:
  [[nodiscard]] bool worth_trying() const noexcept { return tries_; }
  /// One was received; `waited`: the system had said so, else it was tried. `all`: none is left.
  void received(bool waited, bool all) noexcept {
    if (!waited) several_ = true;
    alone_ = waited;
    tries_ = !all && (several_ || (++probe_ % 8) == 0);
  }
  void found_none() noexcept {
    several_ = several_ && !alone_;
    tries_ = false;
  }

 private:
  bool tries_ = true;
  bool several_ = false;  // the last ones came at once
  bool alone_ = false;    // the last one was the first that the system had told of
  std::uint8_t probe_ = 0;
};

/// Of one driver: the memory that its calls need, made at the first one.
class DatagramCalls {
 public:
  /// Datagrams in one call; more go in several.
  static constexpr std::size_t call_max = 64;
  /// UDP_MAX_SEGMENTS of older kernels.
  static constexpr std::size_t segments_max = 64;

  /// One try now: false if it would block; what has moved is in the operation.
  bool receive(Operation& operation) noexcept;
  bool send(Operation& operation) noexcept;

 private:
  static constexpr std::size_t control_bytes = 192;
  struct Control {
    alignas(cmsghdr) std::array<std::byte, control_bytes> bytes;
  };
  struct Room {
    std::array<mmsghdr, call_max> messages;
    std::array<iovec, call_max> parts;
    std::array<KernelAddress, call_max> names;
    std::array<Control, call_max> controls;
    std::array<std::size_t, call_max> counts;  // sending: datagrams in each message
  };

  Room& room();
  static bool receive_one(Operation& operation) noexcept;
  /// Sends `messages` of what `prepare_send` has made, or -1 and errno.
  int send_prepared(int handle, std::size_t messages) noexcept;
  void prepare_receive(std::size_t at, Datagram& datagram, const DatagramState& state) noexcept;
  void take(std::size_t at, Datagram& datagram, DatagramState& state) noexcept;
  /// Makes messages of the first of `datagrams`, at most `call_max` of them; how many messages.
  std::size_t prepare_send(std::span<const Datagram> datagrams,
                           const DatagramState& state) noexcept;
  void prepare_message(std::size_t at, std::size_t part, std::span<const Datagram> run,
                       const DatagramState& state) noexcept;

  std::unique_ptr<Room> room_;
};

}  // namespace ieum::detail
