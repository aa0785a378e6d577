#include "support/xor_stream.hpp"

namespace ieum::test {

void XorStream::turn(std::span<std::byte> bytes) const noexcept {
  for (std::byte& byte : bytes) byte ^= mask_;
}

}  // namespace ieum::test
