// Certificates that the tests make themselves.
#include "tls/authority.hpp"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <iostream>

namespace ieum::test {

namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::cerr << "cannot make a certificate: " << what << "\n";
  ERR_print_errors_fp(stderr);
  std::abort();
}

tls::KeyPointer make_key(const std::string& kind) {
  if (kind == "RSA-1024") return tls::KeyPointer(EVP_RSA_gen(1024));
  if (kind == "RSA-2048") return tls::KeyPointer(EVP_RSA_gen(2048));
  return tls::KeyPointer(EVP_EC_gen(kind.c_str()));
}

void add_extension(X509& to, X509& issuer, int kind, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, tls::Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  must(extension != nullptr && X509_add_ext(&to, extension.get(), -1) == 1, value.c_str());
}

std::string text_of(BIO& memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(&memory, &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Certificate::Certificate(const CertificatePlan& plan, const Certificate* issuer)
    : key_(make_key(plan.key)), certificate_(X509_new()) {
  must(key_ != nullptr, plan.key.c_str());
  X509* const made = certificate_.get();
  X509& by = issuer != nullptr ? issuer->x509() : *made;
  X509_set_version(made, X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), serial);
  X509_gmtime_adj(X509_getm_notBefore(made), plan.begins);
  X509_gmtime_adj(X509_getm_notAfter(made), plan.ends);
  X509_set_pubkey(made, key_.get());
  X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(plan.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(&by));
  add_extension(*made, by, NID_basic_constraints, plan.basic_constraints);
  add_extension(*made, by, NID_key_usage, plan.key_usage);
  add_extension(*made, by, NID_ext_key_usage, plan.extended_key_usage);
  add_extension(*made, by, NID_subject_alt_name, plan.names);
  add_extension(*made, by, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(*made, by, NID_authority_key_identifier, "keyid");
  for (const auto& [kind, value] : plan.more) add_extension(*made, by, kind, value);
  EVP_PKEY* const signer = issuer != nullptr ? &issuer->key() : key_.get();
  must(X509_sign(made, signer, EVP_get_digestbyname(plan.digest.c_str())) > 0, "sign");
}

std::string Certificate::pem() const {
  const tls::BioPointer memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate_.get());
  return text_of(*memory);
}

std::string Certificate::key_pem() const {
  const tls::BioPointer memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(*memory);
}

void Certificate::damage() {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate_.get(), &der);
  must(size > 0, "encode");
  der[size - 4] ^= 1U;  // in the signature's last number
  const unsigned char* at = der;
  certificate_.reset(d2i_X509(nullptr, &at, size));
  OPENSSL_free(der);
  must(certificate_ != nullptr, "decode");
}

namespace {

std::string joined(const Certificate& certificate, const std::vector<const Certificate*>& chain) {
  std::string text = certificate.pem();
  for (const Certificate* each : chain) text += each->pem();
  return text;
}

}  // namespace

CertificateFiles::CertificateFiles(const Certificate& of,
                                   const std::vector<const Certificate*>& chain)
    : certificate(joined(of, chain)), key(of.key_pem()) {}

std::string ocsp_response(const Certificate& of, const Certificate& issuer) {
  OCSP_BASICRESP* const basic = OCSP_BASICRESP_new();
  OCSP_CERTID* const id = OCSP_cert_to_id(nullptr, &of.x509(), &issuer.x509());
  ASN1_TIME* const from = X509_gmtime_adj(nullptr, -60);
  ASN1_TIME* const until = X509_gmtime_adj(nullptr, 3600);
  OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, from, until);
  must(OCSP_basic_sign(basic, &issuer.x509(), &issuer.key(), EVP_sha256(), nullptr, 0) == 1,
       "OCSP");
  OCSP_RESPONSE* const response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  must(size > 0, "OCSP");
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  ASN1_TIME_free(until);
  ASN1_TIME_free(from);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  return text;
}

CertificatePlan authority_plan(std::string common_name) {
  CertificatePlan plan;
  plan.common_name = std::move(common_name);
  plan.basic_constraints = "critical,CA:TRUE";
  plan.key_usage = "critical,keyCertSign,cRLSign";
  plan.extended_key_usage.clear();
  return plan;
}

const Certificate& authority() {
  static const Certificate made(authority_plan("Test Authority"));
  return made;
}

const std::string& authority_file() {
  static const TemporaryFile file(authority().pem());
  return file.path();
}

const CertificateFiles& server_files() {
  static const CertificateFiles files = [] {
    CertificatePlan plan;
    plan.common_name = "server.test";
    plan.names = "DNS:server.test,DNS:*.wild.test,DNS:localhost,IP:127.0.0.1,IP:::1";
    return CertificateFiles(Certificate(plan, &authority()));
  }();
  return files;
}

const CertificateFiles& client_files() {
  static const CertificateFiles files = [] {
    CertificatePlan plan;
    plan.common_name = "a client";
    plan.extended_key_usage = "clientAuth";
    return CertificateFiles(Certificate(plan, &authority()));
  }();
  return files;
}

}  // namespace ieum::test
