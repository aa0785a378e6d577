// Certificates that the tests make themselves, right ones and wrong ones.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/files.hpp"
#include "tls/openssl.hpp"

namespace ieum::test {

/// What a certificate is to say.
struct CertificatePlan {
  std::string common_name = "somebody";
  std::string names;    // as OpenSSL's configuration has it: "DNS:a.test,IP:127.0.0.1"
  long begins = -3600;  // in seconds from now
  long ends = 24L * 3600;
  std::string key = "P-256";  // or "RSA-2048", "RSA-1024"
  std::string digest = "SHA256";
  std::string basic_constraints = "critical,CA:FALSE";  // empty: none
  std::string key_usage = "critical,digitalSignature";
  std::string extended_key_usage = "serverAuth,clientAuth";
  std::vector<std::pair<int, std::string>> more;  // extensions, by NID
};

/// A certificate with its key, and those that lead to a root.
class Certificate {
 public:
  /// Issued by `issuer`, or by itself.
  explicit Certificate(const CertificatePlan& plan, const Certificate* issuer = nullptr);

  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string key_pem() const;
  [[nodiscard]] X509& x509() const { return *certificate_; }
  [[nodiscard]] EVP_PKEY& key() const { return *key_; }
  /// Damages the signature.
  void damage();

 private:
  tls::KeyPointer key_;
  tls::X509Pointer certificate_;
};

/// Files that a context loads: a certificate, with what follows it, and its key.
struct CertificateFiles {
  explicit CertificateFiles(const Certificate& certificate,
                            const std::vector<const Certificate*>& chain = {});
  TemporaryFile certificate;
  TemporaryFile key;
};

/// A response of OCSP (DER): `issuer` says that `of` is good.
std::string ocsp_response(const Certificate& of, const Certificate& issuer);

/// An authority of this process's, whom the tests' clients trust.
const Certificate& authority();
/// The plan of an authority.
CertificatePlan authority_plan(std::string common_name);
/// A server's certificate by that authority, for "server.test" and the loopback addresses.
const CertificateFiles& server_files();
const CertificateFiles& client_files();
/// The authority's certificate in a file.
const std::string& authority_file();

}  // namespace ieum::test
