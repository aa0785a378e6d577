// TlsServerContext: what it was told, and what it made of that, which a reload makes anew.
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <mutex>
#include <tuple>

#include <openssl/sha.h>

#include <ieum/tls_context.hpp>

#include "tls/session.hpp"

namespace ieum {

using detail::TlsServerState;
using detail::TlsSession;

namespace {

constexpr const char* make_name = "create a TLS context";
constexpr std::chrono::days self_signed_lifetime{30};

std::string in_lower_case(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return lower;
}

int on_server_name(SSL* /*ssl*/, int* /*alert*/, void* /*unused*/) noexcept {
  return SSL_TLSEXT_ERR_OK;  // it was heard; on_certificate_wanted chooses
}

/// Sessions are resumed only where clients are judged as they were when the sessions began. False:
/// OpenSSL refuses it.
bool tie_sessions(SSL_CTX& context, std::string_view roots) {
  std::string policy = SSL_CTX_get_verify_mode(&context) == SSL_VERIFY_NONE ? "any" : "by";
  policy += roots;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> id{};
  return EVP_Digest(policy.data(), policy.size(), id.data(), nullptr, EVP_sha256(), nullptr) == 1 &&
         SSL_CTX_set_session_id_context(&context, id.data(), id.size()) == 1;
}

}  // namespace

// ---- The state ---------------------------------------------------------------------------------

Result<> TlsServerState::add(std::shared_ptr<tls::Credentials> more, const std::string& file) {
  // A check: for each session they are chosen by name.
  const Result<> used = tls::use_in(*context, *more, file);
  if (!used) return used;
  for (const std::string& name : tls::names_of(*more->certificate)) {
    by_name.emplace(in_lower_case(name), more.get());
  }
  credentials.push_back(std::move(more));
  return {};
}

TlsServerState::Chosen TlsServerState::choose(SSL& ssl) const {
  SSL_certs_clear(&ssl);
  const char* const asked = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name);
  std::string name = in_lower_case(asked != nullptr ? asked : "");
  if (name.ends_with('.')) name.pop_back();
  auto [first, last] = by_name.equal_range(name);
  const std::size_t dot = name.find('.');
  if (first == last && dot != std::string::npos) {
    std::tie(first, last) = by_name.equal_range("*" + name.substr(dot));
  }
  std::vector<const tls::Credentials*> of_each_kind;
  const auto kind_of = [](const tls::Credentials* of) {
    return EVP_PKEY_get_base_id(of->key.get());
  };
  for (; first != last; ++first) {
    const bool is_new = std::ranges::none_of(of_each_kind, [&](const tls::Credentials* other) {
      return kind_of(other) == kind_of(first->second);
    });
    if (is_new) of_each_kind.push_back(first->second);
  }
  if (of_each_kind.empty()) of_each_kind.push_back(credentials.front().get());
  Chosen chosen = Chosen::fast;
  for (const tls::Credentials* const each : of_each_kind) {
    if (!tls::use(ssl, *each)) return Chosen::refused;
    const int kind = kind_of(each);
    if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) chosen = Chosen::slow;
  }
  return chosen;
}

const tls::Credentials* TlsServerState::chosen(const SSL& ssl) const noexcept {
  const X509* const certificate = SSL_get_certificate(&ssl);
  const auto found = std::ranges::find_if(
      credentials, [&](const auto& each) { return each->certificate.get() == certificate; });
  return found == credentials.end() ? nullptr : found->get();
}

// ---- What it was told --------------------------------------------------------------------------

struct TlsServerContext::Shared {
  struct Entry {
    std::string certificate_file;
    std::string key_file;
    std::string response_file;                     // empty: none
    std::shared_ptr<const tls::Credentials> made;  // instead of files
  };
  std::vector<Entry> entries;
  std::string roots_file;
  std::string alpn;
  TlsVersion oldest = TlsVersion::tls12;
  TlsVersion newest = TlsVersion::tls13;
  std::shared_ptr<tls::KeyLog> key_log;
  std::shared_ptr<tls::TicketKeys> tickets = std::make_shared<tls::TicketKeys>();

