// Listener: a server's listening socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/detail/socket_file.hpp>
#include <ieum/socket_option.hpp>
#include <ieum/stream_socket.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct ListenOptions {
  /// Connections that the system completes and keeps until they are accepted (listen(2)); it cuts
  /// the number at /proc/sys/net/core/somaxconn.
  int backlog = 4096;
  /// SO_REUSEPORT: several listeners, of several runtimes, share the port and its connections.
  bool reuse_port = false;
  /// IPV6_V6ONLY: a listener on [::] takes IPv4 clients as well unless this is set. Then `*:PORT`
  /// is not bound to IPv4 where the system has no IPv6.
  bool ipv6_only = false;
  /// TCP_NODELAY for the accepted sockets, as in ConnectOptions.
  bool no_delay = true;
  /// TCP: for the accepted sockets, as in ConnectOptions.
  std::optional<Keepalive> keepalive{};
  /// A Unix path: takes the place of a stale socket file, one that a server which ended without
  /// removing it has left. It is stale if it is a socket's, connecting to it is refused, and no
  /// socket is bound there; nothing else is ever removed. Of several programs that try at the same
  /// time one listens, the others get `address_in_use`.
  bool replace_stale = false;
  /// A Unix path: closing the listener removes its socket file, if that is still its own.
  bool unlink_on_close = true;
};

namespace detail {
class Accept;
class AcceptState;
}  // namespace detail

/// A listening socket: bound to an address, with a backlog; `accept` makes a new socket for each
/// client, many on one port, and the listener goes on listening. Belongs to the runtime that it was
/// made on. Destroying it closes it.
class Listener {
 public:
  Listener() noexcept = default;
  Listener(Listener&& other) noexcept
      : loop_(other.loop_),
        handle_(std::exchange(other.handle_, -1)),
        address_(other.address_),
        file_(std::exchange(other.file_, {})) {}
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  /// Creates a socket, binds it to `address` (port 0: the system chooses one, see `address()`) and
  /// listens. A port that another socket listens on is refused: `address_in_use`;
  /// `find_port_owner` tells which process holds it. A port that only has connections
  /// of a former server left is taken (SO_REUSEADDR). A stale Unix socket file is `address_in_use`
  /// too, unless `ListenOptions::replace_stale` is set. Other errors: `permission_denied` (ports
  /// below 1024, say), `address_not_available`, `too_many_files_open`. Does not wait.
  [[nodiscard]] static Result<Listener> bind(const Address& address,
                                             const ListenOptions& options = {});
  /// The same for an address as text (`Address::parse`).
  [[nodiscard]] static Result<Listener> bind(std::string_view address,
                                             const ListenOptions& options = {});

  /// Takes over a listening stream socket from elsewhere, as systemd passes them (sd_listen_fds(3):
  /// the first is `Descriptor(3)`). As `StreamSocket::adopt`; its options stay as they are, and a
  /// Unix socket's file is left to whoever made it. Errors: as there; `invalid_argument` (it does
  /// not listen).
  [[nodiscard]] static Result<Listener> adopt(Descriptor descriptor);
  /// `count` listeners that share one port, for a runtime each: `attach` them there. The system
  /// spreads the clients over them, by a hash of their addresses and not evenly; once a listener
  /// listens, somebody must accept from it. A port that another program listens on is refused, as
  /// by `bind`; with `options.reuse_port` a program of the same user that shares it too is not.
  /// Afterwards such a program may join all the same (SO_REUSEPORT in socket(7)). Errors besides
  /// those of `bind`: `not_supported`: Unix sockets cannot be shared, unless `count` is 1.
  [[nodiscard]] static Result<std::vector<DetachedListener>> bind_shared(
      const Address& address, std::size_t count, ListenOptions options = {});

  /// Waits for a client and gives its socket. At most one accept at a time. Errors:
  /// `too_many_files_open`, `too_many_files_open_in_system`, `no_buffer_space`,
  /// `not_enough_memory`: the client keeps waiting in the backlog, try again later (`serve` does).
  /// A client that has gone again meanwhile is no error.
  [[nodiscard]] detail::Accept accept() noexcept;

  /// As StreamSocket's: moves a listener from one runtime to another; clients wait meanwhile.
  [[nodiscard]] Result<DetachedListener> detach() noexcept;
  [[nodiscard]] static Result<Listener> attach(DetachedListener listener);

  /// Stops listening: who waits in the backlog is reset. Removes its Unix socket file first.
  [[nodiscard]] Task<> close();

  [[nodiscard]] bool is_open() const noexcept { return handle_ >= 0; }
  /// Where it listens, with the port that the system chose.
  [[nodiscard]] const Address& address() const noexcept { return address_; }

  Result<> set_option(SocketOption option, int value) noexcept;
  [[nodiscard]] Result<int> option(SocketOption option) const noexcept;
  /// As in StreamSocket; what waits in the backlog.
  [[nodiscard]] Result<SocketInfo> info() const;
  [[nodiscard]] Result<std::string> explain() const;
  /// As in StreamSocket.
  [[nodiscard]] int native_handle() const noexcept { return handle_; }

 private:
  friend class detail::AcceptState;
  enum class Port : std::uint8_t { own, own_then_shared, shared };
  static Result<Listener> bind_as(Port port, const Address& address, const ListenOptions& options);
  static Result<Listener> bind_exactly(Port port, const Address& address,
                                       const ListenOptions& options);
  Listener(detail::Loop& loop, int handle, const Address& address) noexcept
      : loop_(&loop), handle_(handle), address_(address) {}
  /// The handle, for the caller to close; the file is removed.
  int give_up() noexcept;

  detail::Loop* loop_ = nullptr;
  int handle_ = -1;
  Address address_;
  detail::SocketFile file_;  // to remove with the socket
};

namespace detail {

class AcceptState final : public DriverLeaf {
 public:
  explicit AcceptState(const Accept& accept) noexcept;
  ~AcceptState();
  StreamSocket take() {
    StreamSocket socket(loop(), static_cast<int>(result), peer_);
    result = -1;
    return socket;
  }
  Error take_error() const noexcept { return error(); }
  [[nodiscard]] Error error() const noexcept override { return error_at(listens_at_); }
  [[nodiscard]] const char* name() const noexcept override { return "accept"; }

 private:
  Address listens_at_;
  Address peer_;
};

class [[nodiscard]] Accept {
 public:
  using value_type = StreamSocket;
  static constexpr bool consumes = true;
  using State = AcceptState;
  explicit Accept(Listener& listener) noexcept : listener_(&listener) {}

 private:
  friend class AcceptState;
  Listener* listener_;
};

}  // namespace detail

inline detail::Accept Listener::accept() noexcept { return detail::Accept(*this); }

}  // namespace ieum
#pragma GCC visibility pop
