// What the contexts of clients and servers have in common: how OpenSSL is set up.
#include "tls/session.hpp"

namespace ieum::tls {

using detail::TlsSession;

namespace {

/// Curves only: of finite fields a client may choose the largest, which keeps the loop for 14 ms.
/// OpenSSL 3.5 and later have a key exchange that holds against quantum computers, too, and send
/// their half of those that are marked.
bool set_groups(SSL_CTX& context) noexcept {
  return SSL_CTX_set1_groups_list(&context, "*X25519MLKEM768:*X25519:P-256:P-384:P-521") == 1 ||
         SSL_CTX_set1_groups_list(&context, "X25519:P-256:P-384:P-521") == 1;
}

}  // namespace

SslContextPointer make_context(const SSL_METHOD* method) {
  const ErrorScope errors;
  SslContextPointer made(SSL_CTX_new(method));
  SSL_CTX* const context = made.get();
  constexpr int security_level = 2;  // 112 bits: RSA of 2048, no SHA-1
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
      SSL_CTX_set_ciphersuites(context,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      !set_groups(*context)) {
    return nullptr;
  }
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle session holds none
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_recv_max_early_data(context, 0);
  SSL_CTX_set_cert_verify_callback(context, &TlsSession::on_verify, nullptr);
  // Whom somebody trusts need be no root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return made;
}

Result<> set_versions(SSL_CTX& context, TlsVersion oldest, TlsVersion newest) {
  if (newest < oldest) {
    return fail(Error(std::errc::invalid_argument, "set TLS versions")
                    .with_detail("the newest is older than the oldest"));
  }
  const ErrorScope errors;
  const auto number = [](TlsVersion version) {
    return version == TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  };
  if (SSL_CTX_set_min_proto_version(&context, number(oldest)) != 1 ||
      SSL_CTX_set_max_proto_version(&context, number(newest)) != 1) {
    return fail(std::errc::operation_not_supported, "set TLS versions");
  }
  return {};
}

namespace {

Result<> add_to(X509_STORE& store, const std::vector<X509Pointer>& roots) {
  for (const X509Pointer& root : roots) {
    if (X509_STORE_add_cert(&store, root.get()) != 1) {
      return fail(std::errc::not_enough_memory, "load certificate");
    }
  }
  return {};
}

void free_names(STACK_OF(X509_NAME) * names) noexcept {
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

}  // namespace

Result<> trust(SSL_CTX& context, std::string_view pem, const std::string& what) {
  const Result<std::vector<X509Pointer>> roots = parse_certificates(pem, what);
  if (!roots) return fail(roots.error());
  const ErrorScope errors;
  return add_to(*SSL_CTX_get_cert_store(&context), *roots);
}

Result<> require(SSL_CTX& context, std::string_view pem, const std::string& what) {
  const Result<std::vector<X509Pointer>> roots = parse_certificates(pem, what);
  if (!roots) return fail(roots.error());
  const ErrorScope errors;
  std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  std::unique_ptr<STACK_OF(X509_NAME), Freed<free_names>> names(sk_X509_NAME_new_null());
  if (store == nullptr || names == nullptr) {
    return fail(std::errc::not_enough_memory, "load certificate");
  }
  const Result<> added = add_to(*store, *roots);
  if (!added) return added;
  for (const X509Pointer& root : *roots) {
    X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(root.get()));
    if (name == nullptr || sk_X509_NAME_push(names.get(), name) == 0) {
      X509_NAME_free(name);
      return fail(std::errc::not_enough_memory, "load certificate");
    }
  }
  SSL_CTX_set_cert_store(&context, store.release());
  SSL_CTX_set_client_CA_list(&context, names.release());
  return {};
}

}  // namespace ieum::tls
