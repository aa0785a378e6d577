// TlsClientContext.
#include <ieum/tls_context.hpp>

#include "tls/session.hpp"

namespace ieum {

using detail::TlsClientState;
using detail::TlsSession;

TlsClientContext::TlsClientContext(std::shared_ptr<TlsClientState> state) noexcept
    : state_(std::move(state)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

Result<TlsClientContext> TlsClientContext::create_without_roots() {
  auto state = std::make_shared<TlsClientState>();
  state->context = tls::make_context(TLS_client_method());
  SSL_CTX* const context = state->context.get();
  if (context == nullptr) return fail(std::errc::not_enough_memory, "create a TLS context");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsSession::on_new_session);
  return TlsClientContext(std::move(state));
}

Result<TlsClientContext> TlsClientContext::create() {
  Result<TlsClientContext> made = create_without_roots();
  const tls::ErrorScope errors;
  if (made && SSL_CTX_set_default_verify_paths(made->state_->context.get()) != 1) {
    return fail(std::errc::not_enough_memory, "create a TLS context");
  }
  return made;
}

Result<> TlsClientContext::add_roots(const std::string& file) {
  const Result<std::string> pem = tls::read_file(file, "load certificate");
  if (!pem) return fail(pem.error());
  return tls::trust(*state_->context, *pem, file);
}

Result<> TlsClientContext::add_roots_of(std::string_view pem) {
  return tls::trust(*state_->context, pem, "of a text");
}

Result<> TlsClientContext::pin(std::string_view key) {
  const std::optional<tls::Pin> pin = tls::parse_pin(key);
  if (!pin) {
    return fail(Error(std::errc::invalid_argument, "pin a key")
                    .with_name(key)
                    .with_detail("a pin is sha256//BASE64"));
  }
  state_->pins.push_back(*pin);
  return {};
}

Result<> TlsClientContext::use_certificate(const std::string& certificate_file,
                                           const std::string& key_file) {
  const Result<tls::Credentials> loaded = tls::load_credentials(certificate_file, key_file);
  if (!loaded) return fail(loaded.error());
  return tls::use_in(*state_->context, *loaded, certificate_file);
}

Result<> TlsClientContext::set_alpn(std::string_view protocols) {
  const Result<std::string> wire = tls::parse_alpn(protocols);
  if (!wire) return fail(wire.error());
  // Unlike all others it answers 0 for good.
  if (SSL_CTX_set_alpn_protos(state_->context.get(),
                              reinterpret_cast<const unsigned char*>(wire->data()),
                              static_cast<unsigned>(wire->size())) != 0) {
    return fail(std::errc::not_enough_memory, "set ALPN");
  }
  return {};
}

Result<> TlsClientContext::set_versions(TlsVersion oldest, TlsVersion newest) {
  return tls::set_versions(*state_->context, oldest, newest);
}

void TlsClientContext::verify_nothing() noexcept { state_->verifies = false; }
void TlsClientContext::resume_nothing() noexcept { state_->resumes = false; }

Result<> TlsClientContext::log_keys(const std::string& file) {
  Result<std::shared_ptr<tls::KeyLog>> log = tls::KeyLog::open(file);
  if (!log) return fail(log.error());
  state_->key_log = *std::move(log);
  SSL_CTX_set_keylog_callback(state_->context.get(), &TlsSession::on_key_log);
  return {};
}

}  // namespace ieum
