// WebSocket, and its operations.
#include <ieum/websocket/websocket.hpp>

#include <cerrno>

#include "websocket/connection.hpp"

namespace ieum {

using ieum::detail::Frame;
using ieum::detail::Loop;
using ieum::detail::Start;

bool is_sendable(CloseCode code) noexcept {
  const auto number = static_cast<unsigned>(code);
  if (number >= 3000 && number <= 4999) return true;
  return number >= 1000 && number <= 1014 && number != 1004 && code != CloseCode::no_code &&
         code != CloseCode::abnormal;
}

std::string_view to_string(CloseCode code) noexcept {
  switch (code) {
    case CloseCode::normal: return "normal";
    case CloseCode::going_away: return "going away";
    case CloseCode::protocol_error: return "protocol error";
    case CloseCode::unsupported_data: return "unsupported data";
    case CloseCode::no_code: return "no code";
    case CloseCode::abnormal: return "ended without a Close";
    case CloseCode::invalid_data: return "invalid data";
    case CloseCode::policy_violation: return "policy violation";
    case CloseCode::message_too_big: return "message too big";
    case CloseCode::mandatory_extension: return "mandatory extension";
    case CloseCode::internal_error: return "internal error";
    case CloseCode::service_restart: return "service restart";
    case CloseCode::try_again_later: return "try again later";
    case CloseCode::bad_gateway: return "bad gateway";
  }
  return {};
}

WebSocketFrame WebSocketFrame::text(std::string_view text) {
  const ConstBuffer bytes = std::as_bytes(std::span(text));
  if (!websocket::detail::is_utf8(bytes)) return {};
  WebSocketFrame frame = binary(bytes);
  std::string framed(frame.bytes_.text());
  framed[0] = '\x81';
  frame.bytes_ = Payload(std::move(framed));
  return frame;
}

WebSocketFrame WebSocketFrame::binary(ConstBuffer data) {
  websocket::detail::FrameHead head;
  head.opcode = websocket::detail::Opcode::binary;
  head.length = data.size();
  std::string framed(websocket::detail::head_size(data.size(), false), '\0');
  websocket::detail::write_head(head, std::as_writable_bytes(std::span(framed)));
  framed.append(reinterpret_cast<const char*>(data.data()), data.size());
  WebSocketFrame frame;
  frame.bytes_ = Payload(std::move(framed));
  return frame;
}

// ---- WebSocket ---------------------------------------------------------------------------------

WebSocket WebSocket::over(std::unique_ptr<Stream> stream, WebSocketRole role, ConstBuffer left_over,
                          const WebSocketOptions& options) {
  websocket::detail::Setup setup;
  setup.role = role;
  setup.options = std::make_shared<const WebSocketOptions>(options);
  return setup.make(std::move(stream), left_over);
}

websocket::detail::Receive WebSocket::receive() noexcept {
  IEUM_ASSERT(connection_ != nullptr, "receive on a WebSocket that was moved from");
  return websocket::detail::Receive(*connection_);
}

websocket::detail::Send WebSocket::send(WebSocketMessage message) {
  return {*connection_, std::move(message)};
}

websocket::detail::Send WebSocket::send(WebSocketFrame frame) {
  return {*connection_, std::move(frame)};
}

websocket::detail::Send WebSocket::send_text(std::string text) {
  return {*connection_, websocket::detail::Outgoing::Kind::text, std::move(text)};
}
websocket::detail::Send WebSocket::send_binary(std::string data) {
  return {*connection_, websocket::detail::Outgoing::Kind::binary, std::move(data)};
}
websocket::detail::Send WebSocket::send_binary(ConstBuffer data) {
  return send_binary(std::string(reinterpret_cast<const char*>(data.data()), data.size()));
}

bool WebSocket::try_send(const WebSocketFrame& frame) { return connection_->try_send(frame); }
std::size_t WebSocket::queued_bytes() const noexcept {
  return connection_->queued > connection_->sent ? connection_->queued - connection_->sent : 0;
}
std::uint64_t WebSocket::dropped() const noexcept {
  return connection_->rare() != nullptr ? connection_->rare()->dropped : 0;
}

Task<> WebSocket::close(CloseCode code, std::string reason) {
  IEUM_ASSERT(is_sendable(code), "a Close frame cannot have this code");
  return connection_->close(code, std::move(reason));
}

std::optional<CloseCode> WebSocket::close_code() const noexcept { return connection_->peer_code; }
std::string_view WebSocket::close_reason() const noexcept {
  return connection_->rare() != nullptr ? std::string_view(connection_->rare()->peer_reason)
                                        : std::string_view();
}
std::string_view WebSocket::subprotocol() const noexcept {
  return connection_->rare() != nullptr ? std::string_view(connection_->rare()->subprotocol)
                                        : std::string_view();
}
bool WebSocket::is_compressed() const noexcept { return connection_->deflater != nullptr; }
Address WebSocket::peer_address() const noexcept { return connection_->stream->peer_address(); }
bool WebSocket::is_open() const noexcept {
  return connection_ != nullptr && !connection_->has_ended && !connection_->is_closing &&
         connection_->failure == nullptr;
}

namespace websocket::detail {

WebSocket Setup::make(std::unique_ptr<Stream> stream, ConstBuffer left_over,
                      Event* draining) const {
  WebSocket::Held connection(new Connection(std::move(stream), *this));
  if (!left_over.empty()) connection->feed(left_over);
  if (draining != nullptr) connection->watch(*draining);
  return WebSocket(std::move(connection));
}

void LetGo::operator()(Connection* connection) const noexcept { delete connection; }

// ---- Receive -----------------------------------------------------------------------------------

Receive::State::~State() {
  clear();
  if (connection_is_ours_) leave();
}

void Receive::State::clear() noexcept {
  const Phase phase = std::exchange(phase_, Phase::nothing);
  if (phase == Phase::reads) io_.~BasicStreamIo();
  if (phase == Phase::says_goodbye) goodbye_.~State();
}

void Receive::State::leave() noexcept {
  connection_is_ours_ = false;
  scope_.unlink();
  connection_.reader = nullptr;
}

Start Receive::State::fail_with(const Error& error) noexcept {
  error_ = std::make_unique<Error>(error);
  return {Start::Kind::failed, nullptr};
}

Start Receive::State::start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
  Connection& c = connection_;
  if (scope.stopped()) {
    return fail_with(Error(std::errc::operation_canceled, "receive", c.stream->peer_address()));
  }
  if (c.failure != nullptr) return fail_with(*c.failure);
  if (c.has_ended) return {Start::Kind::done, nullptr};
  if (c.reader != nullptr) {
    if (c.is_closing) return {Start::Kind::done, nullptr};
    return fail_with(Error(std::errc::device_or_resource_busy, "receive", c.stream->peer_address())
                         .with_detail("another receive is pending on it"));
  }
  c.reader = this;
  connection_is_ours_ = true;
  outer_ = &waiter;
  scope_.open(scope);
  c.drop_message();
  const Start start = run();
  if (start.kind == Start::Kind::pending) {
    scope.add(scope_);
    if (scope.stopped()) scope_.stop();
  } else {
    leave();
  }
  return start;
}

WebSocketMessage Receive::State::take() noexcept {
  return has_message_ ? connection_.take_message() : WebSocketMessage();
}

/// Until it has to wait.
Start Receive::State::run() noexcept {
  for (int steps = Loop::budget_full;; --steps) {
    if (phase_ == Phase::reads) {
      Lease data = io_.take();
      clear();
      if (data.empty()) {
        return fail_with(connection_.lost(
            connection_.error(Errc::end_of_stream, "the connection ended without a Close frame")));
      }
      connection_.feed(std::move(data));
    }
    const Connection::Parsed parsed = connection_.parse();
    if (parsed == Connection::Parsed::message) {
      has_message_ = true;
      return {Start::Kind::done, nullptr};
    }
    connection_.flush();
    if (connection_.failure != nullptr) return fail_with(*connection_.failure);
    if (parsed == Connection::Parsed::goodbye) return say_goodbye();
    if (steps == 0) {  // others first
      connection_.loop.enqueue(*this, &State::go_on);
      return {};
    }
    connection_.release_input();
    const Start start = read();
    if (start.kind != Start::Kind::done) return start;
  }
}

Start Receive::State::read() noexcept {
  new (&io_) ieum::detail::StreamReceiveIo;
  phase_ = Phase::reads;
  io_.begin([&](ieum::detail::StreamReceiveIo& io) { connection_.stream->begin_receive(io); });
  const Start start = io_.start(*this, scope_);
  if (start.kind != Start::Kind::failed) return start;
  const Error error = io_.take_error();
  clear();
  if (error == std::errc::operation_canceled && connection_.failure == nullptr) {
    return fail_with(error);
  }
  return fail_with(connection_.lost(error));
}

Start Receive::State::say_goodbye() noexcept {
  new (&goodbye_) Task<>::State(connection_.say_goodbye());
  phase_ = Phase::says_goodbye;
  return goodbye_.start(*this, scope_);
}

Frame* Receive::State::ended(Frame* child) noexcept {
  if (child != nullptr) {  // whose frame must not be destroyed from within its own end
    connection_.loop.enqueue(*this, &State::go_on);
    return nullptr;
  }
  Start start{Start::Kind::done, nullptr};
  if (phase_ == Phase::says_goodbye) {
    goodbye_.take();
    clear();
    if (connection_.failure != nullptr) start = fail_with(*connection_.failure);
  } else {
    start = run();
  }
  if (start.kind == Start::Kind::pending) return start.next;
  if (start.kind == Start::Kind::failed) {
    connection_.loop.enqueue(*this, &State::fail_later);
    return nullptr;
  }
  leave();
  return outer_->ended(nullptr);
}

Frame* Receive::State::failed(Error& error) noexcept {
  const bool was_reading = phase_ == Phase::reads;
  clear();
  if (connection_.failure != nullptr) {
    error = *connection_.failure;
  } else if (was_reading && error != std::errc::operation_canceled) {
    error = connection_.lost(error);
  }
  leave();
  return outer_->failed(error);
}

void Receive::State::go_on(Loop& loop, ieum::detail::ReadyNode& node) noexcept {
  if (Frame* const next = static_cast<State&>(node).ended(nullptr)) loop.enqueue_resume(*next);
}

void Receive::State::fail_later(Loop& loop, ieum::detail::ReadyNode& node) noexcept {
  auto& self = static_cast<State&>(node);
  Error error = *self.error_;
  self.leave();
  if (Frame* const frame = self.outer_->failed(error)) loop.abandon(*frame, error);
}

// ---- Sending -----------------------------------------------------------------------------------

Start OutputLeaf::wait_for(std::uint64_t sent, ieum::detail::Waiter& waiter,
                           ieum::detail::Scope& scope) noexcept {
  if (connection_.sent >= sent) return at_once(0);
  connection_.flush();
  if (connection_.failure != nullptr || connection_.cannot_write) return at_once(-EPIPE);
  if (connection_.sent >= sent) return at_once(0);
  until_ = sent;
  wait_in(waiter, scope);
  link_.link_before(connection_.senders);
  return {};
}

void OutputLeaf::finish_with(int why) noexcept {
  link_.unlink();
  result = -why;
  loop().complete(*this);
}

void OutputLeaf::on_stop() noexcept {
  if (state == Operation::State::pending) finish_with(ECANCELED);
}

Error OutputLeaf::error() const noexcept {
  const Address peer = connection_.stream->peer_address();
  if (result == -EPIPE) {
    if (connection_.cannot_write) return *connection_.rare()->write_error;
    if (connection_.failure != nullptr) return *connection_.failure;
    return Error(Errc::closed, "send", peer).with_detail("a Close has been sent");
  }
  const Error error = Error::from_errno(static_cast<int>(-result), "send", peer);
  return result == -EINVAL ? error.with_detail("there is no message, or its text is not UTF-8")
                           : error;
}

Start Send::State::start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
  if (scope.stopped()) return refuse(ECANCELED);
  if (const int why = connection().take_over(what_); why != 0) return refuse(why);
  return wait_for(connection().waits_until(), waiter, scope);
}

}  // namespace websocket::detail
}  // namespace ieum
