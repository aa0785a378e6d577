// WebSocket: messages both ways over any stream (RFC 6455), compressed if both sides wish (RFC
// 7692).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ieum/http/fields.hpp>
#include <ieum/send_queue.hpp>
#include <ieum/stream.hpp>
#include <ieum/tls_stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class WebSocket;

namespace websocket::detail {
class Connection;
class Receive;
class Send;
struct Setup;
struct LetGo {
  void operator()(Connection* connection) const noexcept;
};
}  // namespace websocket::detail

/// Why a WebSocket is closed (RFC 6455, section 7.4, and IANA's registry). Those that no frame may
/// have are what we say of a connection that ended without one.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,  ///< a server shuts down, a browser leaves the page
  protocol_error = 1002,
  unsupported_data = 1003,
  no_code = 1005,   ///< in no frame: the peer gave none
  abnormal = 1006,  ///< in no frame: the connection ended without a Close
  invalid_data = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};
/// May a Close frame have it: those above but for two, 3000 to 4999.
[[nodiscard]] bool is_sendable(CloseCode code) noexcept;
/// `protocol error`; of one without a name, empty.
[[nodiscard]] std::string_view to_string(CloseCode code) noexcept;

/// A message that has come, in memory of the WebSocket: **valid until its next `receive`**. False:
/// the peer has said goodbye.
class WebSocketMessage {
 public:
  WebSocketMessage() noexcept = default;
  WebSocketMessage(WebSocketMessage&& other) noexcept
      : data_(std::exchange(other.data_, {})),
        from_(std::exchange(other.from_, nullptr)),
        is_text_(other.is_text_) {}
  WebSocketMessage& operator=(WebSocketMessage&& other) noexcept {
    data_ = std::exchange(other.data_, {});
    from_ = std::exchange(other.from_, nullptr);
    is_text_ = other.is_text_;
    return *this;
  }

  explicit operator bool() const noexcept { return from_ != nullptr; }
  /// Text, which is UTF-8 then, or bytes.
  [[nodiscard]] bool is_text() const noexcept { return is_text_; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_.data()), data_.size()};
  }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return data_.size(); }

 private:
  friend class websocket::detail::Connection;
  std::span<std::byte> data_;
  websocket::detail::Connection* from_ = nullptr;
  bool is_text_ = false;
};

/// A message that is framed once and shared by all that it is sent to; copies share it. Any thread
/// may hold one. It is not compressed.
class WebSocketFrame {
 public:
  WebSocketFrame() noexcept = default;
  /// Of a text that is not UTF-8 comes an invalid frame, which nobody sends.
  [[nodiscard]] static WebSocketFrame text(std::string_view text);
  [[nodiscard]] static WebSocketFrame binary(ConstBuffer data);
  [[nodiscard]] bool is_valid() const noexcept { return bytes_.size() != 0; }

 private:
  friend class websocket::detail::Connection;
  Payload bytes_;  // as a server sends it
};

struct WebSocketOptions {
  /// Of a message that comes, also once it is inflated: 1009.
  std::size_t message_bytes_max = std::size_t{16} << 20U;
  /// Of each frame: 1009. Zero: as a message.
  std::uint64_t frame_bytes_max = 0;
  /// Frames of a message: 1009.
  std::size_t fragments_max = std::size_t{1} << 17U;
  /// From a Close on, ours or the peer's, until the connection has ended.
  AnyDuration close_timeout = std::chrono::seconds(5);
  /// A ping, when nothing has come for so long; zero: none. After as long again without anything
  /// from the peer it is given up: `timed_out`. Something is a frame, or 1 KiB of one.
  AnyDuration ping_interval{};
  /// What waits of `try_send`, and what happens beyond it.
  std::size_t queue_bytes_max = std::size_t{1} << 20U;
  WhenFull when_full = WhenFull::disconnect;
  /// A list with commas, the best first: of a server, those that it speaks; of a client, those that
  /// it offers. It must live until the handshake is over.
  std::string_view subprotocols = {};
  /// Of a server: the origins of pages that may connect, `https://example.com`, a list with commas;
  /// `*`: all. Empty: those of the host that is asked for. Who sends none is no browser, and may.
  std::string_view origins = {};
  /// permessage-deflate, if the peer wants it too. A window is 512 bytes to 32 KiB, 9 to 15 bits.
  bool compression = false;
  bool compression_forgets = false;  ///< each message by itself (no context takeover)
  int compression_window_bits = 12;
  int compression_memory_level = 4;
  /// Smaller messages are not compressed.
  std::size_t compression_bytes_min = 1024;
  /// Memory that the thread's connections take for it together; beyond, it is declined.
  std::size_t compression_budget = std::size_t{64} << 20U;
};
static_assert(std::is_trivially_copyable_v<WebSocketOptions>);

