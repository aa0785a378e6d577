#include "certificate/authority.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <ieum/address.hpp>
#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

namespace ieum::cli {

namespace {

template <auto Free>
using Freed = decltype([](auto* object) { Free(object); });
using BioPointer = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Pointer = std::unique_ptr<X509, Freed<X509_free>>;

constexpr std::chrono::seconds authority_lifetime = std::chrono::days(3650);
constexpr long an_hour_ago = -3600;  // clocks differ
constexpr std::size_t common_name_bytes_max = 64;

using Failed = std::unexpected<std::string>;

Failed refused(std::string_view what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return Failed(reason != nullptr ? fmt::format("{}: {}", what, reason) : std::string(what));
}

bool is_address(const std::string& name) {
  const Result<HostPort> host = HostPort::make(name, 0);
  return host && host->address();
}

/// "app.test" of "*.app.test".
std::string_view without_wildcard(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return name;
}

std::string subject_names(std::span<const std::string> names) {
  std::string all;
  for (const std::string& name : names) {
    all += fmt::format("{}{}:{}", all.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  return all;
}

/// Of a kind of which there is no name, none is permitted.
std::string constraints(std::span<const std::string> names) {
  std::string all = "critical";
  bool has_host = false;
  bool has_address = false;
  for (const std::string& name : names) {
    if (!is_address(name)) {
      has_host = true;
      const std::string more = fmt::format(",permitted;DNS:{}", without_wildcard(name));
      if (!(all + ",").contains(more + ",")) all += more;
      continue;
    }
    has_address = true;
    const bool is_ipv6 = name.contains(':');
    all += fmt::format(",permitted;IP:{}/{}", name,
                       is_ipv6 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255");
  }
  if (!has_host) all += ",permitted;DNS:invalid";  // of which there is none (RFC 6761)
  if (!has_address) {
    all += ",excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
  }
  return all;
}

struct Extension {
  int kind;
  std::string value;
};

bool add_extensions(X509& to, X509& issuer, std::span<const Extension> extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
  for (const Extension& each : extensions) {
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> made(
        X509V3_EXT_conf_nid(nullptr, &context, each.kind, each.value.c_str()));
    if (made == nullptr || X509_add_ext(&to, made.get(), -1) != 1) return false;
  }
  return true;
}

bool set_serial(X509& of) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes.front() &= 0x7fU;  // a positive number
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&of)) != nullptr;
}

bool add_name(X509& to, const char* part, std::string_view value) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(&to), part, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(std::min(value.size(), common_name_bytes_max)),
                                    -1, 0) == 1;
}

/// A certificate of `key`, without its issuer's name, extensions and signature; null: it failed.
X509Pointer begin(EVP_PKEY& key, std::string_view common_name) {
  X509Pointer made(X509_new());
  if (made == nullptr || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(*made) ||
      X509_set_pubkey(made.get(), &key) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(made.get()), an_hour_ago) == nullptr ||
      !add_name(*made, "O", "ieum development") || !add_name(*made, "CN", common_name)) {
    return nullptr;
  }
  return made;
}

