// DetachedSocket, DetachedListener: a socket between two runtimes.
#pragma once

#include <utility>

#include <ieum/descriptor.hpp>
#include <ieum/detail/handle_io.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class Listener;
class StreamSocket;

/// A connected socket that no runtime owns, made by `StreamSocket::detach` for
/// `StreamSocket::attach`. May be moved to another thread, as in a `Mailbox`. Closed if it is
/// destroyed: the peer is told, by a reset if something it sent was not read.
class DetachedSocket {
 public:
  [[nodiscard]] Address peer_address() const noexcept { return peer_.address(); }
  /// The descriptor, still owned by this object; -1 once attached or moved from.
  [[nodiscard]] int native_handle() const noexcept { return descriptor_.number(); }

 private:
  friend class StreamSocket;
  DetachedSocket(int descriptor, detail::PeerName peer) noexcept
      : descriptor_(descriptor), peer_(std::move(peer)) {}

  Descriptor descriptor_;
  detail::PeerName peer_;
};

/// The same for a listening socket.
class DetachedListener {
 public:
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] int native_handle() const noexcept { return descriptor_.number(); }

 private:
  friend class Listener;
  DetachedListener(int descriptor, const Address& address) noexcept
      : descriptor_(descriptor), address_(address) {}

  Descriptor descriptor_;
  Address address_;
};

}  // namespace ieum
#pragma GCC visibility pop
