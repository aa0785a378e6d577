// The awaitable sends and receives of a datagram socket.
#include <ieum/detail/datagram_io.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <ieum/socket_option.hpp>
#include <ieum/timeout.hpp>

#include "base/driver.hpp"

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

DatagramLeaf::DatagramLeaf(Kind what, DatagramCoreRef core, std::span<Datagram> datagrams) noexcept
    : DriverLeaf(what, core ? core->handle : -1, core ? core->loop : nullptr),
      core_(std::move(core)),
      transfer_{datagrams, core_ ? &core_->state : nullptr} {
  transfer = &transfer_;
}

Start DatagramLeaf::start(Waiter& waiter, Scope& scope) noexcept {
  const bool nothing = transfer_.datagrams.empty() && handle >= 0 && !scope.stopped();
  return nothing ? at_once() : DriverLeaf::start(waiter, scope);
}

Error DatagramLeaf::error() const noexcept {
  const auto number = static_cast<int>(-result);
  const bool sends = kind == Kind::send_datagrams;
  Address about = core_ ? core_->peer : Address();
  const Datagram* refused = nullptr;
  if (sends && !transfer_.datagrams.empty()) refused = &transfer_.datagrams[0];
  if (refused != nullptr && refused->peer.family() != Family::none) about = refused->peer;
  if (!sends && core_ && about.family() == Family::none) about = core_->state.local;
  Error error = error_at(about);
  if (refused != nullptr) explain(error, *refused, number);
  // Only for whom it fails, not for who looks on meanwhile: what is found leaves the queue.
  DatagramError told;
  if (linked() || result >= 0 || !find_details(number, told)) return error;
  error = error_at(told.peer);
  Address host = told.reporter;
  host.set_port(0);
  const std::string text = host.to_string();
  error.set_detail("says " + text.substr(0, text.rfind(':')));
  return error;
}

/// What the network said with `number`: as the driver has kept it, or from the error queue. What
/// else lies before it there is kept for `take_error`.
bool DatagramLeaf::find_details(int number, DatagramError& told) const {
  if (!core_ || !core_->state.reports_errors || number == ECANCELED || number == EBADF)
    return false;
  DatagramState& socket = core_->state;
  const bool sends = kind == Kind::send_datagrams;
  if (sends && (socket.keeps_errors || number == EMSGSIZE)) return false;  // it is about this one
  const auto kept = std::ranges::find_if(socket.errors, [&](const DatagramError& error) {
    return error.number == number && error.reporter.is_ip();
  });
  if (kept != socket.errors.end()) {
    told = *kept;
    socket.errors.erase(kept);
    return true;
  }
  while (core_->handle >= 0 && loop().driver().take_error(core_->handle, told) == 1) {
    if (told.number == number && told.reporter.is_ip()) return true;
    socket.keep(told);
  }
  return false;
}

// ---- Sending -----------------------------------------------------------------------------------

namespace {

/// The system does not tell when an unconnected Unix peer has room: tried again and again.
Task<std::size_t> send_patiently(DatagramCoreRef core, std::span<const Datagram> datagrams) {
  std::size_t sent = 0;
  Duration pause = std::chrono::milliseconds(1);
  for (;;) {
    SendMany::Impatient some(core, datagrams.subspan(sent));
    const Result<std::size_t> gone = co_await attempt(std::move(some));
    if (!gone && gone.error() != std::errc::resource_unavailable_try_again) {
      if (sent == 0) co_return fail(gone.error());
      co_return sent;
    }
    if (gone) sent += *gone;
    if (sent == datagrams.size()) co_return sent;
    if (gone) continue;  // the rest says why it did not go
    const Result<> paused = co_await attempt(sleep(pause));
    const bool is_over = !paused || core->handle < 0;
    if (is_over && sent > 0) co_return sent;
    if (is_over) {
      const Address to = datagrams[sent].peer;
      co_return fail(Error::from_errno(ECANCELED, "send", to));
    }
    pause = std::min<Duration>(pause * 2, std::chrono::milliseconds(50));
  }
}

bool is_patient(const DatagramCoreRef& core, std::span<const Datagram> datagrams) noexcept {
  if (!core || core->handle < 0 || !core->is_unix()) return false;
  const auto named = [](const Datagram& datagram) { return datagram.peer.is_unix(); };
  return std::ranges::any_of(datagrams, named);
}

}  // namespace

