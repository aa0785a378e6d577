// DatagramSocket: making one, its peer, closing it.
#include <ieum/datagram_socket.hpp>

#include <cerrno>
#include <optional>

#include "base/driver.hpp"
#include "io/closing.hpp"
#include "net/binding.hpp"
#include "net/socket_file.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

/// All addresses of a family, and a port that the system chooses; none for Unix sockets.
Address any_of(Family family) noexcept {
  if (family == Family::ipv4) return Address::ipv4({}, 0);
  if (family == Family::ipv6) return Address::ipv6({}, 0);
  return {};
}

}  // namespace

DatagramSocket& DatagramSocket::operator=(DatagramSocket&& other) noexcept {
  if (this != &other) {
    if (is_open()) driver().discard(give_up());
    core_ = std::move(other.core_);
  }
  return *this;
}

DatagramSocket::~DatagramSocket() {
  if (is_open()) driver().discard(give_up());
}

detail::Driver& DatagramSocket::driver() const noexcept { return core_->loop->driver(); }

int DatagramSocket::give_up() noexcept {
  if (!core_) return -1;
  const detail::SocketFile file = std::exchange(core_->file, {});
  if (!core_->loop->is_left_behind()) detail::remove_socket_file(core_->state.local, file);
  return std::exchange(core_->handle, -1);
}

Error DatagramSocket::error(int number, const char* operation) const noexcept {
  const Address peer = peer_address();
  return Error::from_errno(number, operation, peer.family() != Family::none ? peer : address());
}

// ---- Making one --------------------------------------------------------------------------------

Result<DatagramSocket> DatagramSocket::make(Family family, const DatagramOptions& options) {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  const int handle = loop.driver().open(family, detail::SocketType::datagram);
  if (handle < 0) return fail(Error::from_errno(-handle, "open socket"));
  // Closes the handle on every way out.
  DatagramSocket socket(new detail::DatagramCore(loop, handle, family));
  socket.core_->ipv6_only = options.ipv6_only;
  const int status = socket.prepare(options);
  if (status < 0) return fail(Error::from_errno(-status, "set socket option"));
  return socket;
}

Result<DatagramSocket> DatagramSocket::bind(std::string_view address,
                                            const DatagramOptions& options) {
  const Result<Address> parsed = Address::parse(address);
  if (!parsed) return fail(parsed.error());
  return bind(*parsed, options);
}

Result<DatagramSocket> DatagramSocket::bind(const Address& address,
                                            const DatagramOptions& options) {
  Result<DatagramSocket> socket = bind_exactly(address, options);
  if (socket) return socket;
  const auto ipv4 = detail::without_ipv6(address, options.ipv6_only, socket.error());
  return ipv4 ? bind_exactly(*ipv4, options) : std::move(socket);
}

Result<DatagramSocket> DatagramSocket::bind_exactly(const Address& address,
                                                    const DatagramOptions& options) {
  Result<DatagramSocket> socket = make(address.family(), options);
  if (!socket) return fail(Error(socket.error().code(), "bind", address));
  detail::Driver& driver = socket->driver();
  const bool has_file = detail::has_file(address, driver);
  const bool replaces = has_file && options.replace_stale;
  std::optional<detail::ReplaceLock> lock;
  if (replaces) {
    const Result<> locked = detail::lock_file(lock, "bind", address);
    if (!locked) return fail(locked.error());
  }
  int status = detail::bind_to(driver, socket->native_handle(), address, replaces);
  if (status >= 0) status = socket->learn_address();
  if (status < 0) {
    return fail(detail::bind_error(-status, "bind", address, driver));
  }
  if (options.unlink_on_close && has_file) socket->core_->file = detail::socket_file(address);
  return socket;
}

Result<DatagramSocket> DatagramSocket::open(Family family, const DatagramOptions& options) {
  Result<DatagramSocket> socket = make(family, options);
  if (!socket) return fail(socket.error());
  int status = socket->driver().bind(socket->native_handle(), any_of(family));
  if (status >= 0) status = socket->learn_address();
  if (status < 0) return fail(Error::from_errno(-status, "bind", any_of(family)));
  return socket;
}

Result<DatagramSocket> DatagramSocket::connect(const Address& to, const DatagramOptions& options) {
  Result<DatagramSocket> socket = make(to.family(), options);
  if (!socket) return fail(Error(socket.error().code(), "connect", to));
  if (to.is_unix()) {  // a name, for the peer to answer to
    const int status = socket->driver().bind(socket->native_handle(), {});
    if (status < 0) return fail(Error::from_errno(-status, "bind"));
  }
  const Result<> connected = socket->set_peer(to);
  if (!connected) return fail(connected.error());
  return socket;
}

