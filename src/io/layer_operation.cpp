// LayerOperation: the waiter of the operations beneath, which tells its own waiter.
#include <ieum/layer_operation.hpp>

#include <utility>

#include <ieum/detail/loop.hpp>
#include <ieum/lease_buffer.hpp>

namespace ieum {

using detail::Frame;
using detail::Start;

Start LayerOperation::start(detail::Waiter& waiter, detail::Scope& scope) noexcept {
  if (scope.stopped()) {
    beneath_.emplace<Error>(std::errc::operation_canceled, name_, peer_address());
    return {Start::Kind::failed, nullptr};
  }
  outer_ = &waiter;
  scope_ = &scope;
  beneath_.emplace<std::monostate>();  // what the last one gave and nobody took
  exception_ = nullptr;
  count = 0;
  const Start start = run(false);
  if (start.kind != Start::Kind::pending) outer_ = nullptr;
  return start;
}

/// Until it has to wait. What it began may have ended at once, any number of times. `resumed`: it
/// has waited before.
Start LayerOperation::run(bool resumed) noexcept {
  for (int steps = detail::Loop::budget_full;; --steps) {
    if (steps == 0) {  // others first
      scope_->loop().enqueue(*this, &LayerOperation::go_on);
      return {};
    }
    if (!take_what_has_ended()) return {Start::Kind::done, nullptr};
    const Step step = advance();
    if (step == Step::done) {
      beneath_.emplace<std::monostate>();
      return {Start::Kind::done, nullptr};
    }
    if (step == Step::failed) return {Start::Kind::failed, nullptr};
    const Start start = std::holds_alternative<detail::StreamReceiveIo>(beneath_)
                            ? start_beneath<detail::StreamReceiveIo>(resumed)
                            : start_beneath<detail::StreamIo>(resumed);
    if (start.kind != Start::Kind::done) return start;
    if (std::holds_alternative<std::monostate>(beneath_)) return start;  // `gave_up` has its result
  }
}

template <class Io>
Start LayerOperation::start_beneath(bool resumed) noexcept {
  Io& io = std::get<Io>(beneath_);
  Start start = io.start(*this, *scope_);
  if (start.kind == Start::Kind::failed) {
    Error error = io.take_error();
    // Closed between two steps: it is canceled, as one that waits beneath is.
    if (resumed && error == std::errc::bad_file_descriptor) {
      error = Error(std::errc::operation_canceled, error.operation(), error.address());
    }
    if (gave_up(beneath_.emplace<Error>(error)) == Step::done) {
      beneath_.emplace<std::monostate>();
      start.kind = Start::Kind::done;
    }
  }
  return start;
}

Frame* LayerOperation::ended(Frame* child) noexcept {
  if (child != nullptr) {  // whose frame must not be destroyed from within its own end
    scope_->loop().enqueue(*this, &LayerOperation::go_on);
    return nullptr;
  }
  const Start start = run(true);
  if (start.kind == Start::Kind::pending) return start.next;
  if (start.kind == Start::Kind::failed) {
    scope_->loop().enqueue(*this, &LayerOperation::fail_later);
    return nullptr;
  }
  return std::exchange(outer_, nullptr)->ended(nullptr);
}

Frame* LayerOperation::failed(Error& error) noexcept {
  beneath_.emplace<std::monostate>();
  if (gave_up(error) == Step::done) {  // nothing is told of the failure
    detail::Loop& loop = scope_->loop();
    if (Frame* const next = std::exchange(outer_, nullptr)->ended(nullptr)) {
      loop.enqueue_resume(*next);
    }
    return nullptr;
  }
  release();
  return std::exchange(outer_, nullptr)->failed(error);
}

void LayerOperation::go_on(detail::Loop& loop, detail::ReadyNode& node) noexcept {
  if (Frame* const next = static_cast<LayerOperation&>(node).ended(nullptr)) {
    loop.enqueue_resume(*next);
  }
}

void LayerOperation::fail_later(detail::Loop& loop, detail::ReadyNode& node) noexcept {
  auto& self = static_cast<LayerOperation&>(node);
  Error error = self.take_error();
  self.release();
  if (Frame* const frame = std::exchange(self.outer_, nullptr)->failed(error)) {
    loop.abandon(*frame, error);
  }
}

// ---- What is beneath ---------------------------------------------------------------------------

LayerOperation::Step LayerOperation::read_beneath(Stream& beneath,
                                                  std::span<std::byte> into) noexcept {
  beneath_.emplace<detail::StreamIo>().begin(
      [&](detail::StreamIo& io) { beneath.begin_read(io, into); });
  return Step::waits;
}

LayerOperation::Step LayerOperation::receive_beneath(Stream& beneath) noexcept {
  beneath_.emplace<detail::StreamReceiveIo>().begin(
      [&](detail::StreamReceiveIo& io) { beneath.begin_receive(io); });
  return Step::waits;
}

LayerOperation::Step LayerOperation::wait_readable_beneath(Stream& beneath) noexcept {
  beneath_.emplace<detail::StreamIo>().begin(
      [&](detail::StreamIo& io) { beneath.begin_wait_readable(io); });
  return Step::waits;
}

LayerOperation::Step LayerOperation::write_beneath(Stream& beneath,
                                                   const detail::WriteRequest& request) noexcept {
  beneath_.emplace<detail::StreamIo>().begin(
      [&](detail::StreamIo& io) { beneath.begin_write(io, request); });
  return Step::waits;
}

LayerOperation::Step LayerOperation::lease_buffer(std::size_t bytes) noexcept {
  beneath_.emplace<detail::StreamReceiveIo>().use(
      detail::lease_request(bytes, false, scope_->loop()));
  return Step::waits;
}

LayerOperation::Step LayerOperation::lease_output_buffer(std::size_t bytes) noexcept {
  beneath_.emplace<detail::StreamReceiveIo>().use(
      detail::lease_request(bytes, true, scope_->loop()));
  return Step::waits;
}

/// False: it threw.
bool LayerOperation::take_what_has_ended() noexcept {
  try {
    if (auto* const io = std::get_if<detail::StreamIo>(&beneath_)) {
      const std::size_t given = io->take();
      beneath_.emplace<std::size_t>(given);
    } else if (auto* const receiving = std::get_if<detail::StreamReceiveIo>(&beneath_)) {
      Lease given = receiving->take();
      beneath_.emplace<Lease>(std::move(given));
    }
    return true;
  } catch (...) {
    exception_ = std::current_exception();
    beneath_.emplace<std::monostate>();
    return false;
  }
}

std::size_t LayerOperation::take_count() noexcept {
  const std::size_t given = std::get<std::size_t>(beneath_);
  beneath_.emplace<std::monostate>();
  return given;
}

Lease LayerOperation::take_lease() noexcept {
  Lease given = std::move(std::get<Lease>(beneath_));
  beneath_.emplace<std::monostate>();
  return given;
}

// ---- How it ended ------------------------------------------------------------------------------

LayerOperation::Step LayerOperation::fail_with(const Error& error) noexcept {
  beneath_.emplace<Error>(error);
  return Step::failed;
}

Error LayerOperation::take_error() noexcept {
  const Error error = std::get<Error>(beneath_);
  beneath_.emplace<std::monostate>();
  return error;
}

void LayerOperation::rethrow() {
  if (exception_ != nullptr) std::rethrow_exception(std::exchange(exception_, nullptr));
}

Error LayerOperation::refusal() const noexcept {
  return Error(std::errc::device_or_resource_busy, name_, peer_address())
      .with_detail("another one is pending on it");
}

}  // namespace ieum