SendMany::State::State(SendMany&& send) noexcept
    : leaf_(Operation::Kind::send_datagrams, std::move(send.core_), to_send(send.datagrams_)) {
  if (!is_patient(leaf_.core(), send.datagrams_)) return;
  patient_.emplace(send_patiently(leaf_.core(), send.datagrams_));
}

SendMany::Impatient::State::State(Impatient&& send) noexcept
    : leaf_(Operation::Kind::send_datagrams, std::move(send.core_), to_send(send.datagrams_)) {}

// ---- Receiving ---------------------------------------------------------------------------------

ReceiveOne::State::State(ReceiveOne&& receive) noexcept
    : into_(receive.into_),
      leaf_(Operation::Kind::receive_datagrams, std::move(receive.core_),
            std::span(&datagram_, 1)) {
  datagram_.data = into_;
}

Start ReceiveOne::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (leaf_.core() && leaf_.core()->joins && !scope.stopped()) [[unlikely]] {
    DatagramCore& core = *leaf_.core();
    if (!core.joined) core.joined = std::make_unique<DatagramCore::Joined>();
    from_joined_ = true;
    if (core.joined->has_more()) return {Start::Kind::done, nullptr};
    core.joined->next = 0;
    leaf_.set_datagrams(core.joined->batch.make_room(true));
  }
  return leaf_.start(waiter, scope);
}

Datagram ReceiveOne::State::take() noexcept { return from_joined_ ? next_joined() : datagram_; }

/// The next of those that came as one message, copied into the caller's memory.
Datagram ReceiveOne::State::next_joined() noexcept {
  DatagramState& state = leaf_.core()->state;
  DatagramCore::Joined& joined = *leaf_.core()->joined;
  if (leaf_.result > 0) joined.batch.filled(static_cast<std::size_t>(leaf_.result), state);
  Datagram datagram = joined.batch[joined.next++];
  const std::size_t bytes = std::min(datagram.data.size(), into_.size());
  if (bytes < datagram.data.size()) {
    datagram.truncated = true;
    ++state.counters.truncated;
  }
  std::ranges::copy(datagram.data.first(bytes), into_.begin());
  datagram.data = into_.first(bytes);
  return datagram;
}

ReceiveBatch::State::State(ReceiveBatch&& receive) noexcept
    : into_(receive.into_),
      leaf_(Operation::Kind::receive_datagrams, std::move(receive.core_), {}) {}

/// From the first batch on, the system may give several datagrams as one.
void ReceiveBatch::State::join_received() noexcept {
  DatagramCore& core = *leaf_.core();
  core.segmentation = false;
  if (core.is_unix()) return;
  if (core.loop->driver().set_option(core.handle, SocketOption::udp_gro, 1) < 0) return;
  core.joins = core.state.details = true;
}

Start ReceiveBatch::State::start(Waiter& waiter, Scope& scope) noexcept {
  if (!leaf_.core() || leaf_.core()->handle < 0 || scope.stopped()) {
    leaf_.set_datagrams(into_->make_room(false));
    return leaf_.start(waiter, scope);
  }
  DatagramCore& core = *leaf_.core();
  if (core.segmentation) join_received();
  DatagramCore::Joined* const joined = core.joined.get();
  if (joined != nullptr && joined->has_more()) {
    into_->copy(joined->batch.datagrams().subspan(joined->next));
    joined->next = joined->batch.size();
    copied_ = true;
    return {Start::Kind::done, nullptr};
  }
  leaf_.set_datagrams(into_->make_room(core.joins));
  return leaf_.start(waiter, scope);
}

std::size_t ReceiveBatch::State::take() {
  if (!copied_) into_->filled(static_cast<std::size_t>(leaf_.result), leaf_.core()->state);
  return into_->size();
}

}  // namespace ieum::detail
