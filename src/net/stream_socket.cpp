// StreamSocket: one end of a connection. On the data path: the third file.
#include <ieum/stream_socket.hpp>

#include <algorithm>
#include <cerrno>

#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "io/closing.hpp"
#include "net/connect.hpp"
#include "net/keepalive.hpp"
#include "net/names/happy_eyeballs.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

StreamSocket& StreamSocket::operator=(StreamSocket&& other) noexcept {
  if (this != &other) {
    if (handle_ >= 0) loop_->driver().discard(handle_);
    loop_ = other.loop_;
    handle_ = std::exchange(other.handle_, -1);
    peer_ = std::move(other.peer_);
  }
  return *this;
}

StreamSocket::~StreamSocket() {
  if (handle_ >= 0) loop_->driver().discard(handle_);
}

void StreamSocket::begin_read(detail::StreamIo& io, std::span<std::byte> into) {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  io.use(request(into));
}

void StreamSocket::begin_write(detail::StreamIo& io, const detail::WriteRequest& write) {
  io.use(request(write));
}

Error StreamSocket::error(int number, const char* operation) const noexcept {
  return Error::from_errno(number, operation, peer_address());
}

namespace {

Task<StreamSocket> with_deadline(Task<StreamSocket> connecting, Duration timeout) {
  StreamSocket socket = co_await with_timeout(timeout, std::move(connecting));
  co_return socket;
}

/// With the option's deadline over it, if there is one.
Task<StreamSocket> within_timeout(Task<StreamSocket> connecting, Duration timeout) {
  if (timeout == Duration::zero()) return connecting;
  return with_deadline(std::move(connecting), timeout);
}

/// Where to bind the socket before it connects to `to`; none: nowhere. Error:
/// `address_family_not_supported`.
Result<Address> source_for(const Address& to, const ConnectOptions& options) {
  if (options.family != Family::none && options.family != to.family()) {
    const Error other = Error::from_errno(EAFNOSUPPORT, "connect", to);
    return fail(other.with_detail("the options ask for another family"));
  }
  const Address& source = options.source;
  if (source.family() == Family::none) return source;
  if (source.is_any_family() && to.family() == Family::ipv4) {
    return Address::ipv4({}, source.port());
  }
  const bool fits = to.is_unix() ? source.is_unix() : source.family() == to.family();
  if (!fits) return fail(Error::from_errno(EAFNOSUPPORT, "bind", source));
  return source;
}

/// TCP connects a socket to its own address if the system happens to give it the port that it
/// connects to (RFC 9293, simultaneous open). Nobody listens there.
bool has_reached_itself(detail::Driver& driver, int handle, const Address& to) noexcept {
  Address local;
  if (!to.is_ip() || driver.local_address(handle, local) < 0 || local.port() != to.port()) {
    return false;
  }
  Address peer;  // not `to`, which may be a wildcard
  return driver.peer_address(handle, peer) >= 0 && peer == local;
}

}  // namespace

Task<StreamSocket> StreamSocket::connect(Address to, ConnectOptions options) {
  return within_timeout(connect_now(to, options), options.timeout);
}

Task<StreamSocket> StreamSocket::connect(std::string_view to, ConnectOptions options) {
  // Parsed now: the text may end with this call.
  if (to.starts_with("unix:") || to.starts_with("*:")) {
    return connect_parsed(Address::parse(to), options);
  }
  return connect_checked(HostPort::parse(to), options);
}

Task<StreamSocket> StreamSocket::connect(HostPort to, ConnectOptions options) {
  if (to.address()) return connect(*to.address(), options);
  if (to.host().empty()) return connect_checked(HostPort::make({}, to.port()), options);
  return within_timeout(detail::connect_by_name(std::move(to), options), options.timeout);
}

Task<StreamSocket> StreamSocket::connect(std::span<const Address> to, ConnectOptions options) {
  return within_timeout(detail::connect_to_one_of({to.begin(), to.end()}, options),
                        options.timeout);
}

Task<StreamSocket> StreamSocket::connect_parsed(Result<Address> to, ConnectOptions options) {
  const Address address = co_await to;
  StreamSocket socket = co_await connect(address, options);
  co_return socket;
}

Task<StreamSocket> StreamSocket::connect_checked(Result<HostPort> to, ConnectOptions options) {
  const HostPort place = co_await to;
  StreamSocket socket = co_await connect(place, options);
  co_return socket;
}

