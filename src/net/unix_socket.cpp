// StreamSocket: what only Unix sockets can do.
#include <cerrno>
#include <string>

#include <ieum/stream_socket.hpp>
#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

Error unix_error(int number, const char* operation, const Address& peer) noexcept {
  Error error = Error::from_errno(number, operation, peer);
  if (number == EOPNOTSUPP) error.set_detail("only Unix sockets can do it");
  return error;
}

/// Receives what is there; as Driver::receive_descriptors.
std::int64_t receive_now(detail::Driver& driver, int handle, std::span<std::byte> into,
                         std::size_t descriptors_max, ReceivedDescriptors& received) {
  std::array<int, descriptors_passed_max> numbers{};
  const auto wanted = std::span(numbers).first(std::min(descriptors_max, numbers.size()));
  std::size_t count = 0;
  const std::int64_t bytes = driver.receive_descriptors(handle, into, wanted, count);
  if (bytes < 0) return bytes;
  received.bytes = static_cast<std::size_t>(bytes);
  for (const int number : wanted.first(count)) received.descriptors.emplace_back(number);
  return bytes;
}

}  // namespace

Result<std::pair<StreamSocket, StreamSocket>> StreamSocket::pair() {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  int first = -1;
  int second = -1;
  const int status = loop.driver().open_pair(first, second);
  if (status < 0) return fail(Error::from_errno(-status, "make a pair of sockets"));
  return std::pair(StreamSocket(loop, first, {}), StreamSocket(loop, second, {}));
}

Result<PeerCredentials> StreamSocket::peer_credentials() const noexcept {
  PeerCredentials peer;
  const int status = handle_ < 0 ? -EBADF : loop_->driver().peer_credentials(handle_, peer);
  if (status < 0) return fail(unix_error(-status, "get peer credentials", peer_address()));
  return peer;
}

Task<> StreamSocket::send_descriptors(ConstBuffer data, std::span<const int> descriptors) {
  constexpr const char* name = "send descriptors";
  if (data.empty()) {
    co_await fail(error(EINVAL, name).with_detail("they need at least one byte to go with"));
  }
  if (descriptors.size() > descriptors_passed_max) {
    const std::string why = "at most " + std::to_string(descriptors_passed_max) +
                            " go at once, not " + std::to_string(descriptors.size());
    co_await fail(Error(Errc::limit_exceeded, name, peer_address()).with_detail(why));
  }
  const bool stopped = co_await stop_requested();
  if (stopped) co_await fail(error(ECANCELED, name));
  for (;;) {
    const std::int64_t count =
        handle_ < 0 ? -EBADF : loop_->driver().send_descriptors(handle_, data, descriptors);
    if (count >= 0) {
      peer_.moved(loop_->now());
      data = data.subspan(static_cast<std::size_t>(count));
      break;
    }
    if (count != -EAGAIN) {
      co_await fail(unix_error(static_cast<int>(-count), name, peer_address()));
    }
    detail::HandleIo<void> room({.kind = detail::Operation::Kind::wait_writable,
                                 .called = detail::HandleName::send_descriptors,
                                 .handle = handle_,
                                 .loop = loop_,
                                 .peer = &peer_});
    co_await std::move(room);
  }
  if (!data.empty()) co_await write_all(data);
}

detail::ConsumingTask<ReceivedDescriptors> StreamSocket::receive_descriptors(
    std::span<std::byte> into, std::size_t descriptors_max) {
  return detail::ConsumingTask<ReceivedDescriptors>(take_descriptors(into, descriptors_max));
}

Task<ReceivedDescriptors> StreamSocket::take_descriptors(std::span<std::byte> into,
                                                         std::size_t descriptors_max) {
  IEUM_ASSERT(!into.empty(), "receive_descriptors needs room for at least one byte");
  constexpr const char* name = "receive descriptors";
  const bool stopped = co_await stop_requested();
  if (stopped) co_await fail(error(ECANCELED, name));
  ReceivedDescriptors received;
  for (;;) {
    const std::int64_t bytes =
        handle_ < 0 ? -EBADF
                    : receive_now(loop_->driver(), handle_, into, descriptors_max, received);
    if (bytes >= 0) {
      peer_.moved(loop_->now());
      break;
    }
    if (bytes == -EMSGSIZE) {
      const std::string why = "more than " + std::to_string(descriptors_max) + " came, all closed";
      co_await fail(Error(Errc::limit_exceeded, name, peer_address()).with_detail(why));
    }
    if (bytes != -EAGAIN) {
      co_await fail(unix_error(static_cast<int>(-bytes), name, peer_address()));
    }
    detail::HandleIo<void> arrival({.kind = detail::Operation::Kind::wait_readable,
                                    .called = detail::HandleName::receive_descriptors,
                                    .handle = handle_,
                                    .loop = loop_,
                                    .peer = &peer_});
    co_await std::move(arrival);
  }
  co_return received;
}

}  // namespace ieum
