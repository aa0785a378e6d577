// What the TLS servers of the benchmarks share beyond bench/servers/server.hpp: the certificate,
// and OpenSSL set up as this library sets it up, so that the same is done for a client.
//
//   BENCH_CERTIFICATE, BENCH_KEY   files (PEM)
#pragma once

#include <openssl/ssl.h>

#include "servers/server.hpp"

namespace bench {

inline const char* from_environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value != nullptr) return value;
  std::fprintf(stderr, "%s is not set\n", name);
  std::exit(2);
}

inline void configure_tls(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  if (SSL_CTX_use_certificate_chain_file(context, from_environment("BENCH_CERTIFICATE")) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, from_environment("BENCH_KEY"), SSL_FILETYPE_PEM) != 1) {
    std::fputs("the certificate and its key cannot be loaded\n", stderr);
    std::exit(1);
  }
}

}  // namespace bench
