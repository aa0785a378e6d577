// StreamSocket: one end of a connection (TCP, Unix stream).
// On the data path: the third file; it asks the driver for the bytes and hands them to the user.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <ieum/connect_observer.hpp>
#include <ieum/descriptor.hpp>
#include <ieum/detached.hpp>
#include <ieum/host_port.hpp>
#include <ieum/socket_info.hpp>
#include <ieum/socket_option.hpp>
#include <ieum/stream.hpp>
#include <ieum/unix_socket.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct ConnectOptions {
  /// Between attempts at a name's addresses (RFC 8305, section 8).
  static constexpr Duration attempt_delay_min = std::chrono::milliseconds(10);
  static constexpr Duration attempt_delay_max = std::chrono::seconds(2);
  /// Of a name's addresses, so many are tried at the same time: for one more, the one that was
  /// begun first is given up. Each takes a descriptor.
  static constexpr std::size_t attempts_at_once_max = 4;
  /// How long attempts wait for an IPv6 address when the IPv4 one is known (RFC 8305, section 3).
  static constexpr Duration resolution_delay = std::chrono::milliseconds(50);

  /// For all of it, looking up a name and every attempt; zero: as long as the name servers have
  /// their rounds (resolve.hpp) and the system tries (tcp(7), about two minutes).
  AnyDuration timeout{};
  /// The local address to connect from; none: the system chooses. Port 0: the system chooses it.
  /// Of a name's addresses only those of its family are tried.
  Address source{};
  /// `Family::ipv4` or `Family::ipv6`: only to such an address. `Family::none`: any.
  Family family = Family::none;
  /// Of a name's addresses: how long one is tried alone before the next is tried as well.
  AnyDuration attempt_delay = std::chrono::milliseconds(250);
  /// The server that is asked for a name, as `ResolveOptions::server`.
  Address name_server{};
  /// How many names are looked up at the same time, as `ResolveOptions::at_once_max`.
  std::size_t lookups_at_once_max = 64;
  /// TCP_NODELAY: small writes go out at once. Write whole messages and it only helps.
  bool no_delay = true;
  /// TCP: `StreamSocket::set_keepalive`; none: the peer is not asked.
  std::optional<Keepalive> keepalive{};
  /// Is told of each step, if not null; must outlive the connect.
  ConnectObserver* observer = nullptr;
};

namespace detail {
class AcceptState;
template <class T, class Request>
class SocketOperation;
using SocketRead = SocketOperation<std::size_t, std::span<std::byte>>;
using SocketReceive = SocketOperation<Lease, std::monostate>;
using SocketWriteSome = SocketOperation<std::size_t, WriteRequest>;
using SocketWriteAll = SocketOperation<void, WriteRequest>;
using SocketWaitReadable = SocketOperation<void, ReadableRequest>;
}  // namespace detail

/// One end of a connection: connected, reliable, in order, point to point.
///
/// Made by `connect` or by `Listener::accept`; belongs to the runtime that it was made on, and only
/// that runtime's thread may use it. A read and a write may run beside each other, in two tasks.
/// Destroying it closes it, like `close` but without waiting. It must not be moved while an
/// operation on it is pending.
class StreamSocket final : public Stream {
 public:
  /// No socket: `is_open()` is false and operations fail with `bad_file_descriptor`.
  StreamSocket() noexcept = default;
  StreamSocket(StreamSocket&& other) noexcept
      : loop_(other.loop_),
        handle_(std::exchange(other.handle_, -1)),
        peer_(std::move(other.peer_)) {}
  StreamSocket& operator=(StreamSocket&& other) noexcept;
  ~StreamSocket() override;

