#include "tls/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <span>

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

/// Where the keys are, what they leave behind is seen.
TEST(TicketKeys, leave_nothing_behind) {
  alignas(TicketKeys) std::array<std::byte, sizeof(TicketKeys)> memory{};
  auto* const keys = new (memory.data()) TicketKeys;
  const Clock::time_point start = Clock::now();
  const auto is_there = [&](const Ticket& ticket) {
    const auto name = std::as_bytes(std::span(ticket.name));
    return !std::ranges::search(memory, name).empty();
  };
  const Ticket first = seal(*keys, start);
  EXPECT_TRUE(is_there(first)) << "it stands beside the secrets";
  const Ticket second = seal(*keys, start + TicketKeys::period + 1h);
  EXPECT_TRUE(is_there(first)) << "still opened";
  const Ticket third = seal(*keys, start + 20 * TicketKeys::period);
  EXPECT_FALSE(is_there(first));
  EXPECT_FALSE(is_there(second));
  EXPECT_TRUE(is_there(third));
  std::destroy_at(keys);
  EXPECT_FALSE(is_there(third));
}

TEST(TicketKeys, of_another_server_open_nothing) {
  TicketKeys keys;
  TicketKeys others;
  const Clock::time_point now = Clock::now();
  EXPECT_EQ(open(others, seal(keys, now), now), 0);
}

}  // namespace
}  // namespace ieum::tls