  mutable std::mutex mutex;  // of `state`
  std::shared_ptr<TlsServerState> state;

  [[nodiscard]] Result<std::shared_ptr<TlsServerState>> make_state() const;
  static Result<> add(TlsServerState& state, const Entry& entry);
  static Result<> staple(TlsServerState& state, const std::string& file);
  static Result<> require_clients(TlsServerState& state, const std::string& file);
  static void set_alpn(TlsServerState& state, const std::string& wire);
  static void log_keys(TlsServerState& state, std::shared_ptr<tls::KeyLog> log);
};

Result<> TlsServerContext::Shared::add(TlsServerState& state, const Entry& entry) {
  // Each state has its own: the sessions of the one before still read theirs.
  Result<tls::Credentials> credentials =
      entry.made != nullptr ? tls::copy_of(*entry.made)
                            : tls::load_credentials(entry.certificate_file, entry.key_file);
  if (!credentials) return fail(credentials.error());
  return state.add(std::make_shared<tls::Credentials>(*std::move(credentials)),
                   entry.certificate_file);
}

Result<> TlsServerContext::Shared::staple(TlsServerState& state, const std::string& file) {
  Result<std::string> response = tls::read_file(file, "load OCSP response");
  if (!response) return fail(response.error());
  if (!tls::is_ocsp_response(*response)) {
    return fail(Error(std::errc::invalid_argument, "load OCSP response")
                    .with_name(file)
                    .with_detail("it is none (DER)"));
  }
  state.credentials.back()->stapled = *std::move(response);
  return {};
}

