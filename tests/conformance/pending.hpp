// A read and a write that are pending when something happens to their stream.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// A read and a write that wait until they end, and how they did.
struct Pending {
  std::array<std::byte, 16> buffer{};
  std::vector<std::byte> much = std::vector<std::byte>(std::size_t{8} << 20U);
  std::string read;
  std::string written;
};

template <class T>
std::string ending(const Result<T>& result) {
  return result ? "succeeded" : result.error().to_string();
}

inline Task<> pending_read(auto& socket, Pending& pending) {
  Result<std::size_t> result = co_await attempt(socket.read_some(pending.buffer));
  pending.read = ending(result);
}
inline Task<> pending_write(auto& socket, Pending& pending) {
  Result<> result = co_await attempt(socket.write_all(pending.much));
  pending.written = ending(result);
}

}  // namespace ieum::test
