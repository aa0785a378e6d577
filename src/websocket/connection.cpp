// Connection: frames in, messages out; and what it says of itself.
#include "websocket/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <ieum/random_bytes.hpp>
#include <ieum/timeout.hpp>

#include "websocket/drain_watch.hpp"
#include "websocket/mask.hpp"

namespace ieum::websocket::detail {

namespace {

/// `send` ends at once as long as no more than this waits.
constexpr std::size_t mark_bytes = std::size_t{16} * 1024;
/// Pings that are answered one by one while nothing can be written; then the last one only.
constexpr std::size_t pongs_max = 32;
constexpr std::size_t reason_bytes_max = 123;
/// Of a frame that has not come as a whole: less in a ping's interval is nothing.
constexpr std::size_t heard_bytes_min = 1024;

/// The part of a reason that a Close frame can hold, cut between characters.
std::string_view cut(std::string_view reason) noexcept {
  if (reason.size() <= reason_bytes_max) return reason;
  std::size_t size = reason_bytes_max;
  while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U) --size;
  return reason.substr(0, size);
}

ConstBuffer bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

/// Waits until all that is queued has gone.
class Drained {
 public:
  using value_type = void;
  explicit Drained(Connection& connection) noexcept : connection_(connection) {}
  class State final : public OutputLeaf {
   public:
    explicit State(Drained&& of) noexcept : OutputLeaf(of.connection_) {}
    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
      if (scope.stopped()) return refuse(ECANCELED);
      if (connection().failure != nullptr) return refuse(EPIPE);
      return wait_for(connection().queued, waiter, scope);
    }
  };

 private:
  Connection& connection_;
};

}  // namespace

/// The one timer of a connection, which most have none of.
struct Connection::Alarm final : ieum::detail::Timer {
  explicit Alarm(Connection& connection) noexcept : of(connection) {}
  void fire() noexcept override { of.on_alarm(); }
  Connection& of;
};

Connection::Connection(std::unique_ptr<Stream> of, const Setup& setup)
    : stream(std::move(of)),
      loop(*ieum::detail::Loop::current()),
      options(setup.options),
      role(setup.role) {
  if (!setup.subprotocol.empty()) some_rare().subprotocol = setup.subprotocol;
  if (setup.deflate) {
    deflater = std::make_unique<Deflater>(*setup.deflate, options->compression_memory_level);
  }
  if (options->ping_interval > Duration::zero()) arm(options->ping_interval);
}

Connection::~Connection() {
  IEUM_ASSERT(reader == nullptr && !senders.linked(),
              "a WebSocket is destroyed while an operation on it is pending");
  disarm();
  drain_link.unlink();
  if (watch_ != nullptr) DrainWatch::leave(*watch_);
  if (output_ == nullptr) return;
  if (output_->is_writing()) {
    Output::let_go(std::move(output_), std::move(stream));
  } else {
    Output::give_back(std::move(output_));
  }
}

Error Connection::error(Errc code, const char* detail) const noexcept {
  return Error(code, "receive", stream->peer_address()).with_detail(detail);
}

// ---- What comes --------------------------------------------------------------------------------

namespace {

constexpr std::size_t kept_inputs_max = 64;

std::vector<std::unique_ptr<Input>>& kept_inputs() {
  thread_local std::vector<std::unique_ptr<Input>> inputs;
  return inputs;
}

}  // namespace

Input& Connection::some_input() {
  if (input_ != nullptr) return *input_;
  if (kept_inputs().empty()) {
    input_ = std::make_unique<Input>();
  } else {
    input_ = std::move(kept_inputs().back());
    kept_inputs().pop_back();
  }
  return *input_;
}

void Connection::release_input() noexcept {
  if (input_ == nullptr || !input_->is_idle()) return;
  std::unique_ptr<Input> idle = std::move(input_);
  if (kept_inputs().size() >= kept_inputs_max) return;
  kept_inputs().push_back(std::move(idle));
}

void Connection::hear(std::size_t bytes) noexcept {
  heard_bytes_ = static_cast<std::uint16_t>(std::min(heard_bytes_ + bytes, heard_bytes_min));
}

void Connection::feed(Lease data) {
  hear(data.size());
  some_input().lease = std::move(data);
}

void Connection::feed(ConstBuffer left_over) {
  some_input().held.assign(reinterpret_cast<const char*>(left_over.data()), left_over.size());
}

