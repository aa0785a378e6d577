// TlsSession: its setting up, its handshake, its end, and what it knows of its peer.
#include "tls/session.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <ieum/host_port.hpp>
#include <ieum/offload.hpp>
#include <ieum/timeout.hpp>

#include "base/words.hpp"
#include "tls/alerts.hpp"
#include "tls/signing_place.hpp"

namespace ieum::detail {

namespace {

constexpr const char* handshake_name = "TLS handshake";
constexpr const char* shutdown_name = "TLS shutdown";
constexpr const char* close_name = "TLS close";

Failure no_memory() { return fail(std::errc::not_enough_memory, handshake_name); }

/// "example.com" of "example.com.": certificates and SNI know no final dot.
std::string_view without_final_dot(std::string_view name) noexcept {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

// ---- Setting up --------------------------------------------------------------------------------

TlsSession::TlsSession(Stream& beneath, std::unique_ptr<Stream> own) noexcept
    : own_(std::move(own)), beneath_(beneath), reading_(*this), writing_(*this) {}

TlsSession::~TlsSession() {
  // Else OpenSSL would never again resume a session that was left without a farewell.
  if (ssl_ != nullptr && is_met_ && !is_broken()) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
}

bool TlsSession::set_up(tls::SslPointer ssl) noexcept {
  ssl_ = std::move(ssl);
  BIO* const bio = ssl_ != nullptr ? bio_.make() : nullptr;
  if (bio == nullptr) return false;
  SSL_set_bio(ssl_.get(), bio, bio);
  return SSL_set_app_data(ssl_.get(), this) == 1;
}

Result<std::unique_ptr<TlsSession>> TlsSession::make_client(Stream& beneath,
                                                            std::unique_ptr<Stream> own,
                                                            std::shared_ptr<TlsClientState> context,
                                                            std::string_view name) {
  const tls::ErrorScope errors;
  auto session = std::make_unique<TlsSession>(beneath, std::move(own));
  if (!session->set_up(tls::SslPointer(SSL_new(context->context.get())))) return no_memory();
  session->client_ = std::move(context);
  const Address peer = beneath.peer_address();
  if (name.empty()) {
    if (session->client_->verifies) {
      return fail(Error(std::errc::invalid_argument, handshake_name, peer)
                      .with_detail("without a name nothing can be verified"));
    }
  } else {
    const Result<> expected = session->expect_name(without_final_dot(name));
    if (!expected) return fail(expected.error());
  }
  SSL* const ssl = session->ssl_.get();
  SSL_set_connect_state(ssl);
  session->session_name_ = words(session->name_, ":", peer.port());
  if (session->client_->resumes) {
    const tls::SessionCache::Entry earlier =
        session->client_->sessions.take(session->session_name_, tls::wall_clock_now());
    if (earlier.session != nullptr && SSL_set_session(ssl, earlier.session.get()) == 1) {
      session->resumable_until_ = earlier.until;
    }
  }
  return session;
}

Result<std::unique_ptr<TlsSession>> TlsSession::make_server(
    Stream& beneath, std::unique_ptr<Stream> own, std::shared_ptr<const TlsServerState> context) {
  const tls::ErrorScope errors;
  auto session = std::make_unique<TlsSession>(beneath, std::move(own));
  if (!session->set_up(tls::SslPointer(SSL_new(context->context.get())))) return no_memory();
  session->server_ = std::move(context);
  SSL_set_accept_state(session->ssl_.get());
  return session;
}

/// Errors: `Errc::name_invalid`, `not_enough_memory`.
Result<> TlsSession::expect_name(std::string_view name) {
  const Result<HostPort> host = HostPort::make(name, 0);
  if (!host) return fail(host.error());
  name_ = name;
  SSL* const ssl = ssl_.get();
  if (host->address()) {  // no SNI (RFC 6066, section 3)
    const std::string address(name.substr(0, name.find('%')));
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.c_str()) != 1) {
      return no_memory();
    }
    return {};
  }
  SSL_set_hostflags(ssl,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (SSL_set1_host(ssl, name_.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1) {
    return no_memory();
  }
  return {};
}

// ---- The handshake -----------------------------------------------------------------------------

TlsSession::HandshakeStep TlsSession::what_is_said(const SSL& ssl, int answer) noexcept {
  return {.why = SSL_get_error(&ssl, answer),
          .last_error = ERR_peek_last_error(),  // those before it led to it
          .first_reason = tls::first_reason()};
}

TlsSession::HandshakeStep TlsSession::take_step() noexcept {
  const tls::ErrorScope errors;
  const int answer = SSL_do_handshake(ssl_.get());
  return what_is_said(*ssl_, answer);
}

Task<> TlsSession::handshake() {
  for (;;) {
    HandshakeStep step = take_step();
    if (step.why == SSL_ERROR_WANT_X509_LOOKUP) step = co_await sign_elsewhere();
    if (step.why != SSL_ERROR_NONE && step.why != SSL_ERROR_WANT_READ) {
      break_with(failure(handshake_name, step));
    }
    const Result<> flushed = co_await attempt(flush_handshake());
    if (is_broken()) co_await fail(*broken_);
    if (!flushed) {
      co_await look_for_alert(flushed.error());
      co_await fail(flushed.error());
    }
    if (step.why == SSL_ERROR_NONE) {
      is_met_ = true;
      is_between_records_ = !bio_.has_input();
      co_return;
    }
    if (bio_.in_total > handshake_bytes_max) {
      co_await fail(Error(Errc::limit_exceeded, handshake_name, peer_address())
                        .with_detail("the peer's part has more than 128 KiB"));
    }
    Lease more = co_await beneath_.receive();
    bio_.feed(std::move(more));
  }
}

/// The step that signs with an RSA key takes about a millisecond: on the pool, while others go on.
Task<TlsSession::HandshakeStep> TlsSession::sign_elsewhere() {
  tls::SigningPlace place;
  co_await place.come();
  may_sign_ = true;
  bio_.go_elsewhere();
  auto work = offload([this] { return take_step(); });
  Result<HandshakeStep> done = co_await attempt(std::move(work));
  bio_.come_back();
  if (done) co_return *done;
  if (done.error() == std::errc::operation_canceled) co_return fail(done.error());
  const HandshakeStep step = take_step();  // there is no thread to be had
  co_return step;
}

Task<> TlsSession::leave() {
  if (own_ == nullptr || !is_open()) co_return;
  // What a client has sent meanwhile would reset the connection, and it would not read our alert.
  if (server_ != nullptr && is_broken()) {
    const Result<> closed = co_await attempt(beneath_.close_gracefully(farewell_limit));
    static_cast<void>(closed);
  }
}

Task<> TlsSession::flush_handshake() {
  for (;;) {
    const ConstBuffer unsent = bio_.unsent();
    if (unsent.empty()) co_return;
    const std::size_t count = co_await beneath_.write_some(unsent);
    bio_.sent(count);
  }
}

/// Fails with what the peer has said before it closed, if it has.
Task<> TlsSession::look_for_alert(Error write_error) {
  if (write_error != std::errc::broken_pipe && write_error != std::errc::connection_reset)
    co_return;
  Result<Lease> last = co_await attempt(beneath_.receive());
  if (!last || last->empty()) co_return;
  bio_.feed(*std::move(last));
  const HandshakeStep step = take_step();
  if (step.why == SSL_ERROR_SSL) co_await fail(failure(handshake_name, step));
}

void TlsSession::break_with(const Error& error) noexcept {
  if (broken_ != nullptr) return;
  broken_.reset(new (std::nothrow) Error(error));
  if (broken_ == nullptr) std::abort();  // 300 bytes
}

Error TlsSession::failure(const char* operation, const HandshakeStep& said) const noexcept {
  if (bio_.has_overflowed()) {
    static_assert(tls::OutBuffer::bytes == std::size_t{89} * 1024);
    return Error(Errc::limit_exceeded, operation, peer_address())
        .with_detail("what is to be sent at once has more than 89 KiB");
  }
  const unsigned long code = said.last_error;
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && findings_ != nullptr) {
    return tls::error_of(findings_->problems, peer_address());
  }
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || (code == 0 && bio_.has_ended())) {
    return Error(Errc::cut_off, operation, peer_address())
        .with_detail(is_met_ ? "the peer ended the connection without TLS's close_notify"
                             : "the peer ended the connection during the handshake");
  }
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return refused_by_peer(operation, reason - SSL_AD_REASON_OFFSET);
  }
  std::string_view words = tls::reason_in_words(reason);
  if (words.empty()) words = said.first_reason;
  if (words.empty()) words = "OpenSSL does not say why";
  return (is_met_ ? Error(std::errc::protocol_error, operation, peer_address())
                  : Error(Errc::handshake_failed, operation, peer_address()))
      .with_detail(words);
}

