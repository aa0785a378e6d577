// DatagramSocket: making one, its peer, closing it.
#include <ieum/datagram_socket.hpp>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include <ieum/timeout.hpp>

#include "core/closing.hpp"
#include "core/this_loop.hpp"
#include "driver/driver.hpp"
#include "net/binding.hpp"
#include "net/socket_file.hpp"

namespace ieum {

namespace {

/// All addresses of a family, and a port that the system chooses; none for Unix sockets.
Address any_of(Family family) noexcept {
  if (family == Family::ipv4) return Address::ipv4({}, 0);
  if (family == Family::ipv6) return Address::ipv6({}, 0);
  return {};
}

}  // namespace

DatagramSocket::DatagramSocket(DatagramSocket&& other) noexcept
    : loop_(other.loop_),
      handle_(std::exchange(other.handle_, -1)),
      ipv6_only_(other.ipv6_only_),
      segmentation_(other.segmentation_),
      joins_(other.joins_),
      reports_errors_(other.reports_errors_),
      port_(other.port_),
      peer_(other.peer_),
      file_(std::exchange(other.file_, {})),
      joined_(std::move(other.joined_)) {}

DatagramSocket& DatagramSocket::operator=(DatagramSocket&& other) noexcept {
  if (this != &other) {
    if (handle_ >= 0) loop_->driver().discard(give_up());
    loop_ = other.loop_;
    handle_ = std::exchange(other.handle_, -1);
    ipv6_only_ = other.ipv6_only_;
    segmentation_ = other.segmentation_;
    joins_ = other.joins_;
    reports_errors_ = other.reports_errors_;
    port_ = other.port_;
    peer_ = other.peer_;
    file_ = std::exchange(other.file_, {});
    joined_ = std::move(other.joined_);
  }
  return *this;
}

DatagramSocket::~DatagramSocket() {
  if (handle_ >= 0) loop_->driver().discard(give_up());
}

int DatagramSocket::give_up() noexcept {
  detail::remove_socket_file(port_.local, std::exchange(file_, {}));
  return std::exchange(handle_, -1);
}

Error DatagramSocket::error(int number, const char* operation) const noexcept {
  return Error::from_errno(number, operation, peer_.family() != Family::none ? peer_ : port_.local);
}

// ---- Making one --------------------------------------------------------------------------------

Result<DatagramSocket> DatagramSocket::make(Family family, const DatagramOptions& options) {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  const int handle = loop.driver().open(family, SocketType::datagram);
  if (handle < 0) return fail(Error::from_errno(-handle, "open socket"));
  DatagramSocket socket(loop, handle);  // closes the handle on every way out
  socket.port_.family = family;
  socket.ipv6_only_ = options.ipv6_only;
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
  Result<DatagramSocket> socket = make(address.family(), options);
  if (!socket) return fail(Error(socket.error().code(), "bind", address));
  Driver& driver = socket->loop_->driver();
  const bool has_file = detail::has_file(address, driver);
  const bool replaces = has_file && options.replace_stale;
  std::optional<detail::ReplaceLock> lock;
  if (replaces) {
    const Result<> locked = detail::lock_file(lock, "bind", address);
    if (!locked) return fail(locked.error());
  }
  int status = detail::bind_to(driver, socket->handle_, address, replaces);
  if (status >= 0) status = socket->learn_address();
  if (status < 0) {
    return fail(detail::bind_error(-status, "bind", SocketType::datagram, address, driver));
  }
  if (options.unlink_on_close && has_file) socket->file_ = detail::socket_file(address);
  return socket;
}

Result<DatagramSocket> DatagramSocket::open(Family family, const DatagramOptions& options) {
  Result<DatagramSocket> socket = make(family, options);
  if (!socket) return fail(socket.error());
  int status = socket->loop_->driver().bind(socket->handle_, any_of(family));
  if (status >= 0) status = socket->learn_address();
  if (status < 0) return fail(Error::from_errno(-status, "bind", any_of(family)));
  return socket;
}

Result<DatagramSocket> DatagramSocket::connect(const Address& to, const DatagramOptions& options) {
  Result<DatagramSocket> socket = make(to.family(), options);
  if (!socket) return fail(Error(socket.error().code(), "connect", to));
  if (to.is_unix()) {  // a name, for the peer to answer to
    const int status = socket->loop_->driver().bind(socket->handle_, {});
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
  int status = handle_ < 0 ? -EBADF : loop_->driver().set_peer(handle_, peer);
  if (status >= 0) status = learn_address();
  if (status < 0) return fail(Error::from_errno(-status, "connect", peer));
  peer_ = peer;
  port_.keeps_errors = reports_errors_ && peer.family() == Family::none;
  return {};
}

/// What the system has made of our address; and what follows from that.
int DatagramSocket::learn_address() noexcept {
  const int status = loop_->driver().local_address(handle_, port_.local);
  if (status < 0) return status;
  port_.wildcard = port_.local.is_ip() && port_.local.is_wildcard();
  if (!port_.wildcard) return 0;
  port_.details = true;
  return set_both(SocketOption::ip_pktinfo, SocketOption::ipv6_recvpktinfo, 1);
}

int DatagramSocket::prepare(const DatagramOptions& options) noexcept {
  Driver& driver = loop_->driver();
  const bool ipv6 = port_.family == Family::ipv6;
  int status = 0;
  const auto set = [&](bool wanted, SocketOption option, int value) {
    if (status >= 0 && wanted) status = driver.set_option(handle_, option, value);
  };
  set(options.receive_buffer_bytes > 0, SocketOption::so_rcvbuf, options.receive_buffer_bytes);
  set(options.send_buffer_bytes > 0, SocketOption::so_sndbuf, options.send_buffer_bytes);
  if (is_unix()) return status;
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
    port_.details = true;
    status = set_both(ipv4, ipv6, 1);
  };
  ask(options.receive_hop_limit, SocketOption::ip_recvttl, SocketOption::ipv6_recvhoplimit);
  ask(options.receive_traffic_class, SocketOption::ip_recvtos, SocketOption::ipv6_recvtclass);
  if (status >= 0 && options.receive_time) {
    port_.details = true;
    status = loop_->driver().set_option(handle_, SocketOption::so_timestampns, 1);
  }
  if (status >= 0 && options.report_errors) {
    status = set_both(SocketOption::ip_recverr, SocketOption::ipv6_recverr, 1);
    reports_errors_ = port_.keeps_errors = true;
  }
  segmentation_ = options.segmentation;
  port_.segment_bytes_max = options.segmentation ? UINT16_MAX : 0;
  return status;
}

void DatagramSocket::join_received() noexcept {
  segmentation_ = false;
  if (is_unix() || loop_->driver().set_option(handle_, SocketOption::udp_gro, 1) < 0) return;
  joins_ = port_.details = true;
}

// ---- Waiting -----------------------------------------------------------------------------------

Task<std::size_t> DatagramSocket::send_patiently(std::span<const Datagram> datagrams) {
  std::size_t sent = 0;
  Duration pause = std::chrono::milliseconds(1);
  for (;;) {
    detail::SendMany::Impatient some(*this, datagrams.subspan(sent));
    const Result<std::size_t> gone = co_await attempt(std::move(some));
    if (!gone && gone.error() != std::errc::resource_unavailable_try_again) {
      if (sent == 0) co_return fail(gone.error());
      co_return sent;
    }
    if (gone) sent += *gone;
    if (sent == datagrams.size()) co_return sent;
    if (gone) continue;  // the rest says why it did not go
    Result<> paused = co_await attempt(sleep(pause));
    if (!paused) co_return fail(Error(paused.error().code(), "send", datagrams[sent].peer));
    pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(50));
  }
}

Task<> DatagramSocket::close() {
  const detail::PeerName name(port_.local);
  detail::HandleRequest request{.kind = Operation::Kind::close,
                                .handle = give_up(),
                                .loop = loop_,
                                .name = "close",
                                .peer = &name};
  auto closed = detail::closing(request);
  co_await std::move(closed);
}

}  // namespace ieum