std::span<std::byte> Connection::input() noexcept {
  Input& in = *input_;
  if (in.lease) return in.lease.bytes();
  return std::as_writable_bytes(std::span(in.held)).subspan(in.held_at);
}

/// What was shown stays where it is until the next receive.
void Connection::use(std::size_t bytes) noexcept {
  Input& in = *input_;
  if (!in.lease) {
    in.held_at += bytes;
    return;
  }
  if (bytes < in.lease.size() || !in.has_message) {
    in.lease.remove_prefix(bytes);
    return;
  }
  in.held.clear();  // all of it is used, and shown: it goes with the message
  in.held_at = 0;
  in.used_up = true;
}

void Connection::drop_message() noexcept {
  if (input_ == nullptr) return;
  Input& in = *input_;
  in.has_message = false;
  in.shown = {};
  if (in.used_up) {
    in.lease.reset();
    in.used_up = false;
  }
  if (in.held_at > 0 && in.held_at == in.held.size()) {
    std::string().swap(in.held);
    in.held_at = 0;
  }
  if (!in.in_message && !in.message.empty()) {
    keep_message_memory(std::exchange(in.message, {}));
  }
}

WebSocketMessage Connection::take_message() noexcept {
  WebSocketMessage message;
  message.data_ = input_->shown;
  message.from_ = this;
  message.is_text_ = input_->is_text;
  return message;
}

Connection::Parsed Connection::parse() {
  if (peer_closed || failure != nullptr) return Parsed::goodbye;
  if (input_ == nullptr) return Parsed::needs_more;
  Input& in = *input_;
  for (;;) {
    if (peer_closed || failure != nullptr) return Parsed::goodbye;
    std::span<std::byte> bytes = in.used_up ? std::span<std::byte>() : input();
    if (!in.in_frame) {
      if (bytes.empty()) return Parsed::needs_more;
      const FrameRules rules{.masked = role == WebSocketRole::server,
                             .compressed = deflater != nullptr};
      FrameHead head;
      HeadRead read;
      if (in.partial_size == 0) {
        read = read_head(bytes, rules, head);
        if (read.size == 0 && read.fault == nullptr) {  // less than a head
          std::ranges::copy(bytes, in.partial.begin());
          in.partial_size = static_cast<std::uint8_t>(bytes.size());
          use(bytes.size());
          return Parsed::needs_more;
        }
        if (read.fault == nullptr) use(read.size);
      } else {
        in.partial[in.partial_size++] = bytes[0];
        use(1);
        read = read_head(std::span(in.partial).first(in.partial_size), rules, head);
        if (read.size == 0 && read.fault == nullptr) continue;
        in.partial_size = 0;
      }
      if (read.fault != nullptr) {
        violate(CloseCode::protocol_error, read.fault);
        return Parsed::goodbye;
      }
      if (!begin_frame(head)) return Parsed::goodbye;
      bytes = in.used_up ? std::span<std::byte>() : input();
    }
    const std::size_t size = std::min<std::uint64_t>(in.frame_left, bytes.size());
    if (size == 0 && in.frame_left > 0) return Parsed::needs_more;
    const std::span<std::byte> piece = bytes.first(size);
    if (in.frame.is_masked) {
      mask(piece, in.frame.key);
      in.frame.key = turned(in.frame.key, size);
    }
    const bool is_whole_frame = size == in.frame.length;
    in.frame_left -= size;
    if (in.frame_left == 0) {
      in.in_frame = false;
      hear(heard_bytes_min);
    }
    if (is_control(in.frame.opcode)) {
      bool good = true;
      if (is_whole_frame) {
        good = control(piece);
      } else {
        in.control.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        if (!in.in_frame) {
          std::string whole;
          whole.swap(in.control);
          good = control(bytes_of(whole));
        }
      }
      use(size);
      if (!good) return Parsed::goodbye;
      continue;
    }
    const bool good = add_to_message(piece, is_whole_frame);
    use(size);
    if (!good) return Parsed::goodbye;
    if (in.in_frame || !in.frame.fin) continue;
    in.in_message = false;
    if (is_closing) continue;  // nobody wants it any more
    if (!end_message()) return Parsed::goodbye;
    return Parsed::message;
  }
}