Error TlsSession::refused_by_peer(const char* operation, int alert) const noexcept {
  // With TLS 1.3 a client is done before the server has judged its certificate.
  const bool is_handshake =
      !is_met_ || (client_ != nullptr && !has_read_ && tls::is_about_certificate(alert));
  std::string text = is_handshake ? "the peer refuses: " : "the peer gave up: ";
  text += tls::alert_in_words(alert);
  return (is_handshake ? Error(Errc::handshake_failed, operation, peer_address())
                       : Error(std::errc::protocol_error, operation, peer_address()))
      .with_detail(text);
}

// ---- The end -----------------------------------------------------------------------------------

/// What is left of what was encrypted, as a write, so that no other one is beside it.
StreamWriteAll TlsSession::flush() noexcept { return write_all(ConstBuffer()); }

void TlsSession::say_farewell() noexcept {
  if (is_broken() || has_said_farewell()) return;
  const tls::ErrorScope errors;
  // New keys that no write has taken along go first: OpenSSL refuses to shut down before.
  int answer = SSL_in_init(ssl_.get()) == 1 ? SSL_do_handshake(ssl_.get()) : 1;
  if (answer == 1) answer = SSL_shutdown(ssl_.get());
  if (answer < 0) break_with(failure(shutdown_name, what_is_said(*ssl_, answer)));
}

