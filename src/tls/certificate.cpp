// Certificates in words, and what is wrong with a chain of them.
#include "tls/certificate.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <tuple>

#include "base/words.hpp"

namespace ieum::tls {

using detail::words;

namespace {

constexpr std::string_view pin_prefix = "sha256//";
constexpr std::size_t name_bytes_max = 30;  // in a sentence: an error holds 95 bytes

std::string name_text(const X509_NAME* name) {
  const BioPointer memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr ||
      X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string part_of_name(const X509_NAME* name, int part) {
  const int index = X509_NAME_get_index_by_NID(name, part, -1);
  if (index < 0) return {};
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

std::string cut(std::string text) {
  if (text.size() <= name_bytes_max) return text;
  text.resize(name_bytes_max - 3);
  return text + "...";
}

/// The common name, or else the organisation, or else all of it.
std::string short_name(const X509_NAME* name) {
  std::string text = part_of_name(name, NID_commonName);
  if (text.empty()) text = part_of_name(name, NID_organizationName);
  if (text.empty()) text = name_text(name);
  return text.empty() ? "someone without a name" : cut(text);
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken_down) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&broken_down)));
}

std::string date_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken_down) != 1) return "a day nobody can read";
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", &broken_down)};
}

std::string ip_text(const ASN1_OCTET_STRING& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(&bytes);
  if (size != 4 && size != 16) return {};
  const unsigned char* const data = ASN1_STRING_get0_data(&bytes);
  if (::inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text.data(), text.size()) == nullptr) {
    return {};
  }
  return text.data();
}

std::string key_in_words(X509& certificate) {
  const EVP_PKEY* const key = X509_get0_pubkey(&certificate);
  if (key == nullptr) return "unreadable";
  const char* const type = EVP_PKEY_get0_type_name(key);
  return words(type != nullptr ? type : "unknown", " ", EVP_PKEY_get_bits(key), " bits");
}

std::string signature_in_words(X509& certificate) {
  const char* const name = OBJ_nid2ln(X509_get_signature_nid(&certificate));
  return name != nullptr ? name : "an unknown algorithm";
}

std::string names_in_words(X509& certificate) {
  const std::vector<std::string> names = names_of(certificate);
  if (names.empty()) return "no name";
  std::string text = cut(names.front());
  if (names.size() > 1) text += ", " + cut(names[1]);
  if (names.size() > 2) text += words(" and ", names.size() - 2, " more");
  return text;
}

/// The lower, the more it tells.
int rank(const CertificateProblem& problem) noexcept {
  switch (problem.code) {
    case Errc::certificate_self_signed: return 0;
    case Errc::certificate_unknown_issuer: return 1;
    case Errc::certificate_wrong_name: return 2;
    case Errc::certificate_expired: return 3;
    case Errc::certificate_not_yet_valid: return 4;
    case Errc::certificate_not_pinned: return 6;
    default: return 5;
  }
}

/// Whether `problem` says less than `other`, which comes with it.
bool follows_from(const CertificateProblem& problem, const CertificateProblem& other) noexcept {
  const int error = problem.verify_error;
  if (error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE) return rank(other) <= 1;
  if (problem.depth != other.depth) return false;
  if (other.verify_error == X509_V_ERR_KEYUSAGE_NO_CERTSIGN) {
    return error == X509_V_ERR_INVALID_CA || error == X509_V_ERR_INVALID_PURPOSE;
  }
  return other.verify_error == X509_V_ERR_INVALID_CA && error == X509_V_ERR_INVALID_PURPOSE;
}

/// Of problems that are `certificate_invalid`: a clause, about `who`, the certificate.
std::string rule_broken(int error, const std::string& who, X509& certificate) {
  switch (error) {
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA: return words(who, " is no authority, but has issued one");
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN: return words(who, " may not issue certificates");
    case X509_V_ERR_PATH_LENGTH_EXCEEDED: return words(who, " may not be followed by so many");
    case X509_V_ERR_PERMITTED_VIOLATION: return words(who, " has a name its issuer may not give");
    case X509_V_ERR_EXCLUDED_VIOLATION: return words(who, " has a name its issuer must not give");
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      return words(who, " has a weak key: ", key_in_words(certificate));
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return words(who, " is signed with ", signature_in_words(certificate), ", which is weak");
    case X509_V_ERR_INVALID_PURPOSE: return words(who, " is not meant for this end of TLS");
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return words(who, " has a false signature");
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
      return words(who, " has a critical extension that we do not know");
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "the chain is too long";
    case X509_V_ERR_CERT_REVOKED: return words(who, " was revoked");
    case X509_V_ERR_CERT_REJECTED: return words(who, " is rejected");
    default: return words(who, ": ", X509_verify_cert_error_string(error));
  }
}

}  // namespace

