// TicketKeys: AES-256-CBC and HMAC-SHA256, as RFC 5077, section 4, recommends; new keys in time.
#include "tls/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace ieum::tls {

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(name.data(), name.size());
  OPENSSL_cleanse(encryption.data(), encryption.size());
  OPENSSL_cleanse(authentication.data(), authentication.size());
}

/// False: there is nothing random to be had.
bool TicketKeys::rotate(Clock::time_point now) noexcept {
  if (previous_ && now - previous_->made >= 2 * period) previous_.reset();
  if (current_ && now - current_->made < period) return true;
  Key fresh;
  fresh.made = now;
  if (RAND_bytes(fresh.name.data(), static_cast<int>(fresh.name.size())) != 1 ||
      RAND_priv_bytes(fresh.encryption.data(), static_cast<int>(fresh.encryption.size())) != 1 ||
      RAND_priv_bytes(fresh.authentication.data(), static_cast<int>(fresh.authentication.size())) !=
          1) {
    return false;
  }
  if (current_ && now - current_->made < 2 * period) previous_ = current_;
  current_ = fresh;
  return true;
}

int TicketKeys::seal_or_open(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                             EVP_MAC_CTX* authentication, bool seal,
                             Clock::time_point now) noexcept {
  constexpr int error = -1;
  constexpr int not_ours = 0;
  constexpr int good = 1;
  constexpr int good_but_renew = 2;
  const std::lock_guard lock(mutex_);
  if (!rotate(now)) return error;
  Key* key = &*current_;
  if (seal) {
    std::ranges::copy(key->name, name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return error;
  } else if (std::memcmp(name, key->name.data(), key->name.size()) != 0) {
    if (!previous_ || std::memcmp(name, previous_->name.data(), previous_->name.size()) != 0) {
      return not_ours;
    }
    key = &*previous_;
  }
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->authentication.data(),
                                        key->authentication.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(authentication, parameters.data()) != 1 ||
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->encryption.data(), iv,
                        seal ? 1 : 0) != 1) {
    return error;
  }
  return key == &*current_ ? good : good_but_renew;
}

}  // namespace ieum::tls
