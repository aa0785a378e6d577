// What the HTTP benchmarks send: bytes that can be checked wherever a piece of them begins.
#pragma once

#include <cstddef>
#include <string>

namespace bench {

/// The byte at this place of every body.
constexpr char byte_of_body(std::size_t at) { return static_cast<char>('a' + at % 23); }

inline std::string body_of(std::size_t bytes) {
  std::string body(bytes, '\0');
  for (std::size_t at = 0; at < bytes; ++at) body[at] = byte_of_body(at);
  return body;
}

inline constexpr std::size_t short_body_bytes = 13;

}  // namespace bench