std::optional<Pin> pin_of(X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  if (size <= 0) return {};
  Pin pin{};
  const int done =
      EVP_Digest(der, static_cast<std::size_t>(size), pin.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  if (done != 1) return {};
  return pin;
}

std::optional<Pin> parse_pin(std::string_view text) {
  constexpr std::size_t base64_bytes = 44;  // of 32 bytes, one '=' at the end
  if (!text.starts_with(pin_prefix)) return {};
  text.remove_prefix(pin_prefix.size());
  if (text.size() != base64_bytes || !text.ends_with('=')) return {};
  std::array<unsigned char, 33> decoded{};
  const int size =
      EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (size != static_cast<int>(decoded.size())) return {};
  Pin pin{};
  std::copy_n(decoded.begin(), pin.size(), pin.begin());
  return to_string(pin).substr(pin_prefix.size()) == text ? std::optional(pin) : std::nullopt;
}

std::string to_string(const Pin& pin) {
  std::array<unsigned char, 45> encoded{};
  const int size = EVP_EncodeBlock(encoded.data(), pin.data(), static_cast<int>(pin.size()));
  return std::string(pin_prefix)
      .append(reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(size));
}

std::vector<std::string> names_of(X509& certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type == GEN_DNS) {
      const auto* const text = static_cast<const ASN1_STRING*>(value);
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    } else if (type == GEN_IPADD) {
      std::string text = ip_text(*static_cast<const ASN1_OCTET_STRING*>(value));
      if (!text.empty()) names.push_back(std::move(text));
    }
  }
  return names;
}

std::chrono::sys_seconds expiry_of(const X509& certificate) {
  return time_of(X509_get0_notAfter(&certificate));
}

TlsCertificate describe(X509& certificate) {
  const std::optional<Pin> pin = pin_of(certificate);
  return {.subject = name_text(X509_get_subject_name(&certificate)),
          .issuer = name_text(X509_get_issuer_name(&certificate)),
          .names = names_of(certificate),
          .not_before = time_of(X509_get0_notBefore(&certificate)),
          .not_after = time_of(X509_get0_notAfter(&certificate)),
          .key = key_in_words(certificate),
          .pin = pin ? to_string(*pin) : std::string()};
}

CertificateProblem problem_of(X509_STORE_CTX& store, std::string_view name) {
  CertificateProblem problem;
  const int error = X509_STORE_CTX_get_error(&store);
  problem.verify_error = error;
  problem.depth = X509_STORE_CTX_get_error_depth(&store);
  X509* const certificate = X509_STORE_CTX_get_current_cert(&store);
  if (certificate == nullptr) {
    problem.detail = problem.clause = X509_verify_cert_error_string(error);
    return problem;
  }
  const bool is_own = problem.depth == 0;
  const std::string subject = short_name(X509_get_subject_name(certificate));
  const std::string issuer = short_name(X509_get_issuer_name(certificate));
  const std::string who = is_own ? "it" : subject;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: {
      const std::string date = date_of(X509_get0_notAfter(certificate));
      problem.code = Errc::certificate_expired;
      problem.detail = is_own ? words("on ", date) : words("that of ", subject, ", on ", date);
      problem.clause = words(who, " expired on ", date);
      return problem;
    }
    case X509_V_ERR_CERT_NOT_YET_VALID: {
      const std::string date = date_of(X509_get0_notBefore(certificate));
      problem.code = Errc::certificate_not_yet_valid;
      problem.detail = words(is_own ? "" : words("that of ", subject, ", "), "not until ", date);
      problem.clause = words(who, " is not valid until ", date);
      return problem;
    }
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string names = names_in_words(*certificate);
      problem.code = Errc::certificate_wrong_name;
      problem.detail = words("for ", names, ", not for ", cut(std::string(name)));
      problem.clause = words("it is ", problem.detail);
      return problem;
    }
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      problem.code = Errc::certificate_self_signed;
      problem.detail = subject;
      problem.clause = "it is self-signed";
      return problem;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_CERT_UNTRUSTED:
      problem.code = Errc::certificate_unknown_issuer;
      problem.detail = issuer;
      problem.clause = words("its issuer ", issuer, " is unknown");
      return problem;
    default:
      problem.clause = rule_broken(error, who, *certificate);
      problem.detail = problem.clause;
      return problem;
  }
}

void put_in_order(std::vector<CertificateProblem>& problems, bool pins_first) {
  const std::vector<CertificateProblem> all = problems;
  std::erase_if(problems, [&](const CertificateProblem& problem) {
    return std::ranges::any_of(
        all, [&](const CertificateProblem& other) { return follows_from(problem, other); });
  });
  std::ranges::sort(problems, {}, [&](const CertificateProblem& problem) {
    const bool is_first = pins_first && problem.code == Errc::certificate_not_pinned;
    return std::tuple(!is_first, rank(problem), problem.depth, problem.clause);
  });
  const auto twice = std::ranges::unique(problems, {}, &CertificateProblem::clause);
  problems.erase(twice.begin(), twice.end());
}

Error error_of(const std::vector<CertificateProblem>& problems, const Address& peer) {
  std::string detail = problems.front().detail;
  for (const CertificateProblem& problem : problems) {
    if (&problem != &problems.front()) detail.append("; ").append(problem.clause);
  }
  return Error(problems.front().code, "TLS handshake", peer).with_detail(detail);
}

}  // namespace ieum::tls
