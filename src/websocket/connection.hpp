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

/// What has come, and what is known of a message that has not come as a whole. An idle WebSocket
/// has none: a thread keeps a few.
struct Input {
  // What has come and was not looked at: one of the two.
  Lease lease;
  std::string held;
  std::size_t held_at = 0;

  std::array<std::byte, head_bytes_max> partial{};  ///< a head that has not come as a whole
  std::uint8_t partial_size = 0;
  bool in_frame = false;
  bool in_message = false;
  bool is_text = false;
  bool is_compressed = false;
  bool has_message = false;  ///< `shown` is to be taken
  bool used_up = false;      ///< the lease is kept for what is shown of it
  Utf8 utf8;
  FrameHead frame;
  std::uint64_t frame_left = 0;
  std::size_t fragments = 0;
  std::span<std::byte> shown;
  std::string message;  ///< of more than one piece
  std::string control;  ///< the same

  [[nodiscard]] bool is_idle() const noexcept {
    return !lease && held.empty() && partial_size == 0 && !in_frame && !in_message && !has_message;
  }
};

class Connection final {
 public:
  Connection(std::unique_ptr<Stream> stream, const Setup& setup);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // ---- What comes -----
  enum class Parsed : std::uint8_t { needs_more, message, goodbye };
  /// As far as it goes; `goodbye`: the peer has sent its Close, or broken a rule.
  Parsed parse();
  void feed(Lease data);
  void feed(ConstBuffer left_over);
  /// A receive begins to wait.
  void release_input() noexcept;
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

  /// The time of a ping, or of the end of waiting for a Close, has come.
  void on_alarm() noexcept;
  void watch(Event& draining);

  std::unique_ptr<Stream> stream;
  ieum::detail::Loop& loop;
  const std::shared_ptr<const WebSocketOptions> options;
  const WebSocketRole role;
  Receive::State* reader = nullptr;
  std::unique_ptr<Error> failure;  // that all operations end with from now on
  bool is_closing = false;         // our Close is queued
  bool peer_closed = false;        // its Close has come
  bool has_ended = false;          // and all is over
  bool cannot_write = false;       // `write_error` says why
  std::optional<CloseCode> peer_code;
  std::uint64_t queued = 0;  // bytes, ever
  std::uint64_t sent = 0;
  std::unique_ptr<Deflater> deflater;
  ieum::detail::ListLink senders;  // OutputLeafs, in their order
  /// What most have none of.
  struct Rare {
    std::string peer_reason;
    std::string subprotocol;
    std::uint64_t dropped = 0;
    std::unique_ptr<Error> write_error;
    std::unique_ptr<Error> violation;  // told once the peer has been
    std::unique_ptr<Event> closed;     // for those who wait in `close`
    std::string late_pong;             // of the last ping that could not be answered yet
    bool owes_pong = false;
  };
  [[nodiscard]] const Rare* rare() const noexcept { return rare_.get(); }
  struct DrainLink : ieum::detail::ListLink {
    explicit DrainLink(Connection& connection) noexcept : of(connection) {}
    Connection& of;
  } drain_link{*this};

 private:
  [[nodiscard]] std::span<std::byte> input() noexcept;
  void use(std::size_t bytes) noexcept;
  /// False: a rule is broken.
  bool begin_frame(const FrameHead& head);
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
  void arm(Duration delay);
  void disarm() noexcept;
  [[nodiscard]] bool make_key(FrameHead& head);
  Task<> read_to_end();
  Input& some_input();
  void hear(std::size_t bytes) noexcept;
  Rare& some_rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }

  struct Alarm;
  std::unique_ptr<Input> input_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Rare> rare_;
  std::unique_ptr<Alarm> alarm_;
  std::uint8_t pongs_ = 0;         // queued since the last write
  std::uint16_t heard_bytes_ = 0;  // since the alarm was set; of a whole frame, enough
  bool has_pinged_ = false;
  DrainWatch* watch_ = nullptr;
};

}  // namespace ieum::websocket::detail