std::string text_of(BIO& memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(&memory, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::expected<PemPair, std::string> to_pem(X509& certificate, EVP_PKEY& key) {
  const BioPointer certificate_text(BIO_new(BIO_s_mem()));
  const BioPointer key_text(BIO_new(BIO_s_secmem()));
  if (certificate_text == nullptr || key_text == nullptr ||
      PEM_write_bio_X509(certificate_text.get(), &certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return refused("cannot be written as PEM");
  }
  return PemPair(text_of(*certificate_text), text_of(*key_text));
}

/// Instead of asking on the terminal.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*unused*/) noexcept {
  return 0;
}

BioPointer reader_of(const std::string& text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

PemPair::~PemPair() { OPENSSL_cleanse(key.data(), key.size()); }

struct Authority::Parts {
  X509Pointer certificate;
  KeyPointer key;
};
Authority::Authority(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Authority::Authority(Authority&&) noexcept = default;
Authority::~Authority() = default;

std::expected<Authority, std::string> Authority::make(std::span<const std::string> names) {
  auto parts = std::make_unique<Parts>();
  parts->key.reset(EVP_EC_gen("P-256"));
  if (parts->key == nullptr) return refused("a key cannot be made");
  parts->certificate = begin(*parts->key, "Development authority for " + names.front());
  X509* const made = parts->certificate.get();
  const std::array<Extension, 5> extensions{
      Extension{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      Extension{NID_key_usage, "critical,keyCertSign,cRLSign"},
      Extension{NID_ext_key_usage, "serverAuth,clientAuth"},
      Extension{NID_name_constraints, constraints(names)},
      Extension{NID_subject_key_identifier, "hash"}};
  if (made == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(made), authority_lifetime.count()) == nullptr ||
      X509_set_issuer_name(made, X509_get_subject_name(made)) != 1 ||
      !add_extensions(*made, *made, extensions) ||
      X509_sign(made, parts->key.get(), EVP_sha256()) == 0) {
    return refused("an authority cannot be made");
  }
  return Authority(std::move(parts));
}

std::expected<Authority, std::string> Authority::load(const PemPair& pem) {
  auto parts = std::make_unique<Parts>();
  const BioPointer certificate = reader_of(pem.certificate);
  const BioPointer key = reader_of(pem.key);
  parts->certificate.reset(PEM_read_bio_X509(certificate.get(), nullptr, &no_password, nullptr));
  if (parts->certificate == nullptr) return refused("its certificate cannot be read");
  parts->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, &no_password, nullptr));
  if (parts->key == nullptr) return refused("its key cannot be read");
  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
    ERR_clear_error();
    return Failed("its key is that of another certificate");
  }
  if (X509_check_ca(parts->certificate.get()) != 1)
    return Failed("its certificate is none of an authority");
  return Authority(std::move(parts));
}

std::expected<PemPair, std::string> Authority::pem() const {
  return to_pem(*parts_->certificate, *parts_->key);
}

namespace {

/// What is wrong with `leaf`; empty: nothing.
std::string verify(X509& leaf, X509& authority) {
  const std::unique_ptr<X509_STORE, Freed<X509_STORE_free>> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr || X509_STORE_add_cert(store.get(), &authority) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), &leaf, nullptr) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER) != 1) {
    return "out of memory";
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  if (error == X509_V_ERR_PERMITTED_VIOLATION || error == X509_V_ERR_EXCLUDED_VIOLATION) {
    return "it was made for other names, and may vouch for no more";
  }
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) return "it has expired";
  return X509_verify_cert_error_string(error);
}

}  // namespace

std::expected<PemPair, std::string> Authority::issue(std::span<const std::string> names,
                                                     int days) const {
  const KeyPointer key(EVP_EC_gen("P-256"));
  if (key == nullptr) return refused("a key cannot be made");
  // Of an address not alone: constraints would take it for a host's name.
  const X509Pointer made =
      begin(*key, is_address(names.front()) ? "server at " + names.front() : names.front());
  X509& issuer = *parts_->certificate;
  const std::array<Extension, 6> extensions{
      Extension{NID_basic_constraints, "critical,CA:FALSE"},
      Extension{NID_key_usage, "critical,digitalSignature"},
      Extension{NID_ext_key_usage, "serverAuth,clientAuth"},
      Extension{NID_subject_alt_name, subject_names(names)},
      Extension{NID_subject_key_identifier, "hash"},
      Extension{NID_authority_key_identifier, "keyid:always"}};
  if (made == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(made.get()), days, 0, nullptr) == nullptr) {
    return refused("a certificate cannot be made");
  }
  const ASN1_TIME* const last = X509_get0_notAfter(&issuer);
  if (ASN1_TIME_compare(X509_get0_notAfter(made.get()), last) > 0 &&
      X509_set1_notAfter(made.get(), last) != 1) {
    return refused("a certificate cannot be made");
  }
  if (X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer)) != 1 ||
      !add_extensions(*made, issuer, extensions) ||
      X509_sign(made.get(), parts_->key.get(), EVP_sha256()) == 0) {
    return refused("a certificate cannot be made");
  }
  std::string wrong = verify(*made, issuer);
  if (!wrong.empty()) return Failed(std::move(wrong));
  return to_pem(*made, *key);
}

}  // namespace ieum::cli
