#include "accounts/secrets.hpp"

#include <sodium.h>

#include <array>
#include <cstddef>
#include <span>

#include <ieum/random_bytes.hpp>

namespace ieum::hub {

Result<std::string> random_text() {
  std::array<unsigned char, 24> bytes{};
  if (Result<> drawn = random_bytes(std::as_writable_bytes(std::span(bytes))); !drawn) {
    return fail(drawn.error());
  }
  std::string text(sodium_base64_ENCODED_LEN(24, sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the end of a C string
  return text;
}

std::string secret_hash(std::string_view secret) {
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), nullptr,
                     0);
  return hash;
}

}  // namespace ieum::hub