Result<> TlsServerContext::Shared::require_clients(TlsServerState& state, const std::string& file) {
  const Result<std::string> pem = tls::read_file(file, "load certificate");
  if (!pem) return fail(pem.error());
  const Result<> required = tls::require(*state.context, *pem, file);
  if (!required) return required;
  SSL_CTX_set_verify(state.context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  if (!tie_sessions(*state.context, *pem)) return fail(std::errc::not_enough_memory, make_name);
  return {};
}

void TlsServerContext::Shared::set_alpn(TlsServerState& state, const std::string& wire) {
  state.alpn = wire;
  SSL_CTX_set_alpn_select_cb(state.context.get(), &TlsSession::on_alpn, nullptr);
}

void TlsServerContext::Shared::log_keys(TlsServerState& state, std::shared_ptr<tls::KeyLog> log) {
  state.key_log = std::move(log);
  SSL_CTX_set_keylog_callback(state.context.get(), &TlsSession::on_key_log);
}

Result<std::shared_ptr<TlsServerState>> TlsServerContext::Shared::make_state() const {
  auto made = std::make_shared<TlsServerState>();
  made->context = tls::make_context(TLS_server_method());
  SSL_CTX* const context = made->context.get();
  if (context == nullptr || !tie_sessions(*context, {})) {
    return fail(std::errc::not_enough_memory, make_name);
  }
  const Result<> versions = tls::set_versions(*context, oldest, newest);
  if (!versions) return fail(versions.error());
  made->tickets = tickets;
  SSL_CTX_set_num_tickets(context, 0);  // before the first write instead
  SSL_CTX_set_timeout(context, std::chrono::seconds(tls::SessionCache::lifetime).count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &TlsSession::on_ticket);
  SSL_CTX_set_session_ticket_cb(context, &TlsSession::on_ticket_made, &TlsSession::on_ticket_opened,
                                nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, &on_server_name);
  SSL_CTX_set_tlsext_status_cb(context, &TlsSession::on_staple_wanted);
  SSL_CTX_set_cert_cb(context, &TlsSession::on_certificate_wanted, nullptr);
  for (const Entry& entry : entries) {
    const Result<> added = add(*made, entry);
    if (!added) return fail(added.error());
    if (entry.response_file.empty()) continue;
    const Result<> stapled = staple(*made, entry.response_file);
    if (!stapled) return fail(stapled.error());
  }
  if (!roots_file.empty()) {
    const Result<> required = require_clients(*made, roots_file);
    if (!required) return fail(required.error());
  }
  if (!alpn.empty()) set_alpn(*made, alpn);
  if (key_log != nullptr) log_keys(*made, key_log);
  return made;
}

// ---- The public face ---------------------------------------------------------------------------

TlsServerContext::TlsServerContext(std::unique_ptr<Shared> shared) noexcept
    : shared_(std::move(shared)) {}
TlsServerContext::TlsServerContext(TlsServerContext&&) noexcept = default;
TlsServerContext& TlsServerContext::operator=(TlsServerContext&&) noexcept = default;
TlsServerContext::~TlsServerContext() = default;

Result<TlsServerContext> TlsServerContext::load(const std::string& certificate_file,
                                                const std::string& key_file) {
  TlsServerContext context(std::make_unique<Shared>());
  context.shared_->entries.push_back({certificate_file, key_file, {}, {}});
  const Result<> made = context.reload();
  if (!made) return fail(made.error());
  return context;
}

Result<TlsServerContext> TlsServerContext::self_signed(std::string_view name) {
  Result<tls::Credentials> credentials = tls::make_self_signed(name, self_signed_lifetime);
  if (!credentials) return fail(credentials.error());
  TlsServerContext context(std::make_unique<Shared>());
  context.shared_->entries.push_back(
      {{}, {}, {}, std::make_shared<const tls::Credentials>(*std::move(credentials))});
  const Result<> made = context.reload();
  if (!made) return fail(made.error());
  return context;
}

Result<TlsServerContext> TlsServerContext::self_signed(std::string_view name,
                                                       const std::string& file) {
  const Result<> kept = tls::keep_self_signed(name, file);
  if (!kept) return fail(kept.error());
  return load(file, file);
}

Result<> TlsServerContext::add(const std::string& certificate_file, const std::string& key_file) {
  Shared::Entry entry{certificate_file, key_file, {}, {}};
  const Result<> added = Shared::add(*shared_->state, entry);
  if (added) shared_->entries.push_back(std::move(entry));
  return added;
}

Result<> TlsServerContext::staple(const std::string& response_file) {
  const Result<> stapled = Shared::staple(*shared_->state, response_file);
  if (stapled) shared_->entries.back().response_file = response_file;
  return stapled;
}

Result<> TlsServerContext::require_clients(const std::string& roots_file) {
  const Result<> required = Shared::require_clients(*shared_->state, roots_file);
  if (required) shared_->roots_file = roots_file;
  return required;
}

Result<> TlsServerContext::set_alpn(std::string_view protocols) {
  Result<std::string> wire = tls::parse_alpn(protocols);
  if (!wire) return fail(wire.error());
  Shared::set_alpn(*shared_->state, *wire);
  shared_->alpn = *std::move(wire);
  return {};
}

Result<> TlsServerContext::set_versions(TlsVersion oldest, TlsVersion newest) {
  const Result<> set = tls::set_versions(*shared_->state->context, oldest, newest);
  if (!set) return set;
  shared_->oldest = oldest;
  shared_->newest = newest;
  return {};
}

Result<> TlsServerContext::log_keys(const std::string& file) {
  Result<std::shared_ptr<tls::KeyLog>> log = tls::KeyLog::open(file);
  if (!log) return fail(log.error());
  Shared::log_keys(*shared_->state, *log);
  shared_->key_log = *std::move(log);
  return {};
}

Result<> TlsServerContext::reload() {
  Result<std::shared_ptr<TlsServerState>> made = shared_->make_state();
  if (!made) return fail(made.error());
  const std::lock_guard lock(shared_->mutex);
  shared_->state.swap(*made);
  return {};
}

std::string TlsServerContext::pin() const {
  const std::optional<tls::Pin> pin = tls::pin_of(*state()->credentials.front()->certificate);
  return pin ? tls::to_string(*pin) : std::string();
}

std::shared_ptr<TlsServerState> TlsServerContext::state() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->state;
}

}  // namespace ieum