  /// Creates a socket and connects it; done when the peer's answer is in. Errors, each with the
  /// address: `connection_refused`, `network_unreachable`, `host_unreachable`, `timed_out` (the
  /// option's or the system's), `no_such_file_or_directory` (Unix), `too_many_files_open`,
  /// `address_not_available` (the source), `address_family_not_supported` (the option's is
  /// another, or the source's). A connection of a socket to itself, which TCP makes now and then
  /// where nobody listens, is `connection_refused`. See connect(2).
  [[nodiscard]] static Task<StreamSocket> connect(Address to, ConnectOptions options = {});
  /// The same to a host by its address or its name. A name is looked up (`resolve`), and its
  /// addresses are tried in the order of RFC 6724, the families taking turns, each beside those
  /// before it after `attempt_delay`, or at once when one has failed; the first connection wins,
  /// the others are given up (RFC 8305, Happy Eyeballs). Further errors: those of `resolve`. When
  /// all attempts fail, the most telling failure, and how many there were.
  [[nodiscard]] static Task<StreamSocket> connect(HostPort to, ConnectOptions options = {});
  /// The same. Whatever a peer has sent as a host may be given here: it is a name or an IP address
  /// (`HostPort::make`), or refused. Further errors: `Errc::name_invalid`, `invalid_argument` (the
  /// port is not from 0 to 65535).
  template <std::integral Port>
  [[nodiscard]] static Task<StreamSocket> connect(std::string_view host, Port port,
                                                  ConnectOptions options = {}) {
    return connect_checked(HostPort::make(host, port), options);
  }
  /// The same to whichever of `to` answers first, tried in this order, the families taking turns.
  /// Further error: `invalid_argument` (there is none).
  [[nodiscard]] static Task<StreamSocket> connect(std::span<const Address> to,
                                                  ConnectOptions options = {});
  /// The same for a text of the program's own, or of its user: `example.com:80`
  /// (`HostPort::parse`), or a Unix socket as `unix:/path` (`Address::parse`). Not for a text made
  /// of what a peer has sent, which could choose the latter. Further error: `invalid_argument` (no
  /// port, or a service's name for one).
  [[nodiscard]] static Task<StreamSocket> connect(std::string_view to, ConnectOptions options = {});

  /// Two Unix sockets without names that are connected to each other (socketpair(2)). Does not
  /// wait. Error: `too_many_files_open`.
  [[nodiscard]] static Result<std::pair<StreamSocket, StreamSocket>> pair();
  /// Takes over a connected stream socket from elsewhere: received through a Unix socket, passed by
  /// systemd, made by another library. Sets close-on-exec, and O_NONBLOCK, which holds for
  /// everyone who shares the open socket, until it is closed: then it blocks again if it did. Does
  /// not wait. Errors, each of which closes the descriptor: `bad_file_descriptor`, `not_a_socket`,
  /// `wrong_protocol_type` (no stream), `address_family_not_supported`, `not_connected`,
  /// `invalid_argument` (it listens).
  [[nodiscard]] static Result<StreamSocket> adopt(Descriptor descriptor);

  // As in Stream, without its virtual call.
  [[nodiscard]] detail::SocketRead read_some(std::span<std::byte> into) noexcept;
  [[nodiscard]] detail::SocketReceive receive() noexcept;
  [[nodiscard]] detail::SocketWaitReadable wait_readable() noexcept;
  [[nodiscard]] detail::SocketWriteSome write_some(ConstBuffer data) noexcept;
  [[nodiscard]] detail::SocketWriteSome write_some(std::span<const ConstBuffer> parts) noexcept;
  [[nodiscard]] detail::SocketWriteAll write_all(ConstBuffer data) noexcept;
  [[nodiscard]] detail::SocketWriteAll write_all(std::string_view text) noexcept;
  [[nodiscard]] detail::SocketWriteAll write_all(std::span<const ConstBuffer> parts) noexcept;

  /// Half-close (shutdown(2)): the peer reads our end; we go on reading.
  [[nodiscard]] Task<> shutdown_write() override;
  /// Reading gives what has come, then the end; a pending read ends. The peer is not told, and what
  /// it sends later may be read all the same (shutdown(2) with SHUT_RD, as Linux does it).
  Result<> shutdown_read() noexcept;

  /// Closes gracefully: what was sent still goes out, then FIN. A peer that has sent what we have
  /// not read is told by a reset, as TCP demands; read to its end first if that matters.
  [[nodiscard]] Task<> close() override;
  /// Closes with a reset: what was not sent is thrown away, and the peer is told at once.
  [[nodiscard]] Task<> reset() override;

  /// Waits until the peer's system has acknowledged all that was sent, a half-close included. It
  /// looks again after each round-trip time, at first; at most 50 ms apart. Says nothing of whether
  /// the peer's program has read it. Error: `connection_reset` if the connection has broken.
  /// On a Unix socket nothing lies between the two programs: it waits until the peer has read all,
  /// or has closed. What it had not read then is lost, which a later read tells as
  /// `connection_reset`.
  [[nodiscard]] Task<> wait_acknowledged();

