// TlsStream: TLS over any stream.
#pragma once

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ieum/stream_socket.hpp>
#include <ieum/tls_context.hpp>
#include <ieum/tls_observer.hpp>
#include <ieum/tls_peer.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct TlsOptions {
  /// How to meet the server; must live until the handshake has ended. Null: trusts whom the system
  /// trusts, and offers no ALPN; all such sessions of the program share one context.
  const TlsClientContext* context = nullptr;
  /// For the handshake alone.
  AnyDuration handshake_timeout = std::chrono::seconds(10);
  /// Filled with what is known of the server, also if the handshake fails; null: not. Must live
  /// until the handshake has ended.
  TlsPeer* peer = nullptr;
  /// Is told of each message, if not null; must outlive the session.
  TlsObserver* observer = nullptr;
  /// Of `TlsStream::connect`: how to connect.
  ConnectOptions connect{};
};
static_assert(std::is_trivially_copyable_v<TlsOptions>);

struct TlsServerOptions {
  /// For the handshake: a client that takes longer is cut.
  AnyDuration handshake_timeout = std::chrono::seconds(10);
  /// As of `TlsOptions`.
  TlsPeer* peer = nullptr;
  TlsObserver* observer = nullptr;
};

/// A TLS session, client or server, over any stream; itself a stream, with its handshake done.
///
/// Errors of reading and writing are those of the stream beneath, and: `Errc::cut_off`, the stream
/// beneath ended without TLS's farewell (close_notify), so that the end may be missing: never a
/// normal end; `protocol_error`, what came is damaged or against the rules, or the peer ended the
/// session with an alert, which the detail tells. After these nothing can be read or written.
/// Renegotiation is against the rules. A write ends when the stream beneath has taken it; after a
/// stop, at most 64 KiB that were taken wait for the next write, half-close or close.
///
/// `shutdown_write` says farewell, then half-closes beneath; reading goes on. `close` sends what a
/// stopped write has left and says farewell, if that takes no longer than a second, does not wait
/// for the peer's, and closes the stream beneath; if what a write had told to be taken was not all
/// sent, it then fails (`timed_out`, or what failed beneath).
class TlsStream final : public Stream {
 public:
  /// Connects to `to`, `example.com:443`, and meets the server there, which must prove to be that
  /// name or IP address. Errors: those of `StreamSocket::connect`, then those of `client`.
  [[nodiscard]] static Task<TlsStream> connect(std::string_view to, TlsOptions options = {});

  /// Does a client's handshake over `beneath`, which must outlive the session, and be left alone;
  /// the session closes it too. The server must prove to be `name`, a host's name (sent along, SNI)
  /// or an IP address; an empty one is an error, `invalid_argument`, unless the context verifies
  /// nothing. Errors, besides those of the stream beneath: `Errc::certificate_…`, the most telling
  /// one, and all that is wrong in the detail; `Errc::handshake_failed`, the two could not agree,
  /// or the peer refused, and why; `Errc::cut_off`; `Errc::limit_exceeded` (a handshake of more
  /// than 128 KiB); `timed_out`.
  [[nodiscard]] static Task<TlsStream> client(Stream& beneath, std::string_view name,
                                              TlsOptions options = {});
  /// The same with a stream that it takes over: `client(std::move(socket), "example.com")`.
  template <std::derived_from<Stream> S>
  [[nodiscard]] static Task<TlsStream> client(S&& beneath, std::string_view name,
                                              TlsOptions options = {}) {
    return client(std::unique_ptr<Stream>(std::make_unique<S>(std::move(beneath))), name, options);
  }
  [[nodiscard]] static Task<TlsStream> client(std::unique_ptr<Stream> beneath,
                                              std::string_view name, TlsOptions options = {});

  /// The same for a server. `context` must live until the handshake has begun. Errors as of
  /// `client`; those of certificates only of clients that must have one.
  [[nodiscard]] static Task<TlsStream> server(Stream& beneath, const TlsServerContext& context,
                                              TlsServerOptions options = {});
  template <std::derived_from<Stream> S>
  [[nodiscard]] static Task<TlsStream> server(S&& beneath, const TlsServerContext& context,
                                              TlsServerOptions options = {}) {
    return server(std::unique_ptr<Stream>(std::make_unique<S>(std::move(beneath))), context,
                  options);
  }
  [[nodiscard]] static Task<TlsStream> server(std::unique_ptr<Stream> beneath,
                                              const TlsServerContext& context,
                                              TlsServerOptions options = {});

  /// No session: operations fail with `bad_file_descriptor`.
  TlsStream() noexcept;
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;
  ~TlsStream() override;

  /// What is known of the other end; made anew with each call.
  [[nodiscard]] TlsPeer peer() const;
  /// The protocol that was agreed on (ALPN); empty if none.
  [[nodiscard]] std::string_view alpn() const noexcept;
  /// Encrypts from now on with a new key, and asks the peer to do so too (RFC 8446, section 4.6.3);
  /// goes out with the next write. Nothing to call in ordinary use: TLS does it by itself in time.
  /// Error: `operation_not_supported` (TLS 1.2).
  Result<> update_keys();

  [[nodiscard]] Task<> shutdown_write() override;
  [[nodiscard]] Task<> close() override;
  [[nodiscard]] Task<> reset() override;
  [[nodiscard]] bool is_open() const noexcept override;
  [[nodiscard]] Address peer_address() const noexcept override;
  [[nodiscard]] Result<Address> local_address() const noexcept override;
  [[nodiscard]] std::size_t bytes_on_way() const noexcept override;

  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override;
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override;
  void begin_receive(detail::StreamReceiveIo& io) override;
  void begin_wait_readable(detail::StreamIo& io) override;

 private:
  explicit TlsStream(std::unique_ptr<detail::TlsSession> session) noexcept;
  static Task<TlsStream> connect_to(HostPort to, TlsOptions options);
  static Result<std::shared_ptr<detail::TlsClientState>> shared_context();
  static Task<TlsStream> make_client(Stream& beneath, std::unique_ptr<Stream> own,
                                     std::string_view name, const TlsOptions& options);
  static Task<TlsStream> make_server(Stream& beneath, std::unique_ptr<Stream> own,
                                     const TlsServerContext& context,
                                     const TlsServerOptions& options);
  static Task<TlsStream> meet(std::unique_ptr<detail::TlsSession> session, AnyDuration limit,
                              TlsPeer* peer);
  std::unique_ptr<detail::TlsSession> session_;
};

}  // namespace ieum
#pragma GCC visibility pop
