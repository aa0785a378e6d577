// TlsSession: what OpenSSL asks while a handshake goes on.
#include <algorithm>
#include <cstring>
#include <new>

#include "tls/alerts.hpp"
#include "tls/session.hpp"

namespace ieum::detail {

// ---- Certificates of the peer ------------------------------------------------------------------

/// Instead of OpenSSL's verification: the same, but it goes on to find all that is wrong.
int TlsSession::on_verify(X509_STORE_CTX* store, void* /*unused*/) noexcept {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  try {
    return of(ssl).verify(*store) ? 1 : 0;
  } catch (const std::bad_alloc&) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
    return 0;
  }
}

bool TlsSession::verify(X509_STORE_CTX& store) {
  findings_ = std::make_unique<Findings>();
  std::vector<tls::CertificateProblem>& problems = findings_->problems;
  X509_STORE_CTX_set_verify_cb(&store, &TlsSession::note_problem);
  X509_STORE_CTX_set_time(&store, 0, std::chrono::system_clock::to_time_t(tls::wall_clock_now()));
  const bool went_through = X509_verify_cert(&store) == 1;
  if (!went_through && problems.empty()) problems.push_back(tls::problem_of(store, name_));
  check_pins(store);
  if (problems.empty()) {
    findings_.reset();
    vouch_anew(store);
    return true;
  }
  const bool pins_only = client_ != nullptr && !client_->verifies;
  tls::put_in_order(problems, pins_only);
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(&store);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    findings_->chain.push_back(tls::describe(*sk_X509_value(sent, i)));
  }
  if (pins_only && problems.front().code != Errc::certificate_not_pinned) {
    X509_STORE_CTX_set_error(&store, X509_V_OK);
    return true;
  }
  X509_STORE_CTX_set_error(&store, problems.front().verify_error);  // chooses the alert
  return false;
}

/// Always goes on.
int TlsSession::note_problem(int good, X509_STORE_CTX* store) noexcept {
  if (good == 1) return 1;
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  try {
    TlsSession& session = of(ssl);
    session.findings_->problems.push_back(tls::problem_of(*store, session.name_));
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return 1;
}

void TlsSession::check_pins(X509_STORE_CTX& store) {
  if (client_ == nullptr || client_->pins.empty()) return;
  const std::optional<tls::Pin> pin = tls::pin_of(*X509_STORE_CTX_get0_cert(&store));
  if (pin && std::ranges::find(client_->pins, *pin) != client_->pins.end()) return;
  tls::CertificateProblem problem;
  problem.code = Errc::certificate_not_pinned;
  problem.verify_error = X509_V_ERR_APPLICATION_VERIFICATION;
  problem.detail = pin ? "it is " + tls::to_string(*pin) : "it cannot be read";
  problem.clause = "its key is not the pinned one";
  findings_->problems.push_back(std::move(problem));
}

/// What was judged now holds for a while, and no longer than any certificate of the chain.
void TlsSession::vouch_anew(X509_STORE_CTX& store) {
  resumable_until_ = tls::wall_clock_now() + tls::SessionCache::lifetime;
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(&store);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const tls::SessionCache::Time expiry = tls::expiry_of(*sk_X509_value(chain, i));
    resumable_until_ = std::min(resumable_until_, expiry);
  }
}

// ---- Clients -----------------------------------------------------------------------------------

int TlsSession::on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  constexpr int taken_over = 1;
  constexpr int not_taken = 0;
  TlsSession& self = of(ssl);
  // What was not found good is not resumed, which would leave out looking.
  if (!self.client_->resumes || self.findings_ != nullptr) return not_taken;
  try {
    self.client_->sessions.put(self.session_name_, tls::SessionPointer(session),
                               self.resumable_until_);
  } catch (const std::bad_alloc&) {  // it is freed
  }
  return taken_over;
}

// ---- Servers -----------------------------------------------------------------------------------