bool Connection::begin_frame(const FrameHead& head) {
  Input& in = *input_;
  in.frame = head;
  in.frame_left = head.length;
  in.in_frame = true;
  if (is_control(head.opcode)) return true;
  if (head.opcode == Opcode::continuation) {
    if (!in.in_message) {
      return violate(CloseCode::protocol_error, "a continuation without a message");
    }
    if (++in.fragments > options->fragments_max) {
      return violate(CloseCode::message_too_big, "a message has too many fragments");
    }
  } else {
    if (in.in_message) {
      return violate(CloseCode::protocol_error, "a message begins within another one");
    }
    in.in_message = true;
    in.is_text = head.opcode == Opcode::text;
    in.is_compressed = head.is_compressed;
    in.fragments = 1;
    in.utf8.restart();
  }
  const std::uint64_t most =
      options->frame_bytes_max == 0 ? options->message_bytes_max : options->frame_bytes_max;
  if (head.length > most && !is_closing) {
    return violate(CloseCode::message_too_big, "a frame is too long");
  }
  // Also of a compressed one: it hardly becomes shorter by being inflated.
  if (!is_closing && !in.is_compressed &&
      head.length > options->message_bytes_max - in.message.size()) {
    return violate(CloseCode::message_too_big, "a message is too long");
  }
  return true;
}

bool Connection::violate(CloseCode code, const char* why) {
  input_->in_frame = false;
  const std::string detail = std::to_string(static_cast<unsigned>(code)) + ": " + std::string(why);
  begin_close(code, why);
  std::error_code kind = std::make_error_code(std::errc::protocol_error);
  if (code == CloseCode::invalid_data) {
    kind = std::make_error_code(std::errc::illegal_byte_sequence);
  } else if (code == CloseCode::message_too_big) {
    kind = make_error_code(Errc::limit_exceeded);
  }
  if (code == CloseCode::internal_error) kind = std::make_error_code(std::errc::not_enough_memory);
  some_rare().violation =
      std::make_unique<Error>(Error(kind, "receive", stream->peer_address()).with_detail(detail));
  peer_closed = true;  // nothing of it is looked at any more
  if (!peer_code) peer_code = CloseCode::abnormal;
  return false;
}

bool Connection::add_to_message(ConstBuffer piece, bool is_whole_frame) {
  if (is_closing) return true;
  Input& in = *input_;
  ConstBuffer text = piece;
  if (in.is_compressed) {
    const std::size_t before = in.message.size();
    Deflater::Inflated inflated = deflater->inflate(piece, in.message, options->message_bytes_max);
    if (inflated == Deflater::Inflated::good && !in.in_frame && in.frame.fin) {
      inflated = deflater->finish(in.message, options->message_bytes_max);
    }
    if (inflated == Deflater::Inflated::malformed) {
      return violate(CloseCode::invalid_data, "a compressed message is malformed");
    }
    if (inflated == Deflater::Inflated::too_long) {
      return violate(CloseCode::message_too_big, "a message is too long once it is inflated");
    }
    if (inflated == Deflater::Inflated::no_memory) {
      return violate(CloseCode::internal_error, "no memory to inflate");
    }
    text = bytes_of(in.message).subspan(before);
    in.shown = std::as_writable_bytes(std::span(in.message));
  } else if (is_whole_frame && in.frame.fin && in.frame.opcode != Opcode::continuation) {
    // The usual one is shown where it lies.
    in.shown = {const_cast<std::byte*>(piece.data()), piece.size()};
    in.has_message = true;
  } else {
    // Room for the rest of the frame, but for no more than has come.
    const std::size_t size = in.message.size() + piece.size();
    if (in.message.capacity() < size && in.message.empty()) in.message = take_message_memory();
    if (in.message.capacity() < size) {
      in.message.reserve(size + std::min<std::uint64_t>(in.frame_left, size));
    }
    in.message.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    in.shown = std::as_writable_bytes(std::span(in.message));
  }
  if (!in.is_text || in.utf8.add(text)) return true;
  in.has_message = false;
  return violate(CloseCode::invalid_data, "a text is not UTF-8");
}

bool Connection::end_message() {
  Input& in = *input_;
  in.has_message = true;
  if (!in.is_text || in.utf8.is_whole()) return true;
  in.has_message = false;
  return violate(CloseCode::invalid_data, "a text ends within a character");
}

bool Connection::control(ConstBuffer payload) {
  switch (input_->frame.opcode) {
    case Opcode::close: return peer_close(payload);
    case Opcode::ping: ping(payload); return true;
    default: return true;  // a pong: that it has come is all
  }
}

