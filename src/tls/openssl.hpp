// OpenSSL's objects and who frees them; its errors in words.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace ieum::tls {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using BioPointer = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using SessionPointer = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPointer = std::unique_ptr<SSL, Freed<SSL_free>>;
using X509Pointer = std::unique_ptr<X509, Freed<X509_free>>;

/// The thread's queue of OpenSSL's errors is empty when it begins, as `SSL_get_error` needs it, and
/// when it ends, as whoever else uses OpenSSL on the thread needs it.
class ErrorScope {
 public:
  ErrorScope() noexcept { clear(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  ~ErrorScope() { clear(); }

 private:
  /// To clear an empty queue goes through all that it could hold.
  static void clear() noexcept {
    if (ERR_peek_error() != 0) ERR_clear_error();
  }
};

/// What is first in the thread's queue of errors, as OpenSSL puts it; empty if there is none.
inline std::string_view first_reason() noexcept {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason != nullptr ? reason : "";
}

/// Whether the first error in the queue is `reason` of the library `library`.
inline bool is_first_error(int library, int reason) noexcept {
  const unsigned long code = ERR_peek_error();
  return ERR_GET_LIB(code) == library && ERR_GET_REASON(code) == reason;
}

}  // namespace ieum::tls
