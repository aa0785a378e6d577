// permessage-deflate: what was compressed comes back, whatever the parameters and the pieces; and
// anything that a peer may send instead inflates to no more than is allowed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "websocket/deflate.hpp"

using ieum::websocket::detail::DeflateParameters;
using ieum::websocket::detail::Deflater;

namespace {

constexpr std::size_t bytes_max = 200'000;

Deflater::Inflated inflate(Deflater& deflater, std::string_view message, std::size_t piece,
                           std::string& to) {
  for (; !message.empty(); message.remove_prefix(std::min(piece, message.size()))) {
    const ieum::ConstBuffer some = std::as_bytes(std::span(message.substr(0, piece)));
    const Deflater::Inflated inflated = deflater.inflate(some, to, bytes_max);
    if (to.size() > bytes_max + 1) std::abort();
    if (inflated != Deflater::Inflated::good) return inflated;
  }
  return deflater.finish(to, bytes_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size < 4) return 0;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(data[i]); };
  DeflateParameters ours;
  ours.our_window_bits = static_cast<std::uint8_t>(9 + at(0) % 7);
  ours.we_forget = (at(0) & 8U) != 0;
  ours.their_window_bits = static_cast<std::uint8_t>(9 + at(1) % 7);
  ours.they_forget = (at(1) & 8U) != 0;
  DeflateParameters theirs;
  theirs.their_window_bits = ours.our_window_bits;
  theirs.they_forget = ours.we_forget;
  const int memory_level = 1 + at(2) % 9;
  const std::size_t piece = 1 + at(3);
  Deflater sender(ours, memory_level);
  Deflater receiver(theirs, memory_level);
  std::string_view rest(data + 4, size - 4);
  // Several messages: the window goes on from one to the next.
  while (!rest.empty()) {
    const std::size_t length = 1 + static_cast<unsigned char>(rest[0]) * rest.size() / 256;
    const std::string_view message = rest.substr(0, length);
    rest.remove_prefix(message.size());
    std::string compressed;
    std::string back;
    if (!sender.compress(std::as_bytes(std::span(message)), compressed)) std::abort();
    if (inflate(receiver, compressed, piece, back) != Deflater::Inflated::good) std::abort();
    if (back != message) std::abort();
  }
  std::string wild;
  for (int i = 0; i < 2; ++i) {
    wild.clear();
    const std::string_view message(data + 4, size - 4);
    if (inflate(sender, message, piece, wild) != Deflater::Inflated::good) break;
  }
  return 0;
}