int TlsSession::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* authentication, int seal) noexcept {
  return of(ssl).server_->tickets->seal_or_open(name, iv, cipher, authentication, seal == 1,
                                                tls::TicketKeys::Clock::now());
}

/// The ticket says until when it holds: OpenSSL gives each one a new time, also that of a resumed
/// session, so that without this nothing would ever be judged again.
int TlsSession::on_ticket_made(SSL* ssl, void* /*unused*/) noexcept {
  const std::int64_t until = of(ssl).resumable_until_.time_since_epoch().count();
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &until, sizeof until);
}

SSL_TICKET_RETURN TlsSession::on_ticket_opened(SSL* ssl, SSL_SESSION* session,
                                               const unsigned char* /*key*/,
                                               std::size_t /*key_size*/, SSL_TICKET_STATUS status,
                                               void* /*unused*/) noexcept {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  std::int64_t ticks = 0;
  void* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != sizeof ticks) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  std::memcpy(&ticks, data, sizeof ticks);
  const tls::SessionCache::Time until{tls::SessionCache::Time::duration(ticks)};
  if (until <= tls::wall_clock_now()) return SSL_TICKET_RETURN_IGNORE_RENEW;
  of(ssl).resumable_until_ = until;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

int TlsSession::on_certificate_wanted(SSL* ssl, void* /*unused*/) noexcept {
  constexpr int not_yet = -1;
  TlsSession& self = of(ssl);
  try {
    switch (self.server_->choose(*ssl)) {
      case TlsServerState::Chosen::fast: return 1;
      case TlsServerState::Chosen::slow: return self.may_sign_ ? 1 : not_yet;
      case TlsServerState::Chosen::refused: break;
    }
    return 0;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

int TlsSession::on_staple_wanted(SSL* ssl, void* /*unused*/) noexcept {
  const tls::Credentials* const chosen = of(ssl).server_->chosen(*ssl);
  if (chosen == nullptr || chosen->stapled.empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::size_t size = chosen->stapled.size();
  void* const copy = OPENSSL_memdup(chosen->stapled.data(), size);  // OpenSSL frees it
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(size));
  return SSL_TLSEXT_ERR_OK;
}

int TlsSession::on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                        const unsigned char* offered, unsigned offered_size,
                        void* /*unused*/) noexcept {
  const std::string& ours = of(ssl).server_->alpn;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(
          &found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
          static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// ---- Whoever looks on --------------------------------------------------------------------------

void TlsSession::observe(TlsObserver* observer) noexcept {
  if (observer == nullptr) return;
  may_sign_ = true;  // on this thread, which is the observer's
  SSL_set_msg_callback(ssl_.get(), &TlsSession::on_message);
  SSL_set_msg_callback_arg(ssl_.get(), observer);
}

void TlsSession::on_message(int is_sent, int /*version*/, int kind, const void* data,
                            std::size_t size, SSL* /*ssl*/, void* observer) noexcept {
  TlsMessage message;
  message.is_sent = is_sent == 1;
  message.bytes = size;
  const auto* const bytes = static_cast<const unsigned char*>(data);
  if (kind == SSL3_RT_HANDSHAKE && size > 0) {
    message.name = tls::message_name(bytes[0]);
  } else if (kind == SSL3_RT_ALERT && size > 1) {
    message.name = "alert";
    message.alert = bytes[1];
  } else if (kind == SSL3_RT_CHANGE_CIPHER_SPEC) {
    message.name = "ChangeCipherSpec";
  } else {
    return;  // headers of records
  }
  static_cast<TlsObserver*>(observer)->message(message);
}

void TlsSession::on_key_log(const SSL* ssl, const char* line) noexcept {
  const TlsSession& self = of(ssl);
  const auto& log = self.client_ != nullptr ? self.client_->key_log : self.server_->key_log;
  if (log != nullptr) log->write(line);
}

}  // namespace ieum::detail