Result<DatagramSocket> DatagramSocket::connect(std::string_view to,
                                               const DatagramOptions& options) {
  const Result<Address> parsed = Address::parse(to);
  if (!parsed) return fail(parsed.error());
  return connect(*parsed, options);
}

Result<> DatagramSocket::set_peer(const Address& peer) {
  if (!is_open()) return fail(Error::from_errno(EBADF, "connect", peer));
  const Address former = core_->state.local;
  int status = driver().set_peer(core_->handle, peer);
  if (status >= 0) status = learn_address();
  if (status >= 0 && former.is_ip() && address().port() == 0) status = bind_again(former);
  if (status < 0) return fail(Error::from_errno(-status, "connect", peer));
  core_->peer = peer;
  core_->state.keeps_errors = core_->state.reports_errors && peer.family() == Family::none;
  return {};
}

/// With its peer, Linux takes away a port that it has chosen: the same once more.
int DatagramSocket::bind_again(const Address& former) noexcept {
  Address to = address();
  to.set_port(former.port());
  const int status = driver().bind(core_->handle, to);
  return status < 0 ? status : learn_address();
}

/// What the system has made of our address; and what follows from that.
int DatagramSocket::learn_address() noexcept {
  detail::DatagramState& state = core_->state;
  const int status = driver().local_address(core_->handle, state.local);
  if (status < 0) return status;
  state.wildcard = state.local.is_ip() && state.local.is_wildcard();
  if (!state.wildcard) return 0;
  state.details = true;
  return set_both(SocketOption::ip_pktinfo, SocketOption::ipv6_recvpktinfo, 1);
}

int DatagramSocket::prepare(const DatagramOptions& options) noexcept {
  const bool ipv6 = family() == Family::ipv6;
  int status = 0;
  const auto set = [&](bool wanted, SocketOption option, int value) {
    if (status >= 0 && wanted) status = driver().set_option(core_->handle, option, value);
  };
  set(options.receive_buffer_bytes > 0, SocketOption::so_rcvbuf, options.receive_buffer_bytes);
  set(options.send_buffer_bytes > 0, SocketOption::so_sndbuf, options.send_buffer_bytes);
  if (core_->is_unix()) return status;
  set(options.reuse_address, SocketOption::so_reuseaddr, 1);
  set(options.reuse_port, SocketOption::so_reuseport, 1);
  set(options.broadcast, SocketOption::so_broadcast, 1);
  set(ipv6, SocketOption::ipv6_v6only, options.ipv6_only ? 1 : 0);
  // Of the groups that this socket has joined only, not of those that others on this host have.
  if (status >= 0) {
    status = set_both(SocketOption::ip_multicast_all, SocketOption::ipv6_multicast_all, 0);
  }
  constexpr int never_cut = 2;  // IP_PMTUDISC_DO
  if (status >= 0 && options.dont_fragment) {
    status = set_both(SocketOption::ip_mtu_discover, SocketOption::ipv6_mtu_discover, never_cut);
  }
  return status < 0 ? status : prepare_details(options);
}

int DatagramSocket::prepare_details(const DatagramOptions& options) noexcept {
  int status = 0;
  const auto ask = [&](bool wanted, SocketOption ipv4, SocketOption ipv6) {
    if (status < 0 || !wanted) return;
    core_->state.details = true;
    status = set_both(ipv4, ipv6, 1);
  };
  ask(options.receive_hop_limit, SocketOption::ip_recvttl, SocketOption::ipv6_recvhoplimit);
  ask(options.receive_traffic_class, SocketOption::ip_recvtos, SocketOption::ipv6_recvtclass);
  if (status >= 0 && options.receive_time) {
    core_->state.details = true;
    status = driver().set_option(core_->handle, SocketOption::so_timestampns, 1);
  }
  if (status >= 0 && options.report_errors) {
    status = set_both(SocketOption::ip_recverr, SocketOption::ipv6_recverr, 1);
    core_->state.reports_errors = core_->state.keeps_errors = true;
  }
  core_->segmentation = options.segmentation;
  core_->state.segment_bytes_max = options.segmentation ? UINT16_MAX : 0;
  return status;
}

Task<> DatagramSocket::close() {
  const detail::PeerName name(address());
  detail::HandleRequest request{.kind = detail::Operation::Kind::close,
                                .called = detail::HandleName::close,
                                .handle = give_up(),
                                .loop = core_ ? core_->loop : nullptr,
                                .peer = &name};
  auto closed = detail::closing(request);
  co_await std::move(closed);
}

}  // namespace ieum