Task<> TlsSession::shutdown_write() {
  if (writing_.is_pending()) {
    co_await fail(Error(std::errc::device_or_resource_busy, shutdown_name, peer_address())
                      .with_detail("a write is pending on it"));
  }
  say_farewell();
  if (is_broken()) {
    const Result<> ended = co_await attempt(beneath_.shutdown_write());
    static_cast<void>(ended);
    co_await fail(*broken_);
  }
  co_await flush();
  co_await beneath_.shutdown_write();
}

Task<> TlsSession::close() {
  Result<> said;
  if (is_open() && !writing_.is_pending()) {
    say_farewell();
    if (!is_broken() || writer_has_alert_) {
      // Also if a stop was asked for: without a farewell the peer takes the end for a cut.
      said = co_await attempt(shield(with_timeout(farewell_limit, flush()), farewell_limit));
    }
  }
  // A peer that does not take the farewell loses the difference to a cut. Data is another thing.
  const bool is_lost = !said && owes_data_ && !is_broken();
  co_await beneath_.close();
  if (is_lost) {
    co_await fail(Error(said.error().code(), close_name, peer_address())
                      .with_detail("the peer did not take all that a stopped write had taken"));
  }
}

Task<> TlsSession::reset() { return beneath_.reset(); }

std::size_t TlsSession::bytes_on_way() const noexcept {
  return bio_.unsent().size() + beneath_.bytes_on_way();
}

bool TlsSession::update_keys() noexcept {
  if (is_broken()) return false;
  if (SSL_in_init(ssl_.get()) == 1) return true;  // the next write takes new ones along already
  const tls::ErrorScope errors;
  return SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1;
}

// ---- The peer ----------------------------------------------------------------------------------

std::string_view TlsSession::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

TlsPeer TlsSession::peer() const {
  const tls::ErrorScope errors;
  TlsPeer peer;
  SSL* const ssl = ssl_.get();
  if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl)) {
    peer.version = SSL_get_version(ssl);
    peer.cipher = SSL_CIPHER_get_name(cipher);
    const char* const group =
        SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl)));
    if (group != nullptr) peer.group = group;
  }
  peer.alpn = alpn();
  if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    peer.server_name = name;
  }
  peer.resumed = SSL_session_reused(ssl) == 1;
  if (findings_ != nullptr) {
    peer.chain = findings_->chain;
    for (const tls::CertificateProblem& problem : findings_->problems) {
      peer.problems.push_back(problem.clause);
    }
    return peer;
  }
  X509* const own = SSL_get0_peer_certificate(ssl);
  if (own != nullptr) peer.chain.push_back(tls::describe(*own));
  STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* const each = sk_X509_value(sent, i);
    if (own == nullptr || X509_cmp(each, own) != 0) peer.chain.push_back(tls::describe(*each));
  }
  return peer;
}

}  // namespace ieum::detail