bool Connection::peer_close(ConstBuffer payload) {
  CloseCode code = CloseCode::no_code;
  if (payload.size() == 1) {
    return violate(CloseCode::protocol_error, "a Close has half a code");
  }
  if (payload.size() >= 2) {
    code = static_cast<CloseCode>(std::to_integer<unsigned>(payload[0]) << 8U |
                                  std::to_integer<unsigned>(payload[1]));
    if (!is_sendable(code)) {
      return violate(CloseCode::protocol_error, "a Close has a code that none may have");
    }
    const ConstBuffer reason = payload.subspan(2);
    if (!is_utf8(reason)) return violate(CloseCode::invalid_data, "a reason is not UTF-8");
    if (!reason.empty()) {
      some_rare().peer_reason.assign(reinterpret_cast<const char*>(reason.data()), reason.size());
    }
  }
  peer_code = code;
  peer_closed = true;
  begin_close(code, {});  // the answer has the same code
  return false;
}

void Connection::ping(ConstBuffer payload) {
  if (is_closing) return;
  if (output().is_writing() && pongs_ >= pongs_max) {
    Rare& rare = some_rare();
    rare.late_pong.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
    rare.owes_pong = true;
    return;
  }
  put(Opcode::pong, payload);
  if (++pongs_ >= pongs_max) flush();
}

// ---- What goes ---------------------------------------------------------------------------------

Output& Connection::output() {
  if (output_ == nullptr) output_ = Output::take(*this, *stream, loop);
  return *output_;
}

void Connection::release_output() noexcept {
  if (output_ != nullptr && output_->is_empty()) Output::give_back(std::move(output_));
}

void Connection::flush() noexcept {
  if (output_ == nullptr) return;
  output_->flush();
  release_output();
}

void Connection::has_sent(std::size_t bytes) noexcept {
  sent += bytes;
  pongs_ = 0;
  if (rare_ != nullptr && rare_->owes_pong && !is_closing) {
    rare_->owes_pong = false;
    std::string payload;
    payload.swap(rare_->late_pong);
    put(Opcode::pong, bytes_of(payload));
  }
  while (senders.linked()) {
    OutputLeaf& leaf = static_cast<OutputLeaf::Link*>(senders.next)->leaf;
    if (leaf.until_ > sent) break;
    leaf.finish_with(0);
  }
}

void Connection::cannot_send(const Error& error) noexcept {
  sent = queued;
  if (!cannot_write) some_rare().write_error = std::make_unique<Error>(error);
  cannot_write = true;
  while (senders.linked()) {
    static_cast<OutputLeaf::Link*>(senders.next)->leaf.finish_with(EPIPE);
  }
}

bool Connection::make_key(FrameHead& head) {
  head.is_masked = role == WebSocketRole::client;
  if (!head.is_masked) return true;
  const Result<> made = random_bytes(head.key);
  if (!made) fail(made.error());
  return made.has_value();
}

void Connection::put(Opcode opcode, ConstBuffer payload, bool is_compressed) {
  FrameHead head{.opcode = opcode, .is_compressed = is_compressed, .length = payload.size()};
  if (!make_key(head)) return;
  const std::size_t size = head_size(payload.size(), head.is_masked);
  output().gather(size + payload.size(), [&](std::span<std::byte> into) {
    write_head(head, into);
    if (!payload.empty()) std::memcpy(into.data() + size, payload.data(), payload.size());
    if (head.is_masked) mask(into.subspan(size), head.key);
  });
  queued += size + payload.size();
}

void Connection::put_large(Opcode opcode, std::string payload, bool is_compressed) {
  FrameHead head{.opcode = opcode, .is_compressed = is_compressed, .length = payload.size()};
  if (!make_key(head)) return;
  if (head.is_masked) mask(std::as_writable_bytes(std::span(payload)), head.key);
  Piece piece;
  piece.head_size = static_cast<std::uint8_t>(write_head(head, piece.head));
  piece.bytes = std::move(payload);
  queued += piece.size();
  output().add(std::move(piece));
}

