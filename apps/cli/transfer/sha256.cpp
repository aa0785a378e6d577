#include "transfer/sha256.hpp"

#include <openssl/evp.h>

#include <fmt/format.h>

#include <ieum/detail/assert.hpp>

namespace ieum::cli {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* freed) const noexcept { EVP_MD_CTX_free(freed); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  const bool begun = EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1;
  IEUM_ASSERT(begun, "OpenSSL has SHA-256");
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> data) {
  EVP_DigestUpdate(state_->context.get(), data.data(), data.size());
}

Sha256::Digest Sha256::digest() const {
  const State copy;
  Digest digest{};
  EVP_MD_CTX_copy_ex(copy.context.get(), state_->context.get());
  EVP_DigestFinal_ex(copy.context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string to_hex(const Sha256::Digest& digest) {
  std::string text;
  for (const std::byte one : digest) text += fmt::format("{:02x}", std::to_integer<unsigned>(one));
  return text;
}

}  // namespace ieum::cli
