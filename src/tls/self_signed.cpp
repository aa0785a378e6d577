// Certificates that nobody vouches for, made here, and where they are kept.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <ieum/descriptor.hpp>
#include <ieum/host_port.hpp>

#include "base/words.hpp"
#include "tls/context_state.hpp"

namespace ieum::tls {

using detail::words;

Result<Credentials> make_self_signed(std::string_view name, std::chrono::days lifetime) {
  const Result<HostPort> host = HostPort::make(name, 0);
  if (!host) return fail(host.error());
  const auto failed = [] {
    return fail(
        Error(std::errc::not_enough_memory, "make a certificate").with_detail(first_reason()));
  };
  const ErrorScope errors;
  Credentials made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  std::array<unsigned char, 16> serial{};
  if (made.key == nullptr || made.certificate == nullptr ||
      RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) {
    return failed();
  }
  serial.front() &= 0x7fU;  // a positive number
  X509* const certificate = made.certificate.get();
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  const std::string common(host->host().substr(0, 64));
  X509_NAME* const subject = X509_get_subject_name(certificate);
  constexpr long an_hour_ago = -3600;  // clocks differ
  if (number == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr ||
      X509_gmtime_adj(X509_getm_notBefore(certificate), an_hour_ago) == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(lifetime.count()), 0,
                       nullptr) == nullptr ||
      X509_set_pubkey(certificate, made.key.get()) != 1 ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common.data()),
                                 static_cast<int>(common.size()), -1, 0) != 1 ||
      X509_set_issuer_name(certificate, subject) != 1) {
    return failed();
  }
  const std::string names = words(host->address() ? "IP:" : "DNS:", host->host());
  for (const auto& [kind, value] :
       {std::pair<int, const char*>{NID_subject_alt_name, names.c_str()},
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"}}) {
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value));
    if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
      return failed();
    }
  }
  if (X509_sign(certificate, made.key.get(), EVP_sha256()) == 0) return failed();
  return made;
}

namespace {

constexpr std::chrono::days kept_for{3650};

Failure failed(int number, const std::string& path) {
  return fail(Error::from_errno(number, "keep a certificate").with_name(path));
}

Result<std::string> pem_of(const Credentials& credentials) {
  const ErrorScope errors;
  const BioPointer memory(BIO_new(BIO_s_secmem()));
  char* text = nullptr;
  long size = 0;
  if (memory == nullptr ||
      PEM_write_bio_PrivateKey(memory.get(), credentials.key.get(), nullptr, nullptr, 0, nullptr,
                               nullptr) != 1 ||
      PEM_write_bio_X509(memory.get(), credentials.certificate.get()) != 1 ||
      (size = BIO_get_mem_data(memory.get(), &text)) <= 0) {
    return fail(
        Error(std::errc::not_enough_memory, "keep a certificate").with_detail(first_reason()));
  }
  return std::string(text, static_cast<std::size_t>(size));
}

int write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(descriptor) < 0 ? errno : 0;
}

/// Under another name first: nobody ever reads a part of it, nor a key that others may read.
Result<> keep(const Credentials& credentials, const std::string& file) {
  Result<std::string> pem = pem_of(credentials);
  if (!pem) return fail(pem.error());
  const Wiped wipe{*pem};
  const std::string fresh = words(file, ".", ::getpid());
  constexpr ::mode_t for_owner = 0600;
  ::unlink(fresh.c_str());  // of a program that was killed
  const Descriptor made(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, for_owner));
  if (!made.is_open()) return failed(errno, fresh);
  int number = write_all(made.number(), *pem);
  if (number == 0 && std::rename(fresh.c_str(), file.c_str()) != 0) number = errno;
  if (number == 0) return {};
  ::unlink(fresh.c_str());
  return failed(number, file);
}

/// It is still valid, and for this name.
bool serves(const X509& certificate, std::string_view name) {
  const Result<HostPort> host = HostPort::make(name, 0);
  if (!host) return false;
  const std::string text(host->host());
  X509* const asked = const_cast<X509*>(&certificate);  // OpenSSL's checks take no const
  const bool named = host->address()
                         ? X509_check_ip_asc(asked, text.c_str(), 0) == 1
                         : X509_check_host(asked, text.data(), text.size(), 0, nullptr) == 1;
  return named && X509_cmp_current_time(X509_get0_notAfter(&certificate)) > 0;
}

}  // namespace

Result<> keep_self_signed(std::string_view name, const std::string& file) {
  const bool is_there = ::access(file.c_str(), F_OK) == 0;
  if (is_there) {
    // What is no certificate, or was issued, is somebody's: it is not written over.
    const Result<Credentials> kept = load_credentials(file, file);
    if (!kept) return fail(kept.error());
    if (serves(*kept->certificate, name)) return {};
    if (X509_self_signed(kept->certificate.get(), 0) != 1) {
      return fail(Error(std::errc::invalid_argument, "keep a certificate")
                      .with_name(file)
                      .with_detail("it has one that somebody issued"));
    }
  }
  const Result<Credentials> made = make_self_signed(name, kept_for);
  if (!made) return fail(made.error());
  return keep(*made, file);
}

}  // namespace ieum::tls
