// Listener: bind, listen, accept.
#include <ieum/listener.hpp>

#include <cerrno>
#include <optional>

#include "base/driver.hpp"
#include "io/closing.hpp"
#include "net/binding.hpp"
#include "net/keepalive.hpp"
#include "net/socket_file.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

Error listen_error(int number, const Address& address, const detail::Driver& driver) {
  return detail::bind_error(number, "listen", address, driver);
}

int prepare(detail::Driver& driver, int handle, const Address& address,
            const ListenOptions& options, bool replaces, bool shared, bool shared_later) {
  int status = 0;
  if (address.is_ip()) {
    status = driver.set_option(handle, SocketOption::so_reuseaddr, 1);
    // Accepted sockets inherit it: no call for each.
    if (status >= 0 && options.no_delay) {
      status = driver.set_option(handle, SocketOption::tcp_nodelay, 1);
    }
    if (status >= 0 && options.keepalive) {
      status = detail::set_keepalive(driver, handle, *options.keepalive);
    }
  }
  if (status >= 0 && shared) {
    status = driver.set_option(handle, SocketOption::so_reuseport, 1);
  }
  if (status >= 0 && address.family() == Family::ipv6) {
    status = driver.set_option(handle, SocketOption::ipv6_v6only, options.ipv6_only ? 1 : 0);
  }
  if (status >= 0) status = detail::bind_to(driver, handle, address, replaces);
  // After binding: so far it was refused if anybody else listens there.
  if (status >= 0 && shared_later) {
    status = driver.set_option(handle, SocketOption::so_reuseport, 1);
  }
  if (status >= 0) status = driver.listen(handle, options.backlog);
  return status;
}

}  // namespace

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    if (handle_ >= 0) loop_->driver().discard(give_up());
    loop_ = other.loop_;
    handle_ = std::exchange(other.handle_, -1);
    address_ = other.address_;
    file_ = std::exchange(other.file_, {});
  }
  return *this;
}

Listener::~Listener() {
  if (handle_ >= 0) loop_->driver().discard(give_up());
}

int Listener::give_up() noexcept {
  const detail::SocketFile file = std::exchange(file_, {});
  if (handle_ >= 0 && !loop_->is_left_behind()) detail::remove_socket_file(address_, file);
  return std::exchange(handle_, -1);
}

Result<Listener> Listener::bind(std::string_view address, const ListenOptions& options) {
  const Result<Address> parsed = Address::parse(address);
  if (!parsed) return fail(parsed.error());
  return bind(*parsed, options);
}

Result<Listener> Listener::bind(const Address& address, const ListenOptions& options) {
  return bind_as(options.reuse_port ? Port::shared : Port::own, address, options);
}

Result<std::vector<DetachedListener>> Listener::bind_shared(const Address& address,
                                                            std::size_t count,
                                                            ListenOptions options) {
  if (address.is_unix() && count > 1) {
    return fail(
        Error(std::errc::not_supported, "listen", address)
            .with_detail("Unix sockets are not shared: accept on one core, move to others"));
  }
  std::vector<DetachedListener> listeners;
  Address at = address;  // then with the port that the system chose
  for (std::size_t i = 0; i < count; ++i) {
    Port port = i == 0 && !options.reuse_port ? Port::own_then_shared : Port::shared;
    if (count == 1 && !options.reuse_port) port = Port::own;
    Result<Listener> listener = bind_as(port, at, options);
    if (!listener) return fail(listener.error());
    at = listener->address();
    Result<DetachedListener> detached = listener->detach();
    if (!detached) return fail(detached.error());
    listeners.push_back(*std::move(detached));
  }
  return listeners;
}

Result<Listener> Listener::bind_as(Port port, const Address& address,
                                   const ListenOptions& options) {
  Result<Listener> listener = bind_exactly(port, address, options);
  if (listener) return listener;
  const auto ipv4 = detail::without_ipv6(address, options.ipv6_only, listener.error());
  return ipv4 ? bind_exactly(port, *ipv4, options) : std::move(listener);
}

Result<Listener> Listener::bind_exactly(Port port, const Address& address,
                                        const ListenOptions& options) {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  detail::Driver& driver = loop.driver();
  const int handle = driver.open(address.family(), detail::SocketType::stream);
  if (handle < 0) return fail(listen_error(-handle, address, driver));
  Listener listener(loop, handle, address);  // closes the handle on every way out
  std::optional<detail::ReplaceLock> lock;   // until it listens
  const bool has_file = detail::has_file(address, driver);
  const bool replaces = has_file && options.replace_stale;
  if (replaces) {
    const Result<> locked = detail::lock_file(lock, "listen", address);
    if (!locked) return fail(locked.error());
  }

  int status = prepare(driver, handle, address, options, replaces, port == Port::shared,
                       port == Port::own_then_shared);
  if (status >= 0) status = driver.local_address(handle, listener.address_);
  if (status < 0) return fail(listen_error(-status, address, driver));
  if (options.unlink_on_close && has_file) listener.file_ = detail::socket_file(address);
  return listener;
}

Task<> Listener::close() {
  const detail::PeerName name(address_);
  detail::HandleRequest request{.kind = detail::Operation::Kind::close,
                                .called = detail::HandleName::close,
                                .handle = give_up(),
                                .loop = loop_,
                                .peer = &name};
  auto closed = detail::closing(request);
  co_await std::move(closed);
}

Result<> Listener::set_option(SocketOption option, int value) noexcept {
  const int status = handle_ < 0 ? -EBADF : loop_->driver().set_option(handle_, option, value);
  if (status < 0) return fail(Error::from_errno(-status, "set socket option", address_));
  return {};
}

Result<int> Listener::option(SocketOption option) const noexcept {
  int value = 0;
  const int status = handle_ < 0 ? -EBADF : loop_->driver().get_option(handle_, option, value);
  if (status < 0) return fail(Error::from_errno(-status, "get socket option", address_));
  return value;
}

namespace detail {

AcceptState::AcceptState(const Accept& accept) noexcept
    : DriverLeaf(Kind::accept, accept.listener_->handle_, accept.listener_->loop_),
      listens_at_(accept.listener_->address_) {
  address = &peer_;
  result = -1;
}

AcceptState::~AcceptState() {
  if (result >= 0) loop().driver().discard(static_cast<int>(result));  // nobody took it
}

}  // namespace detail
}  // namespace ieum
