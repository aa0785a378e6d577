// Credentials: certificates and keys from files.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "tls/context_state.hpp"

namespace ieum::tls {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{16} << 20U;

Failure refused(const char* operation, const std::string& name, std::string_view detail) {
  return fail(Error(std::errc::invalid_argument, operation).with_name(name).with_detail(detail));
}

/// Instead of asking on the terminal, which OpenSSL does by itself.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* asked) noexcept {
  *static_cast<bool*>(asked) = true;
  return 0;
}

Result<KeyPointer> parse_key(std::string_view pem, const std::string& file) {
  const ErrorScope errors;
  const BioPointer memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool is_encrypted = false;
  KeyPointer key(PEM_read_bio_PrivateKey(memory.get(), nullptr, &no_password, &is_encrypted));
  if (key != nullptr) return key;
  return refused("load key", file,
                 is_encrypted ? "it is encrypted with a password" : "there is no key in it");
}

}  // namespace

Result<std::string> read_file(const std::string& path, const char* operation) {
  const auto failed = [&](int number) {
    return fail(Error::from_errno(number, operation).with_name(path));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failed(errno);
  std::string content(std::size_t{16} * 1024, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == content.size()) {  // by hand: what it was is wiped
      std::string larger(2 * size, '\0');
      std::ranges::copy(content, larger.begin());
      content.swap(larger);
      OPENSSL_cleanse(larger.data(), larger.size());
    }
    const ssize_t count = ::read(descriptor, content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    const int number = count < 0 ? errno : size > file_bytes_max ? EFBIG : 0;
    if (count > 0 && number == 0) {
      size += static_cast<std::size_t>(count);
      continue;
    }
    ::close(descriptor);
    if (number != 0) {
      OPENSSL_cleanse(content.data(), content.size());
      return failed(number);
    }
    content.resize(size);
    return content;
  }
}

Result<std::vector<X509Pointer>> parse_certificates(std::string_view pem, const std::string& what) {
  std::vector<X509Pointer> all;
  const ErrorScope errors;
  const BioPointer memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool is_encrypted = false;
  for (;;) {
    X509Pointer next(PEM_read_bio_X509_AUX(memory.get(), nullptr, &no_password, &is_encrypted));
    if (next == nullptr) break;
    all.push_back(std::move(next));
  }
  const bool at_end = is_first_error(ERR_LIB_PEM, PEM_R_NO_START_LINE);
  if (all.empty()) return refused("load certificate", what, "there is no certificate in it");
  if (!at_end) return refused("load certificate", what, "one of its certificates is damaged");
  return all;
}

Result<Credentials> load_credentials(const std::string& certificate_file,
                                     const std::string& key_file) {
  Result<std::string> pem = read_file(certificate_file, "load certificate");
  if (!pem) return fail(pem.error());
  const Wiped wipe_pem{*pem};  // it may hold the key too
  Result<std::string> key_pem = read_file(key_file, "load key");
  if (!key_pem) return fail(key_pem.error());
  const Wiped wipe_key{*key_pem};
  Result<std::vector<X509Pointer>> certificates = parse_certificates(*pem, certificate_file);
  if (!certificates) return fail(certificates.error());
  Result<KeyPointer> key = parse_key(*key_pem, key_file);
  if (!key) return fail(key.error());
  Credentials credentials;
  credentials.certificate = std::move(certificates->front());
  certificates->erase(certificates->begin());
  credentials.chain = *std::move(certificates);
  credentials.key = *std::move(key);
  const ErrorScope errors;
  if (X509_check_private_key(credentials.certificate.get(), credentials.key.get()) != 1) {
    return refused("load key", key_file, "it is not the key of " + certificate_file);
  }
  return credentials;
}

Credentials copy_of(const Credentials& credentials) {
  const auto same = [](const X509Pointer& certificate) {
    X509_up_ref(certificate.get());
    return X509Pointer(certificate.get());
  };
  Credentials copy;
  copy.certificate = same(credentials.certificate);
  for (const X509Pointer& each : credentials.chain) copy.chain.push_back(same(each));
  EVP_PKEY_up_ref(credentials.key.get());
  copy.key.reset(credentials.key.get());
  copy.stapled = credentials.stapled;
  return copy;
}

namespace {

void free_stack(STACK_OF(X509) * stack) noexcept { sk_X509_free(stack); }
using StackPointer = std::unique_ptr<STACK_OF(X509), Freed<free_stack>>;

/// Null for want of memory.
StackPointer stack_of(const std::vector<X509Pointer>& certificates) noexcept {
  StackPointer stack(sk_X509_new_null());
  for (const X509Pointer& each : certificates) {
    if (stack != nullptr && sk_X509_push(stack.get(), each.get()) == 0) stack.reset();
  }
  return stack;
}

}  // namespace

bool use(SSL& ssl, const Credentials& credentials) noexcept {
  const StackPointer chain = stack_of(credentials.chain);
  return chain != nullptr && SSL_use_cert_and_key(&ssl, credentials.certificate.get(),
                                                  credentials.key.get(), chain.get(), 1) == 1;
}

Result<> use_in(SSL_CTX& context, const Credentials& credentials, const std::string& file) {
  const StackPointer chain = stack_of(credentials.chain);
  if (chain == nullptr) return fail(std::errc::not_enough_memory, "load certificate");
  const ErrorScope errors;
  if (SSL_CTX_use_cert_and_key(&context, credentials.certificate.get(), credentials.key.get(),
                               chain.get(), 1) == 1) {
    return {};
  }
  return refused("load certificate", file, first_reason());
}

bool is_ocsp_response(std::string_view der) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const ErrorScope errors;
  const std::unique_ptr<OCSP_RESPONSE, Freed<OCSP_RESPONSE_free>> response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  return response != nullptr && at == end;
}

Result<std::string> parse_alpn(std::string_view protocols) {
  std::string wire;
  for (;;) {
    const std::size_t comma = std::min(protocols.find(','), protocols.size());
    if (comma == 0 || comma > 255) {
      return refused("set ALPN", std::string(protocols.substr(0, comma)),
                     "a protocol's name has 1 to 255 bytes");
    }
    wire += static_cast<char>(comma);
    wire += protocols.substr(0, comma);
    if (comma == protocols.size()) return wire;
    protocols.remove_prefix(comma + 1);
  }
}

Result<std::shared_ptr<KeyLog>> KeyLog::open(const std::string& path) {
  constexpr int mode = 0600;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode);
  if (descriptor < 0) return fail(Error::from_errno(errno, "open key log").with_name(path));
  return std::make_shared<KeyLog>(descriptor);
}

KeyLog::~KeyLog() { ::close(descriptor_); }

/// One call a line, which O_APPEND puts behind all others.
void KeyLog::write(std::string_view line) noexcept {
  try {
    std::string text;
    const Wiped wipe{text};
    text.reserve(line.size() + 1);
    text.append(line).append(1, '\n');
    static_cast<void>(!::write(descriptor_, text.data(), text.size()));
  } catch (const std::bad_alloc&) {  // then without it
  }
}

}  // namespace ieum::tls
