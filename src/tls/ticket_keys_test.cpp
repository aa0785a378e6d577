#include "tls/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include <openssl/evp.h>

namespace ieum::tls {
namespace {

using Clock = TicketKeys::Clock;
using namespace std::chrono_literals;

struct Sealing {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher{EVP_CIPHER_CTX_new(),
                                                                         &EVP_CIPHER_CTX_free};
  std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                        &EVP_MAC_free};
  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> authentication{
      EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free};
};

struct Ticket {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 16> iv{};
};

Ticket seal(TicketKeys& keys, Clock::time_point now) {
  const Sealing sealing;
  Ticket ticket;
  EXPECT_EQ(keys.seal_or_open(ticket.name.data(), ticket.iv.data(), sealing.cipher.get(),
                              sealing.authentication.get(), true, now),
            1);
  return ticket;
}
int open(TicketKeys& keys, Ticket ticket, Clock::time_point now) {
  const Sealing sealing;
  return keys.seal_or_open(ticket.name.data(), ticket.iv.data(), sealing.cipher.get(),
                           sealing.authentication.get(), false, now);
}

TEST(TicketKeys, open_what_they_have_sealed_until_it_is_old) {
  TicketKeys keys;
  const Clock::time_point start = Clock::now();
  const Ticket ticket = seal(keys, start);
  EXPECT_EQ(open(keys, ticket, start + 1h), 1);
  EXPECT_EQ(open(keys, ticket, start + TicketKeys::period + 1s), 2) << "it is renewed";
  EXPECT_NE(seal(keys, start + TicketKeys::period + 2s).name, ticket.name);
  EXPECT_EQ(open(keys, ticket, start + 2 * TicketKeys::period - 1s), 2);
  EXPECT_EQ(open(keys, ticket, start + 2 * TicketKeys::period + 1s), 0);
}

TEST(TicketKeys, of_a_long_silence_are_not_kept) {
  TicketKeys keys;
  const Clock::time_point start = Clock::now();
  const Ticket ticket = seal(keys, start);
  EXPECT_EQ(open(keys, ticket, start + 5 * TicketKeys::period), 0);
}

TEST(TicketKeys, of_another_server_open_nothing) {
  TicketKeys keys;
  TicketKeys others;
  const Clock::time_point now = Clock::now();
  EXPECT_EQ(open(others, seal(keys, now), now), 0);
}

}  // namespace
}  // namespace ieum::tls
