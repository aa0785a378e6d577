// DetachedSocket, DetachedListener: a socket between two runtimes.
#pragma once

#include <utility>

#include <ieum/detail/handle_io.hpp>

namespace ieum {

class Listener;
class StreamSocket;

namespace detail {

/// An open descriptor that no driver knows; closed with the object.
class OpenDescriptor {
 public:
  explicit OpenDescriptor(int number) noexcept : number_(number) {}
  OpenDescriptor(OpenDescriptor&& other) noexcept : number_(other.release()) {}
  OpenDescriptor& operator=(OpenDescriptor other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~OpenDescriptor();
  [[nodiscard]] int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace detail

/// A connected socket that no runtime owns, made by `StreamSocket::detach` for
/// `StreamSocket::attach`. May be moved to another thread, as in a `Mailbox`. Closed if it is
/// destroyed: the peer is told, by a reset if something it sent was not read.
class DetachedSocket {
 public:
  [[nodiscard]] Address peer_address() const noexcept { return peer_.address(); }
  /// The descriptor, still owned by this object; -1 once attached or moved from.
  [[nodiscard]] int native_handle() const noexcept { return descriptor_.get(); }

 private:
  friend class StreamSocket;
  DetachedSocket(int descriptor, detail::PeerName peer) noexcept
      : descriptor_(descriptor), peer_(std::move(peer)) {}

  detail::OpenDescriptor descriptor_;
  detail::PeerName peer_;
};

/// The same for a listening socket.
class DetachedListener {
 public:
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] int native_handle() const noexcept { return descriptor_.get(); }

 private:
  friend class Listener;
  DetachedListener(int descriptor, const Address& address) noexcept
      : descriptor_(descriptor), address_(address) {}

  detail::OpenDescriptor descriptor_;
  Address address_;
};

}  // namespace ieum