/// How `WebSocket::connect` connects.
struct WebSocketConnectOptions {
  WebSocketOptions session{};
  /// Fields of the request, besides those of the handshake; must live until it is over.
  std::span<const http::Field> fields = {};
  /// `https://example.com`, as a browser says; empty: none is sent.
  std::string_view origin = {};
  /// For all of it, names included.
  AnyDuration timeout = std::chrono::seconds(20);
  ConnectOptions connect{};
  /// Of `wss://`; its `connect` is not used.
  TlsOptions tls{};
};
static_assert(std::is_trivially_copyable_v<WebSocketConnectOptions>);

enum class WebSocketRole : std::uint8_t { client, server };

/// One end of a WebSocket. Movable; belongs to its runtime's thread.
///
///     Task<> echo(WebSocket socket) {
///       while (WebSocketMessage message = co_await socket.receive()) {
///         co_await socket.send(std::move(message));
///       }
///     }
///
/// One task receives, any number may send meanwhile; both must end before it is destroyed. Pings
/// are answered, and Closes, while a `receive` waits. Destroyed without a `close` it is cut off,
/// and what waits to be sent is lost, unless the peer's Close has been received.
class WebSocket {
 public:
  /// Over a stream whose opening handshake is done; `left_over`: what has come behind it.
  [[nodiscard]] static WebSocket over(std::unique_ptr<Stream> stream, WebSocketRole role,
                                      ConstBuffer left_over = {},
                                      const WebSocketOptions& options = {});
  /// The client's handshake over a stream. `target` is a path with a query, `host` what the field
  /// Host says. Errors as of `connect`.
  [[nodiscard]] static Task<WebSocket> handshake(std::unique_ptr<Stream> stream, std::string host,
                                                 std::string target,
                                                 WebSocketConnectOptions options = {});
  /// Connects to `ws://host:port/path` or `wss://…`. Errors: those of connecting and of TLS;
  /// `invalid_argument`: it is no such URL; `protocol_error`: the answer is no WebSocket's, and
  /// why: a status that is not 101 is in the detail. Redirects are not followed.
  [[nodiscard]] static Task<WebSocket> connect(std::string url,
                                               WebSocketConnectOptions options = {});

  WebSocket() noexcept = default;
  WebSocket(WebSocket&&) noexcept = default;
  WebSocket& operator=(WebSocket&&) noexcept = default;

  /// The next message; false once the peer has said goodbye, and all that was sent before has gone.
  /// Errors: `protocol_error`, `illegal_byte_sequence` (a text is not UTF-8),
  /// `Errc::limit_exceeded`: the peer has broken a rule, and was told so; the detail begins with
  /// the code of our Close. `Errc::end_of_stream`: the connection ended without a Close.
  /// `timed_out`: no answer to a ping, or to our Close. `operation_canceled`: nothing is lost.
  [[nodiscard]] websocket::detail::Receive receive() noexcept;

  /// Sends a message. It ends at once while little waits to be sent, otherwise once the peer has
  /// taken some: that is the backpressure. Messages go whole, in the order in which they were
  /// given; also after a stop, unless that came before. Errors: `Errc::closed`, after a Close;
  /// `invalid_argument`: a text is not UTF-8; those of writing.
  [[nodiscard]] websocket::detail::Send send(WebSocketMessage message);
  [[nodiscard]] websocket::detail::Send send(WebSocketFrame frame);
  [[nodiscard]] websocket::detail::Send send_text(std::string text);
  [[nodiscard]] websocket::detail::Send send_binary(std::string data);
  [[nodiscard]] websocket::detail::Send send_binary(ConstBuffer data);

  /// The same without waiting, from any code on the thread: what does not go is queued, as
  /// `WebSocketOptions::queue_bytes_max` and `when_full` say. False: it is not.
  bool try_send(const WebSocketFrame& frame);
  /// Bytes that wait to be sent, and frames that `when_full` has thrown away.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept;

  /// Says goodbye: sends what waits, then a Close, and reads and throws away what comes until the
  /// peer's, at most `WebSocketOptions::close_timeout`. A pending `receive` ends too; later ones
  /// give the end. `code` is `normal` or another one that a frame may have, `reason` at most 123
  /// bytes of UTF-8, else cut. Errors: `timed_out`, what broke the connection.
  [[nodiscard]] Task<> close(CloseCode code = CloseCode::normal, std::string reason = {});

  /// Of the peer's Close, or `abnormal`; none as long as the connection lives.
  [[nodiscard]] std::optional<CloseCode> close_code() const noexcept;
  [[nodiscard]] std::string_view close_reason() const noexcept;

