// What every stream must do with bytes in pieces, be it a socket or a layer over one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// In pieces of every size; one in three gathered.
inline Task<> send_pieces(Stream& to, const std::vector<std::byte>& data, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  ConstBuffer left(data);
  while (!left.empty()) {
    const std::size_t size = std::min<std::size_t>(left.size(), 1 + random() % 100'000);
    const std::size_t half = random() % size;
    const std::array<ConstBuffer, 4> parts{left.first(half / 2),
                                           left.subspan(half / 2, half - half / 2), ConstBuffer(),
                                           left.subspan(half, size - half)};
    std::size_t gone = size;
    switch (random() % 3) {
      case 0: co_await to.write_all(parts); break;
      case 1: co_await to.write_all(left.first(size)); break;
      default: gone = co_await to.write_some(parts);
    }
    EXPECT_GT(gone, 0U);
    left = left.subspan(gone);
  }
  co_await to.shutdown_write();
}

/// By turns into a buffer of its own and into a leased one.
inline Task<std::string> receive_pieces(Stream& from, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string all;
  std::vector<std::byte> buffer(70'000);
  for (;;) {
    std::size_t count = 0;
    if (random() % 2 == 0) {
      count = co_await from.read_some(std::span(buffer).first(1 + random() % buffer.size()));
      all.append(reinterpret_cast<const char*>(buffer.data()), count);
    } else {
      if (random() % 2 == 0) co_await from.wait_readable();
      const Lease lease = co_await from.receive();
      all += lease.text();
      count = lease.size();
    }
    if (count == 0) co_return all;
  }
}

/// Though every read and write between them ends at once, other tasks have their turn.
inline Task<> expect_others_to_run_beside(Stream& client, Stream& server) {
  bool others_ran = false;
  auto others = [&]() -> Task<> {
    co_await yield();
    others_ran = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(others());
    for (int i = 0; i < 1000 && !others_ran; ++i) {
      co_await client.write_all("x");
      static_cast<void>(co_await read_text(server, 1));
    }
  };
  co_await with_group(body);
  EXPECT_TRUE(others_ran);
}

}  // namespace ieum::test
