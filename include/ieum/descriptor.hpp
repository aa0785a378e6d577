// Descriptor: an open descriptor and whoever closes it; and waiting for one that another library
// owns.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <ieum/detail/handle_io.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Owns an open descriptor and closes it at the end. For descriptors that come from elsewhere (a
/// Unix socket, systemd, another library): `StreamSocket::adopt` and `Listener::adopt` make sockets
/// of them. Belongs to no runtime; any thread may use it, one at a time.
class Descriptor {
 public:
  /// None.
  Descriptor() noexcept = default;
  /// Takes over `number`; -1 is none.
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Still owned by this object; -1 if none.
  [[nodiscard]] int number() const noexcept { return number_; }
  /// The number, for the caller to close.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  void close() noexcept;

 private:
  int number_ = -1;
};

/// What `StreamSocket::receive_descriptors` gives.
struct ReceivedDescriptors {
  std::size_t bytes = 0;  ///< 0: the peer has finished sending
  std::vector<Descriptor> descriptors;
};

/// Waits until reading from `descriptor` would not block, or would fail; reads nothing, and changes
/// none of its flags. A regular file is always ready. The descriptor must stay open until this has
/// ended. Errors: `bad_file_descriptor`, `operation_canceled`. See poll(2).
[[nodiscard]] inline detail::HandleIo<void> wait_readable(int descriptor) noexcept {
  return detail::HandleIo<void>({.kind = detail::Operation::Kind::wait_readable,
                                 .handle = descriptor,
                                 .name = "wait until readable"});
}

/// The same for writing.
[[nodiscard]] inline detail::HandleIo<void> wait_writable(int descriptor) noexcept {
  return detail::HandleIo<void>({.kind = detail::Operation::Kind::wait_writable,
                                 .handle = descriptor,
                                 .name = "wait until writable"});
}

}  // namespace ieum
#pragma GCC visibility pop