  [[nodiscard]] std::string_view subprotocol() const noexcept;
  [[nodiscard]] bool is_compressed() const noexcept;
  [[nodiscard]] Address peer_address() const noexcept;
  [[nodiscard]] bool is_open() const noexcept;

 private:
  friend struct websocket::detail::Setup;
  using Held = std::unique_ptr<websocket::detail::Connection, websocket::detail::LetGo>;
  explicit WebSocket(Held connection) noexcept : connection_(std::move(connection)) {}
  static Task<WebSocket> connect_to(std::string url, WebSocketConnectOptions options);
  Held connection_;
};

namespace websocket::detail {

/// A receive: a state machine in the awaiting frame, over the stream's own.
class [[nodiscard]] Receive {
 public:
  using value_type = WebSocketMessage;
  static constexpr bool consumes = true;
  explicit Receive(Connection& connection) noexcept : connection_(&connection) {}

  class State final : public ieum::detail::Waiter, public ieum::detail::ReadyNode {
   public:
    explicit State(Receive&& receive) noexcept : connection_(*receive.connection_) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();
    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept;
    WebSocketMessage take() noexcept;
    Error take_error() noexcept { return *error_; }

    ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override;
    ieum::detail::Frame* failed(Error& error) noexcept override;
    [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
      return outer_->awaiting_frame();
    }

   private:
    friend class Connection;
    enum class Phase : std::uint8_t { nothing, reads, says_goodbye };
    ieum::detail::Start run() noexcept;
    ieum::detail::Start read() noexcept;
    ieum::detail::Start say_goodbye() noexcept;
    ieum::detail::Start fail_with(const Error& error) noexcept;
    void clear() noexcept;
    void leave() noexcept;
    static void go_on(ieum::detail::Loop& loop, ieum::detail::ReadyNode& node) noexcept;
    static void fail_later(ieum::detail::Loop& loop, ieum::detail::ReadyNode& node) noexcept;

    Connection& connection_;
    ieum::detail::Waiter* outer_ = nullptr;
    ieum::detail::Scope scope_;
    Phase phase_ = Phase::nothing;
    bool connection_is_ours_ = false;
    bool has_message_ = false;
    std::unique_ptr<Error> error_;
    union {
      ieum::detail::StreamReceiveIo io_;
      Task<>::State goodbye_;
    };
  };

 private:
  Connection* connection_;
};

/// Waits until so much has gone.
class OutputLeaf : public ieum::detail::Leaf {
 public:
  [[nodiscard]] const char* name() const noexcept final { return "send"; }
  [[nodiscard]] Error error() const noexcept final;
  void on_stop() noexcept final;
  void take() const noexcept {}
  [[nodiscard]] Error take_error() const noexcept { return error(); }

 protected:
  explicit OutputLeaf(Connection& connection) noexcept : link_(*this), connection_(connection) {}
  ~OutputLeaf() = default;
  ieum::detail::Start wait_for(std::uint64_t sent, ieum::detail::Waiter& waiter,
                               ieum::detail::Scope& scope) noexcept;
  ieum::detail::Start refuse(int why) noexcept { return at_once(-why); }
  [[nodiscard]] Connection& connection() const noexcept { return connection_; }

 private:
  friend class Connection;
  struct Link : ieum::detail::ListLink {
    explicit Link(OutputLeaf& of) noexcept : leaf(of) {}
    OutputLeaf& leaf;
  };
  void finish_with(int why) noexcept;
  Link link_;
  Connection& connection_;
  std::uint64_t until_ = 0;
};

/// What is to be sent.
struct Outgoing {
  enum class Kind : std::uint8_t { received, frame, text, binary };
  Kind kind = Kind::binary;
  WebSocketMessage message;
  WebSocketFrame frame;
  std::string data;
};

class [[nodiscard]] Send {
 public:
  using value_type = void;
  static constexpr bool partial = true;
  Send(Connection& connection, WebSocketMessage message) noexcept : connection_(&connection) {
    what_.kind = Outgoing::Kind::received;
    what_.message = std::move(message);
  }
  Send(Connection& connection, WebSocketFrame frame) noexcept : connection_(&connection) {
    what_.kind = Outgoing::Kind::frame;
    what_.frame = std::move(frame);
  }
  Send(Connection& connection, Outgoing::Kind kind, std::string data) noexcept
      : connection_(&connection) {
    what_.kind = kind;
    what_.data = std::move(data);
  }

  class State final : public OutputLeaf {
   public:
    explicit State(Send&& send) noexcept
        : OutputLeaf(*send.connection_), what_(std::move(send.what_)) {}
    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept;

   private:
    Outgoing what_;
  };

 private:
  Connection* connection_;
  Outgoing what_;
};

}  // namespace websocket::detail
}  // namespace ieum
#pragma GCC visibility pop
