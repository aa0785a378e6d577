// TicketKeys: what a server seals its session tickets with.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include <openssl/ssl.h>

namespace ieum::tls {

/// Two keys: new tickets are sealed with the first, those of the second are still opened. So what a
/// key has sealed is secret again after twice the period at most. Any thread.
class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours period{6};

  TicketKeys() noexcept = default;
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// For the callback of `SSL_CTX_set_tlsext_ticket_key_evp_cb`, with its arguments and answers.
  int seal_or_open(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* authentication, bool seal, Clock::time_point now) noexcept;

 private:
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> encryption{};
    std::array<unsigned char, 32> authentication{};
    Clock::time_point made;
    Key() noexcept = default;
    Key(const Key&) noexcept = default;
    Key& operator=(const Key&) noexcept = default;
    ~Key();  // wipes it
  };
  bool rotate(Clock::time_point now) noexcept;

  std::mutex mutex_;
  std::optional<Key> current_;
  std::optional<Key> previous_;
};

}  // namespace ieum::tls