  /// Takes the socket off its runtime, to move it to another: `attach` it there. No operation on it
  /// may be pending. What the peer sends meanwhile is kept by the system. Then this object has
  /// none. Errors: a connection that is known to have broken stays here (`connection_reset` and the
  /// like); `bad_file_descriptor`; `not_supported` (a driver without a kernel).
  [[nodiscard]] Result<DetachedSocket> detach() noexcept;
  /// Puts a detached socket on this thread's runtime. It is closed if that fails:
  /// `bad_file_descriptor`, `not_supported`.
  [[nodiscard]] static Result<StreamSocket> attach(DetachedSocket socket);

  [[nodiscard]] bool is_open() const noexcept override { return handle_ >= 0; }
  [[nodiscard]] Result<Address> local_address() const noexcept override;
  /// The address that was connected to, or that connected; known as long as the object lives.
  [[nodiscard]] Address peer_address() const noexcept override { return peer_.address(); }
  /// On a Unix socket: those that the peer has not read.
  [[nodiscard]] std::size_t bytes_on_way() const noexcept override;

  /// setsockopt(2), getsockopt(2). Errors: `no_protocol_option`, `invalid_argument`.
  Result<> set_option(SocketOption option, int value) noexcept;
  [[nodiscard]] Result<int> option(SocketOption option) const noexcept;
  /// SO_KEEPALIVE with its three times at once; `so_keepalive` alone ends it. Errors:
  /// `invalid_argument` (a time or the count), `operation_not_supported` (a Unix socket).
  Result<> set_keepalive(const Keepalive& keepalive) noexcept;

  /// What the system knows of this socket, now. Takes nothing from it: no byte, no pending error.
  /// Error: `bad_file_descriptor` if it is closed.
  [[nodiscard]] Result<SocketInfo> info() const;
  /// Why nothing moves, or what limits it, as one sentence with figures (`diagnose`). A closed
  /// socket says so.
  [[nodiscard]] Result<std::string> explain() const;
  // Unix sockets only; on others these fail with `operation_not_supported`. See unix(7).

  /// Who is at the other end.
  [[nodiscard]] Result<PeerCredentials> peer_credentials() const noexcept;
  /// Sends all of `data`, not empty, and with its first byte copies of `descriptors`, at most
  /// `descriptors_passed_max` (SCM_RIGHTS); they stay open here as well, and may be closed as soon
  /// as this has ended. What is set on the open file goes along: a socket of ours is non-blocking
  /// there too. Counts as the socket's pending write. After a failure or a stop, it is unknown
  /// whether they have gone. Errors: `invalid_argument` (no data), `limit_exceeded`,
  /// `bad_file_descriptor`, `broken_pipe`, 109 "too many references" (more in flight than
  /// RLIMIT_NOFILE allows the user).
  [[nodiscard]] Task<> send_descriptors(ConstBuffer data, std::span<const int> descriptors);
  /// Reads like `read_some`, and takes the descriptors that come with what it reads, close-on-exec:
  /// those of one `send_descriptors` at most, whose first byte is among the bytes read; bytes that
  /// were sent before it may be too. Any other read closes descriptors that come along, silently.
  /// Counts as the socket's pending read. Errors, besides those of `read_some`, after which the
  /// bytes are lost and every descriptor that came is closed: `Errc::limit_exceeded` (more than
  /// `descriptors_max` came), `too_many_files_open` (we could not open all that came).
  [[nodiscard]] detail::ConsumingTask<ReceivedDescriptors> receive_descriptors(
      std::span<std::byte> into, std::size_t descriptors_max = descriptors_passed_max);