void Connection::put_message(Opcode opcode, ConstBuffer payload) {
  if (deflater != nullptr && payload.size() >= options->compression_bytes_min) {
    std::string compressed;
    if (deflater->compress(payload, compressed)) {
      if (compressed.size() > copied_bytes_max) {
        put_large(opcode, std::move(compressed), true);
      } else {
        put(opcode, bytes_of(compressed), true);
      }
      return;
    }
  }
  if (payload.size() > copied_bytes_max) {
    put_large(opcode, std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
  } else {
    put(opcode, payload);
  }
}

void Connection::put_message(Opcode opcode, std::string payload) {
  const bool compresses = deflater != nullptr && payload.size() >= options->compression_bytes_min;
  if (compresses || payload.size() <= copied_bytes_max) {
    put_message(opcode, bytes_of(payload));
  } else {
    put_large(opcode, std::move(payload));
  }
}

int Connection::take_over(Outgoing& what) {
  if (failure != nullptr || cannot_write || is_closing) return EPIPE;
  switch (what.kind) {
    case Outgoing::Kind::received: {
      const WebSocketMessage message = std::move(what.message);
      if (!message) return EINVAL;
      const Opcode opcode = message.is_text() ? Opcode::text : Opcode::binary;
      std::string* const whole = input_ != nullptr ? &input_->message : nullptr;
      const bool is_ours = message.from_ == this && whole != nullptr && !whole->empty() &&
                           message.data_.data() == reinterpret_cast<std::byte*>(whole->data());
      if (is_ours && message.size() == whole->size()) {
        put_message(opcode, std::exchange(*whole, {}));
      } else {
        put_message(opcode, message.bytes());
      }
      break;
    }
    case Outgoing::Kind::frame: {
      if (!what.frame.is_valid()) return EINVAL;
      FrameHead head;
      const ConstBuffer bytes = what.frame.bytes_.bytes();
      const std::size_t size = read_head(bytes, {.masked = false}, head).size;
      if (role == WebSocketRole::client || bytes.size() <= copied_bytes_max) {
        put_message(head.opcode, bytes.subspan(size));
        break;
      }
      Piece piece;
      piece.shared = what.frame.bytes_;
      queued += piece.size();
      output().add(std::move(piece));
      break;
    }
    case Outgoing::Kind::text:
      if (!is_utf8(bytes_of(what.data))) return EINVAL;
      put_message(Opcode::text, std::move(what.data));
      break;
    case Outgoing::Kind::binary: put_message(Opcode::binary, std::move(what.data)); break;
  }
  if (output_ != nullptr) output_->flush_later();
  return 0;
}

bool Connection::try_send(const WebSocketFrame& frame) {
  if (failure != nullptr || cannot_write || is_closing || !frame.is_valid()) return false;
  const std::size_t size = frame.bytes_.size() + 4;
  const std::size_t most = options->queue_bytes_max;
  const auto drop = [&] {
    const std::size_t bytes = output().drop_oldest();
    sent += bytes;
    if (bytes > 0) ++some_rare().dropped;
    return bytes > 0;
  };
  if (size > most) return false;
  if (options->when_full == WhenFull::keep_latest) {
    while (drop()) {
    }
  }
  while (queued - sent + size > most) {
    if (options->when_full == WhenFull::disconnect) {
      fail(Error(Errc::limit_exceeded, "send", stream->peer_address())
               .with_detail("the peer is too slow: too much waits for it"));
      return false;
    }
    if (options->when_full == WhenFull::wait || !drop()) return false;
  }
  const bool may_be_dropped =
      options->when_full == WhenFull::drop_oldest || options->when_full == WhenFull::keep_latest;
  if (role == WebSocketRole::server && !may_be_dropped &&
      frame.bytes_.size() <= copied_shared_bytes_max && queued == sent) {
    const ConstBuffer bytes = frame.bytes_.bytes();
    output().gather(bytes.size(), [&](std::span<std::byte> into) {
      std::memcpy(into.data(), bytes.data(), bytes.size());
    });
    queued += bytes.size();
    output_->flush_later();
    return true;
  }
  Piece piece;
  piece.may_be_dropped = true;
  if (role == WebSocketRole::server) {
    piece.shared = frame.bytes_;
  } else {
    FrameHead head;
    const std::size_t head_bytes = read_head(frame.bytes_.bytes(), {.masked = false}, head).size;
    if (!make_key(head)) return false;
    piece.bytes = frame.bytes_.text().substr(head_bytes);
    mask(std::as_writable_bytes(std::span(piece.bytes)), head.key);
    piece.head_size = static_cast<std::uint8_t>(write_head(head, piece.head));
  }
  queued += piece.size();
  output().add(std::move(piece));
  output().flush_later();
  return true;
}

std::uint64_t Connection::waits_until() const noexcept {
  return queued > mark_bytes ? queued - mark_bytes : 0;
}

// ---- The end -----------------------------------------------------------------------------------

void Connection::arm(Duration delay) {
  if (alarm_ == nullptr) alarm_ = std::make_unique<Alarm>(*this);
  if (alarm_->armed()) loop.disarm(*alarm_);
  loop.arm_in(*alarm_, delay);
}

void Connection::disarm() noexcept {
  if (alarm_ != nullptr && alarm_->armed()) loop.disarm(*alarm_);
}

void Connection::begin_close(CloseCode code, std::string_view reason) {
  if (is_closing || failure != nullptr) return;
  std::array<std::byte, control_bytes_max> payload{};
  std::size_t size = 0;
  if (code != CloseCode::no_code) {
    reason = cut(reason);
    const auto number = static_cast<unsigned>(code);
    payload[0] = static_cast<std::byte>(number >> 8U);
    payload[1] = static_cast<std::byte>(number & 255U);
    if (!reason.empty()) std::memcpy(payload.data() + 2, reason.data(), reason.size());
    size = 2 + reason.size();
  }
  if (!cannot_write) {
    put(Opcode::close, std::span(payload).first(size));
    if (output_ != nullptr) output_->flush_later();
  }
  is_closing = true;
  arm(options->close_timeout);
}

void Connection::on_alarm() noexcept {
  if (is_closing) {
    fail(Error(std::errc::timed_out, "close", stream->peer_address())
             .with_detail("the peer did not answer our Close"));
    return;
  }
  const bool has_heard = heard_bytes_ >= heard_bytes_min;
  heard_bytes_ = 0;
  if (has_heard) {
    has_pinged_ = false;
  } else if (reader != nullptr) {
    if (has_pinged_) {
      fail(Error(std::errc::timed_out, "receive", stream->peer_address())
               .with_detail("the peer did not answer our ping"));
      return;
    }
    put(Opcode::ping, {});
    if (output_ != nullptr) output_->flush_later();
    has_pinged_ = true;
  }
  arm(options->ping_interval);
}

void Connection::fail(const Error& error) noexcept {
  if (failure != nullptr || has_ended) return;
  failure = std::make_unique<Error>(error);
  if (!peer_code) peer_code = CloseCode::abnormal;
  disarm();
  if (output_ != nullptr) output_->clear_queue();
  cannot_send(error);
  if (reader != nullptr) reader->scope_.stop();
  if (rare_ != nullptr && rare_->closed != nullptr) rare_->closed->set();
}

Error Connection::lost(const Error& error) noexcept {
  if (failure == nullptr) {
    fail(error);
  }
  return *failure;
}

Task<> Connection::say_goodbye() {
  disarm();
  const TimePoint until = now() + options->close_timeout;
  Drained drained(*this);
  Result<> gone = co_await attempt(with_timeout(until - now(), std::move(drained)));
  Result<> closed;
  if (!stream->is_open()) {
  } else if (!gone || cannot_write) {
    closed = co_await attempt(stream->reset());
  } else if (role == WebSocketRole::server || (rare_ != nullptr && rare_->violation != nullptr)) {
    // A close with unread data would be a reset, and could take our Close with it.
    closed = co_await attempt(stream->close_gracefully(until - now()));
  } else {  // the server goes first (section 7.1.1)
    Result<> end = co_await attempt(with_timeout(until - now(), read_to_end()));
    static_cast<void>(end);
    closed = co_await attempt(stream->close());
  }
  static_cast<void>(closed);  // it has been said: nobody can do anything about it
  if (rare_ != nullptr && rare_->violation != nullptr) failure = std::move(rare_->violation);
  has_ended = true;
  if (rare_ != nullptr && rare_->closed != nullptr) rare_->closed->set();
}

Task<> Connection::read_to_end() {
  for (;;) {
    Lease data = co_await stream->receive();
    if (data.empty()) co_return;
  }
}

Task<> Connection::close(CloseCode code, std::string reason) {
  if (has_ended && failure == nullptr) co_return;
  if (failure == nullptr) {
    begin_close(code, reason);
    flush();
    if (reader != nullptr) {
      Rare& rare = some_rare();
      if (rare.closed == nullptr) rare.closed = std::make_unique<Event>();
      co_await rare.closed->wait();
    } else {
      Receive receive(*this);
      Result<WebSocketMessage> end = co_await attempt(std::move(receive));
      if (!end) co_await ieum::fail(end.error());
    }
  }
  if (failure != nullptr) co_await ieum::fail(*failure);
}

void Connection::watch(Event& draining) { watch_ = &DrainWatch::join(*this, draining); }

}  // namespace ieum::websocket::detail
