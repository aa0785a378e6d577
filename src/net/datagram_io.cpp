// The awaitable sends and receives of a datagram socket.
#include <ieum/detail/datagram_io.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <ieum/datagram_socket.hpp>

#include "driver/driver.hpp"

namespace ieum::detail {

namespace {

/// The driver only reads what it sends.
std::span<Datagram> to_send(std::span<const Datagram> datagrams) noexcept {
  return {const_cast<Datagram*>(datagrams.data()), datagrams.size()};
}

void explain(Error& error, const Datagram& refused, int number) noexcept {
  std::array<char, Error::detail_bytes_max> text{};
  if (number == EMSGSIZE) {
    std::snprintf(text.data(), text.size(), "%zu bytes", refused.data.size());
    error.set_detail(text.data());
  }
  if (number == EACCES && refused.peer.is_ip()) {
    error.set_detail("a broadcast must be allowed: DatagramOptions::broadcast");
  }
}

}  // namespace

DatagramLeaf::DatagramLeaf(Kind what, DatagramSocket& socket,
                           std::span<Datagram> datagrams) noexcept
    : Leaf(what, socket.handle_, socket.loop_),
      socket_(&socket),
      transfer_{datagrams, &socket.port_} {
  transfer = &transfer_;
}

Start DatagramLeaf::start(Waiter& waiter, Scope& scope) noexcept {
  if (scope.stopped()) {
    result = -ECANCELED;
    return at_once();
  }
  if (handle < 0) {
    result = -EBADF;
    return at_once();
  }
  if (transfer_.datagrams.empty()) return at_once();
  Loop& loop = scope.loop();
  IEUM_ASSERT(belongs_to(loop), "a socket is used on a runtime that it was not made on");
  if (loop.submit(*this)) return at_once();
  wait_in(waiter, scope);
  return {};
}

Error DatagramLeaf::error() const noexcept {
  const auto number = static_cast<int>(-result);
  if (kind == Kind::send_datagrams) {
    const bool known = !transfer_.datagrams.empty();
    const Address& to = known && transfer_.datagrams[0].peer.family() != Family::none
                            ? transfer_.datagrams[0].peer
                            : socket_->peer_;
    Error error = error_at(to);
    if (known) explain(error, transfer_.datagrams[0], number);
    return error;
  }
  // Of what the network says, the error queue knows whom it is about.
  DatagramError told;
  if (socket_->reports_errors_ && number != ECANCELED && number != EBADF &&
      loop().driver().take_error(handle, told) == 1 && told.peer.family() != Family::none) {
    Error error = error_at(told.peer);
    if (told.reporter.is_ip()) {
      Address host = told.reporter;
      host.set_port(0);
      const std::string text = host.to_string();
      error.set_detail("says " + text.substr(0, text.rfind(':')));
    }
    return error;
  }
  return error_at(socket_->peer_.family() != Family::none ? socket_->peer_ : socket_->port_.local);
}

// ---- Sending -----------------------------------------------------------------------------------

SendMany::State::State(SendMany&& send) noexcept
    : leaf_(Operation::Kind::send_datagrams, *send.socket_, to_send(send.datagrams_)) {
  if (!send.socket_->is_unix() || send.datagrams_.empty()) return;
  const auto named = [](const Datagram& datagram) { return datagram.peer.is_unix(); };
  if (!std::ranges::any_of(send.datagrams_, named)) return;
  patient_.emplace(send.socket_->send_patiently(send.datagrams_));
}

SendMany::Impatient::State::State(Impatient&& send) noexcept
    : leaf_(Operation::Kind::send_datagrams, *send.socket_, to_send(send.datagrams_)) {}

// ---- Receiving ---------------------------------------------------------------------------------

ReceiveOne::State::State(ReceiveOne&& receive) noexcept
    : socket_(receive.socket_),
      into_(receive.into_),
      leaf_(Operation::Kind::receive_datagrams, *receive.socket_, std::span(&datagram_, 1)) {
  datagram_.data = into_;
}

Start ReceiveOne::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (socket_->joins_) [[unlikely]] {
    if (!socket_->joined_) socket_->joined_ = std::make_unique<DatagramSocket::Joined>();
    DatagramSocket::Joined& joined = *socket_->joined_;
    if (joined.next < joined.batch.size() && !scope.stopped()) {
      return {Start::Kind::done, nullptr};
    }
    joined.next = 0;
    leaf_.set_datagrams(joined.batch.make_room(true));
  }
  return leaf_.start(waiter, scope);
}

Datagram ReceiveOne::State::take() noexcept { return socket_->joins_ ? joined() : datagram_; }

/// The next of those that came as one message, copied into the caller's memory.
Datagram ReceiveOne::State::joined() noexcept {
  DatagramSocket::Joined& joined = *socket_->joined_;
  if (leaf_.result > 0) joined.batch.filled(static_cast<std::size_t>(leaf_.result), socket_->port_);
  Datagram datagram = joined.batch[joined.next++];
  const std::size_t bytes = std::min(datagram.data.size(), into_.size());
  if (bytes < datagram.data.size()) {
    datagram.truncated = true;
    ++socket_->port_.counters.truncated;
  }
  std::ranges::copy(datagram.data.first(bytes), into_.begin());
  datagram.data = into_.first(bytes);
  return datagram;
}

ReceiveBatch::State::State(ReceiveBatch&& receive) noexcept
    : socket_(receive.socket_),
      into_(receive.into_),
      leaf_(Operation::Kind::receive_datagrams, *receive.socket_, {}) {}

Start ReceiveBatch::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (socket_->segmentation_) socket_->join_received();
  DatagramSocket::Joined* joined = socket_->joined_.get();
  if (joined != nullptr && joined->next < joined->batch.size() && !scope.stopped()) {
    into_->copy(joined->batch.datagrams().subspan(joined->next));
    joined->next = joined->batch.size();
    copied_ = true;
    return {Start::Kind::done, nullptr};
  }
  leaf_.set_datagrams(into_->make_room(socket_->joins_));
  return leaf_.start(waiter, scope);
}

std::size_t ReceiveBatch::State::take() {
  if (!copied_) into_->filled(static_cast<std::size_t>(leaf_.result), socket_->port_);
  return into_->size();
}

}  // namespace ieum::detail
