// TlsClientContext, TlsServerContext: what TLS sessions have in common: whom to trust, what to
// show.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {
class TlsClientState;
class TlsServerState;
class TlsSession;
}  // namespace detail

enum class TlsVersion : std::uint8_t { tls12, tls13 };

/// How a client meets servers: whom it trusts, what it shows of itself, and the sessions that may
/// be resumed. TLS 1.2 and 1.3, ciphers with forward secrecy and authentication (AEAD) only.
///
/// Make one for the program and share it: `create` takes long beside a handshake. Set it up first;
/// from then on any thread may use it. Sessions keep what they need of it. The functions read files
/// at once, without waiting.
class TlsClientContext {
 public:
  /// Trusts whom the system trusts (SSL_CERT_FILE and SSL_CERT_DIR name other places, as OpenSSL
  /// has it). Error: `not_enough_memory`.
  [[nodiscard]] static Result<TlsClientContext> create();
  /// Trusts nobody yet.
  [[nodiscard]] static Result<TlsClientContext> create_without_roots();

  /// Trusts also the certificates of this file (PEM), whether they sign others or are a server's
  /// own. Errors: those of opening a file; `invalid_argument` (there is no certificate in it).
  Result<> add_roots(const std::string& file);
  /// The same of a text.
  Result<> add_roots_of(std::string_view pem);
  /// The server's key must be one of those that were pinned, whatever else is verified:
  /// `sha256//BASE64`, the SHA-256 of the public key (RFC 7469, as curl's --pinnedpubkey). Error:
  /// `invalid_argument`.
  Result<> pin(std::string_view key);
  /// Shows this certificate, with the chain that follows it in the file, to servers that ask.
  /// Errors: those of opening a file; `invalid_argument` (what is wrong with them).
  Result<> use_certificate(const std::string& certificate_file, const std::string& key_file);
  /// The protocols offered (ALPN, RFC 7301), best first, with commas between them: `h2,http/1.1`.
  /// Error: `invalid_argument` (one is empty, or longer than 255 bytes).
  Result<> set_alpn(std::string_view protocols);
  /// No others than these and those between them. Error: `invalid_argument` (`newest` is older).
  Result<> set_versions(TlsVersion oldest, TlsVersion newest);
  /// Takes any certificate: anybody on the way may read and change everything. Pins still hold;
  /// what would have been wrong is in `TlsPeer::problems`.
  void verify_nothing() noexcept;
  /// Every session begins anew.
  void resume_nothing() noexcept;
  /// Appends the secrets of every session to this file, for programs such as Wireshark to read what
  /// they have recorded (SSLKEYLOGFILE). Who has them can read everything. Errors: those of opening
  /// a file.
  Result<> log_keys(const std::string& file);

  TlsClientContext(TlsClientContext&&) noexcept;
  TlsClientContext& operator=(TlsClientContext&&) noexcept;
  ~TlsClientContext();

 private:
  friend class TlsStream;
  explicit TlsClientContext(std::shared_ptr<detail::TlsClientState> state) noexcept;
  std::shared_ptr<detail::TlsClientState> state_;
};

/// How a server meets clients: its certificates, by name, and whom it lets in. As above: TLS 1.2
/// and 1.3, set it up first, then share it, among threads too; `reload` may be called at any time.
/// Clients may resume their sessions for 12 hours; the keys of the tickets are made here, change
/// every 6 hours, and live on through `reload`.
class TlsServerContext {
 public:
  /// With this certificate, followed in the file by those between it and a root, and its key (PEM).
  /// Errors: those of opening a file; `invalid_argument` (what is wrong with them).
  [[nodiscard]] static Result<TlsServerContext> load(const std::string& certificate_file,
                                                     const std::string& key_file);
  /// With a certificate made now, that nobody vouches for, for a host's name or an IP address,
  /// valid for 30 days. Clients pin its key (`pin`), or verify nothing. Error: `invalid_argument`.
  [[nodiscard]] static Result<TlsServerContext> self_signed(std::string_view name);
  /// With one that is the same at each start: that of this file (PEM, certificate and key); where
  /// there is none, or it has ended or is for another name, one is made as above, valid for ten
  /// years, and kept there for its owner alone. Errors: as of `load`, which leave the file as it
  /// is; those of making a file.
  [[nodiscard]] static Result<TlsServerContext> self_signed(std::string_view name,
                                                            const std::string& file);

  /// One more certificate. A client gets the first one that is for the name that it asks for, of
  /// each kind of key; else the first of all. Errors as of `load`.
  Result<> add(const std::string& certificate_file, const std::string& key_file);
  /// Sends this file, a response of OCSP (DER), along with the certificate that was added last, to
  /// clients that ask for it. Errors: those of opening a file; `invalid_argument`.
  Result<> staple(const std::string& response_file);
  /// Lets in only clients with a certificate that one of this file's (PEM) has issued; called
  /// again, only those of the last file. Errors as of `TlsClientContext::add_roots`.
  Result<> require_clients(const std::string& roots_file);
  /// The protocols spoken (ALPN), best first; a client that offers only others is refused. Errors
  /// as of `TlsClientContext::set_alpn`.
  Result<> set_alpn(std::string_view protocols);
  /// As of `TlsClientContext`.
  Result<> set_versions(TlsVersion oldest, TlsVersion newest);
  Result<> log_keys(const std::string& file);

  /// Reads all files again, for the handshakes from now on; sessions live on. All or nothing: with
  /// an error, those of `load`, all stays as it was. Any thread.
  Result<> reload();

  /// The pin of the first certificate's key.
  [[nodiscard]] std::string pin() const;

  TlsServerContext(TlsServerContext&&) noexcept;
  TlsServerContext& operator=(TlsServerContext&&) noexcept;
  ~TlsServerContext();

 private:
  friend class TlsStream;
  struct Shared;
  explicit TlsServerContext(std::unique_ptr<Shared> shared) noexcept;
  [[nodiscard]] std::shared_ptr<detail::TlsServerState> state() const;
  std::unique_ptr<Shared> shared_;
};

}  // namespace ieum
#pragma GCC visibility pop
