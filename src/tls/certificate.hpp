// Certificates in words, and what is wrong with a chain of them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/tls_peer.hpp>

#include "tls/openssl.hpp"

namespace ieum::tls {

/// The SHA-256 of a public key.
using Pin = std::array<std::uint8_t, 32>;
std::optional<Pin> pin_of(X509& certificate);
std::optional<Pin> parse_pin(std::string_view text);
std::string to_string(const Pin& pin);

/// The hosts and IP addresses that it is for. The common name is none of them (RFC 9525).
std::vector<std::string> names_of(X509& certificate);
TlsCertificate describe(X509& certificate);
/// 1970 if nobody can read it.
std::chrono::sys_seconds expiry_of(const X509& certificate);

/// What is wrong with one certificate of a chain.
struct CertificateProblem {
  Errc code = Errc::certificate_invalid;
  int verify_error = X509_V_OK;
  int depth = 0;
  std::string detail;  ///< after the words of the code
  std::string clause;  ///< alone
};

/// What OpenSSL objects to, of the certificate that it looks at. `name` is who it should be.
CertificateProblem problem_of(X509_STORE_CTX& store, std::string_view name);

/// Leaves out what only follows from others; the most telling comes first, or one of a pin.
void put_in_order(std::vector<CertificateProblem>& problems, bool pins_first);

/// One error of all of them, which are in order.
Error error_of(const std::vector<CertificateProblem>& problems, const Address& peer);

}  // namespace ieum::tls
