// What the contexts of clients and servers hold, and how both set up OpenSSL.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/tls_context.hpp>

#include "tls/certificate.hpp"
#include "tls/session_cache.hpp"
#include "tls/ticket_keys.hpp"

namespace ieum::tls {

/// A certificate, those between it and a root, its key, and what is sent along.
struct Credentials {
  X509Pointer certificate;
  std::vector<X509Pointer> chain;
  KeyPointer key;
  std::string stapled;  // a response of OCSP; empty if none
};
/// The same certificates and key, which never change, with a response of their own.
Credentials copy_of(const Credentials& credentials);
Result<Credentials> load_credentials(const std::string& certificate_file,
                                     const std::string& key_file);
Result<Credentials> make_self_signed(std::string_view name, std::chrono::days lifetime);
/// So that the file holds one that is valid, for this name.
Result<> keep_self_signed(std::string_view name, const std::string& file);
/// Leaves nothing of a text behind.
struct Wiped {
  std::string& text;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};
/// The certificates of a text; `what` is a name for it in errors.
Result<std::vector<X509Pointer>> parse_certificates(std::string_view pem, const std::string& what);
/// What it may be is a key: no copy is left anywhere.
Result<std::string> read_file(const std::string& path, const char* operation);

/// For a session. False: OpenSSL refuses them.
bool use(SSL& ssl, const Credentials& credentials) noexcept;
bool is_ocsp_response(std::string_view der) noexcept;

/// "h2,http/1.1" as it is sent.
Result<std::string> parse_alpn(std::string_view protocols);

/// Appends lines to a file. Any thread.
class KeyLog {
 public:
  static Result<std::shared_ptr<KeyLog>> open(const std::string& path);
  explicit KeyLog(int descriptor) noexcept : descriptor_(descriptor) {}
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;
  ~KeyLog();
  void write(std::string_view line) noexcept;

 private:
  int descriptor_;
};

/// TLS 1.2 and 1.3, AEAD only, no renegotiation, peers verified. Null for want of memory.
SslContextPointer make_context(const SSL_METHOD* method);
Result<> set_versions(SSL_CTX& context, TlsVersion oldest, TlsVersion newest);
/// For all sessions of a context. Error: `invalid_argument`, OpenSSL refuses them.
Result<> use_in(SSL_CTX& context, const Credentials& credentials, const std::string& file);
/// The certificates of a text are trusted too.
Result<> trust(SSL_CTX& context, std::string_view pem, const std::string& what);
/// They alone are trusted, and named to clients. After an error all is as before.
Result<> require(SSL_CTX& context, std::string_view pem, const std::string& what);

}  // namespace ieum::tls

namespace ieum::detail {

class TlsClientState {
 public:
  tls::SslContextPointer context;
  std::vector<tls::Pin> pins;
  bool verifies = true;
  bool resumes = true;
  std::shared_ptr<tls::KeyLog> key_log;
  tls::SessionCache sessions;
};

class TlsServerState {
 public:
  tls::SslContextPointer context;
  std::vector<std::shared_ptr<tls::Credentials>> credentials;
  std::multimap<std::string, const tls::Credentials*, std::less<>> by_name;
  std::string alpn;  // as it is sent
  std::shared_ptr<tls::TicketKeys> tickets;
  std::shared_ptr<tls::KeyLog> key_log;

  /// Error: `invalid_argument`, OpenSSL refuses them.
  Result<> add(std::shared_ptr<tls::Credentials> more, const std::string& file);
  enum class Chosen : std::uint8_t { fast, slow, refused };
  /// Takes those for the name that the client asks for; else the first. Slow are those that take
  /// long to sign with.
  Chosen choose(SSL& ssl) const;
  /// Those that were taken.
  [[nodiscard]] const tls::Credentials* chosen(const SSL& ssl) const noexcept;
};

}  // namespace ieum::detail