  /// The descriptor, still owned by this object; -1 if closed. For system calls that ieum lacks.
  [[nodiscard]] int native_handle() const noexcept { return handle_; }

  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override;
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& write) override;
  void begin_receive(detail::StreamReceiveIo& io) override { io.use(request(std::monostate{})); }
  void begin_wait_readable(detail::StreamIo& io) override {
    io.use(request(detail::ReadableRequest{}));
  }

 private:
  friend class Listener;
  friend class Server;
  friend class detail::AcceptState;
  StreamSocket(detail::Loop& loop, int handle, const Address& peer)
      : loop_(&loop), handle_(handle), peer_(peer) {}
  Task<ReceivedDescriptors> take_descriptors(std::span<std::byte> into,
                                             std::size_t descriptors_max);
  static Task<StreamSocket> connect_now(Address to, ConnectOptions options);
  static Task<StreamSocket> connect_parsed(Result<Address> to, ConnectOptions options);
  static Task<StreamSocket> connect_checked(Result<HostPort> to, ConnectOptions options);

  template <class T, class Request>
  friend class detail::SocketOperation;
  [[nodiscard]] detail::HandleRequest request(detail::Operation::Kind kind,
                                              detail::HandleName name) noexcept {
    return {.kind = kind, .called = name, .handle = handle_, .loop = loop_, .peer = &peer_};
  }
  detail::HandleRequest request(std::span<std::byte> into) noexcept {
    return request(detail::Operation::Kind::receive, detail::HandleName::read).to_read(into);
  }
  detail::HandleRequest request(std::monostate /*pooled*/) noexcept {
    return request(detail::Operation::Kind::receive, detail::HandleName::receive);
  }
  detail::HandleRequest request(detail::ReadableRequest /*nothing*/) noexcept {
    return request(detail::Operation::Kind::wait_readable, detail::HandleName::wait_readable);
  }
  detail::HandleRequest request(const detail::WriteRequest& write) noexcept {
    return request(detail::Operation::Kind::send, detail::HandleName::write).to_write(write);
  }
  [[nodiscard]] Error error(int number, const char* operation) const noexcept;

  detail::Loop* loop_ = nullptr;
  int handle_ = -1;
  detail::PeerName peer_;
};

namespace detail {

/// What is asked of a socket, small because the awaiting frame keeps it beside the operation, which
/// is made of it when it is awaited.
template <class T, class Request>
class [[nodiscard]] SocketOperation {
 public:
  using value_type = T;
  static constexpr bool consumes =
      std::is_same_v<Request, std::span<std::byte>> || std::is_same_v<Request, std::monostate>;
  static constexpr bool partial = std::is_same_v<Request, WriteRequest> && std::is_void_v<T>;
  SocketOperation(StreamSocket& socket, const Request& request) noexcept
      : socket_(&socket), request_(request) {}

  class State {
   public:
    explicit State(SocketOperation&& operation) noexcept
        : leaf_(operation.socket_->request(operation.request_)) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return leaf_.start(waiter, scope); }
    T take() noexcept {
      if constexpr (std::is_same_v<T, Lease>) {
        return leaf_.take();
      } else if constexpr (!std::is_void_v<T>) {
        return static_cast<T>(leaf_.result);
      }
    }
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    std::conditional_t<std::is_same_v<T, Lease>, ReceiveLeaf, HandleLeaf> leaf_;
  };

 private:
  StreamSocket* socket_;
  [[no_unique_address]] Request request_;
};

}  // namespace detail

inline detail::SocketRead StreamSocket::read_some(std::span<std::byte> into) noexcept {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  return {*this, into};
}
inline detail::SocketReceive StreamSocket::receive() noexcept { return {*this, {}}; }
inline detail::SocketWaitReadable StreamSocket::wait_readable() noexcept { return {*this, {}}; }
inline detail::SocketWriteSome StreamSocket::write_some(ConstBuffer data) noexcept {
  return {*this, detail::WriteRequest{data, {}, false}};
}
inline detail::SocketWriteSome StreamSocket::write_some(
    std::span<const ConstBuffer> parts) noexcept {
  return {*this, detail::WriteRequest{{}, parts, false}};
}
inline detail::SocketWriteAll StreamSocket::write_all(ConstBuffer data) noexcept {
  return {*this, detail::WriteRequest{data, {}, true}};
}
inline detail::SocketWriteAll StreamSocket::write_all(std::string_view text) noexcept {
  return write_all(std::as_bytes(std::span(text)));
}
inline detail::SocketWriteAll StreamSocket::write_all(std::span<const ConstBuffer> parts) noexcept {
  return {*this, detail::WriteRequest{{}, parts, true}};
}

}  // namespace ieum
#pragma GCC visibility pop