Task<StreamSocket> StreamSocket::connect_now(Address to, ConnectOptions options) {
  detail::Loop& loop = *co_await detail::this_loop();
  detail::Driver& driver = loop.driver();
  const Address source = co_await source_for(to, options);
  const int handle = driver.open(to.family(), detail::SocketType::stream);
  if (handle < 0) co_return fail(Error::from_errno(-handle, "connect", to));
  StreamSocket socket(loop, handle, to);

  int status = 0;
  if (options.no_delay && to.is_ip())
    status = driver.set_option(handle, SocketOption::tcp_nodelay, 1);
  if (status >= 0 && options.keepalive && to.is_ip())
    status = detail::set_keepalive(driver, handle, *options.keepalive);
  if (status < 0) co_return fail(Error::from_errno(-status, "connect", to));
  if (source.family() != Family::none) {
    status = driver.bind(handle, source);
    if (status < 0) co_return fail(Error::from_errno(-status, "bind", source));
  }

  if (options.observer != nullptr) options.observer->connecting(to);
  Duration pause = std::chrono::milliseconds(1);
  for (;;) {
    detail::Connect request(socket.loop_, handle, to);
    Result<> connected = co_await attempt(std::move(request));
    if (connected && has_reached_itself(driver, handle, to)) {
      driver.reset_on_close(handle);  // leaves the port to whoever is to listen there
      const Error error = Error::from_errno(ECONNREFUSED, "connect", to);
      connected = fail(error.with_detail("nobody listens there: it reached its own socket"));
    }
    if (connected) co_return socket;
    if (connected.error() != std::errc::resource_unavailable_try_again || !to.is_unix()) {
      if (options.observer != nullptr && connected.error() != std::errc::operation_canceled) {
        options.observer->attempt_failed(connected.error());
      }
      co_return fail(connected.error());
    }
    // A Unix listener with a full backlog refuses at once instead of making us wait: we wait here.
    Result<> paused = co_await attempt(sleep(pause));
    if (!paused) co_return fail(Error(paused.error().code(), "connect", to));
    pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(50));
  }
}

Task<> StreamSocket::shutdown_write() {
  if (handle_ < 0) co_await fail(error(EBADF, "shut down"));
  const int status = loop_->driver().shutdown(handle_, detail::Half::sending);
  if (status < 0) co_await fail(error(-status, "shut down"));
}

Result<> StreamSocket::shutdown_read() noexcept {
  if (handle_ < 0) return fail(error(EBADF, "shut down"));
  const int status = loop_->driver().shutdown(handle_, detail::Half::receiving);
  if (status < 0) return fail(error(-status, "shut down"));
  return {};
}

Task<> StreamSocket::close() {
  const detail::HandleRequest request =
      this->request(detail::Operation::Kind::close, detail::HandleName::close);
  handle_ = -1;
  auto closed = detail::closing(request);
  co_await std::move(closed);
}

Task<> StreamSocket::reset() {
  if (handle_ < 0) co_await fail(error(EBADF, "reset"));
  const int status = loop_->driver().reset_on_close(handle_);
  if (status < 0) co_await fail(error(-status, "reset"));
  co_await close();
}

Task<> StreamSocket::wait_acknowledged() {
  Duration pause = std::chrono::microseconds(200);
  for (;;) {
    if (handle_ < 0) co_await fail(error(EBADF, "wait for acknowledgement"));
    const std::int64_t waiting = loop_->driver().unacknowledged(handle_);
    if (waiting < 0) co_await fail(error(static_cast<int>(-waiting), "wait for acknowledgement"));
    if (waiting == 0) co_return;
    Result<> paused = co_await attempt(sleep(pause));
    if (!paused) co_await fail(error(paused.error().code().value(), "wait for acknowledgement"));
    pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(50));
  }
}

std::size_t StreamSocket::bytes_on_way() const noexcept {
  const std::int64_t bytes = handle_ < 0 ? 0 : loop_->driver().unacknowledged(handle_);
  return bytes < 0 ? 0 : static_cast<std::size_t>(bytes);
}

Result<Address> StreamSocket::local_address() const noexcept {
  Address address;
  const int status = handle_ < 0 ? -EBADF : loop_->driver().local_address(handle_, address);
  if (status < 0) return fail(error(-status, "get local address"));
  return address;
}

Result<> StreamSocket::set_option(SocketOption option, int value) noexcept {
  const int status = handle_ < 0 ? -EBADF : loop_->driver().set_option(handle_, option, value);
  if (status < 0) return fail(error(-status, "set socket option"));
  return {};
}

Result<> StreamSocket::set_keepalive(const Keepalive& keepalive) noexcept {
  const int status =
      handle_ < 0 ? -EBADF : detail::set_keepalive(loop_->driver(), handle_, keepalive);
  if (status < 0) return fail(error(-status, "set keepalive"));
  return {};
}

Result<int> StreamSocket::option(SocketOption option) const noexcept {
  int value = 0;
  const int status = handle_ < 0 ? -EBADF : loop_->driver().get_option(handle_, option, value);
  if (status < 0) return fail(error(-status, "get socket option"));
  return value;
}

}  // namespace ieum
