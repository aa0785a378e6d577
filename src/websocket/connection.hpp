// Connection: one end of a WebSocket: frames out of the stream, messages of them, answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/event.hpp>
#include <ieum/websocket/websocket.hpp>

#include "websocket/deflate.hpp"
#include "websocket/frame.hpp"
#include "websocket/output.hpp"
#include "websocket/utf8.hpp"

namespace ieum::websocket::detail {

class DrainWatch;

/// What a connection is made with.
struct Setup {
  WebSocketRole role = WebSocketRole::server;
  std::shared_ptr<const WebSocketOptions> options;
  std::string subprotocol;
  std::optional<DeflateParameters> deflate;

  [[nodiscard]] WebSocket make(std::unique_ptr<Stream> stream, ConstBuffer left_over = {},
                               Event* draining = nullptr) const;
};

class Connection final : public ieum::detail::Timer {
 public:
  Connection(std::unique_ptr<Stream> stream, const Setup& setup);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // ---- What comes -----
  enum class Parsed : std::uint8_t { needs_more, message, goodbye };
  /// As far as it goes; `goodbye`: the peer has sent its Close, or broken a rule.
  Parsed parse();
  void feed(Lease data) noexcept;
  void feed(ConstBuffer left_over) {
    held_.assign(reinterpret_cast<const char*>(left_over.data()), left_over.size());
  }
  [[nodiscard]] WebSocketMessage take_message() noexcept;
  /// What was shown of the last message goes.
  void drop_message() noexcept;

  // ---- What goes -----
  /// Queues it; 0, or an errno(3).
  int take_over(Outgoing& what);
  bool try_send(const WebSocketFrame& frame);
  void flush() noexcept;
  void has_sent(std::size_t bytes) noexcept;
  void cannot_send(const Error& error) noexcept;
  [[nodiscard]] std::uint64_t waits_until() const noexcept;

  // ---- The end -----
  /// Queues our Close; reads from now on only for the peer's.
  void begin_close(CloseCode code, std::string_view reason);
  [[nodiscard]] Task<> close(CloseCode code, std::string reason);
  /// Both have said goodbye, or the peer was told what it has done.
  [[nodiscard]] Task<> say_goodbye();
  /// Ends it at once: whoever waits is told `error`.
  void fail(const Error& error) noexcept;
  /// Reading has failed, or ended without a Close.
  Error lost(const Error& error) noexcept;
  [[nodiscard]] Error error(Errc code, const char* detail) const noexcept;

  void fire() noexcept override;
  void watch(Event& draining);

  std::unique_ptr<Stream> stream;
  ieum::detail::Loop& loop;
  const std::shared_ptr<const WebSocketOptions> options;
  const WebSocketRole role;
  Receive::State* reader = nullptr;
  std::unique_ptr<Error> failure;  // that all operations end with from now on
  std::unique_ptr<Error> write_error;
  bool is_closing = false;   // our Close is queued
  bool peer_closed = false;  // its Close has come
  bool has_ended = false;    // and all is over
  std::uint64_t queued = 0;  // bytes, ever
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  std::optional<CloseCode> peer_code;
  std::string peer_reason;
  std::string subprotocol;
  std::unique_ptr<Deflater> deflater;
  ieum::detail::ListLink senders;  // OutputLeafs, in their order
  struct DrainLink : ieum::detail::ListLink {
    explicit DrainLink(Connection& connection) noexcept : of(connection) {}
    Connection& of;
  } drain_link{*this};

 private:
  [[nodiscard]] std::span<std::byte> input() noexcept;
  void use(std::size_t bytes) noexcept;
  /// False: a rule is broken.
  bool begin_frame(const FrameHead& head) noexcept;
  bool violate(CloseCode code, const char* why);
  bool add_to_message(ConstBuffer piece, bool is_whole_frame);
  bool end_message();
  bool control(ConstBuffer payload);
  bool peer_close(ConstBuffer payload);
  void ping(ConstBuffer payload);

  Output& output();
  void release_output() noexcept;
  void put(Opcode opcode, ConstBuffer payload, bool is_compressed = false);
  void put_large(Opcode opcode, std::string payload, bool is_compressed = false);
  void put_message(Opcode opcode, ConstBuffer payload);
  void put_message(Opcode opcode, std::string payload);
  void arm(Duration delay) noexcept;
  [[nodiscard]] bool make_key(FrameHead& head);
  Task<> read_to_end();

  // What has come and was not looked at: one of the two.
  Lease lease_;
  std::string held_;
  std::size_t held_at_ = 0;

  std::array<std::byte, head_bytes_max> partial_{};  // a head that has not come as a whole
  std::uint8_t partial_size_ = 0;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool is_text_ = false;
  bool is_compressed_ = false;
  bool has_message_ = false;  // `shown_` is to be taken
  bool used_up_ = false;      // the lease is kept for what is shown of it
  FrameHead frame_;
  std::uint64_t frame_left_ = 0;
  std::size_t fragments_ = 0;
  Utf8 utf8_;
  std::span<std::byte> shown_;
  std::string message_;  // of more than one piece
  std::string control_;  // the same

  std::unique_ptr<Output> output_;
  std::size_t pongs_ = 0;  // queued since the last write
  std::string late_pong_;  // of the last ping that could not be answered yet
  bool owes_pong_ = false;
  bool has_heard_ = false;  // since the timer was armed
  bool has_pinged_ = false;
  std::unique_ptr<Error> violation_;  // told once the peer has been
  std::unique_ptr<Event> closed_;     // for those who wait in `close`
  DrainWatch* watch_ = nullptr;
};

}  // namespace ieum::websocket::detail
