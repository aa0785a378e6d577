// Deflate, Inflate: permessage-deflate (RFC 7692): a message's payload compressed and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::websocket::detail {

/// What both sides have agreed on.
struct DeflateParameters {
  std::uint8_t our_window_bits = 15;    ///< of what we compress: 9 to 15
  std::uint8_t their_window_bits = 15;  ///< of what they compress
  bool we_forget = false;               ///< no context takeover: each message by itself
  bool they_forget = false;
};

/// Compresses and inflates for one connection. Memory, about 40 KiB for the one and 10 KiB more
/// than a window for the other, is taken at the first use of each.
class Deflater {
 public:
  Deflater(const DeflateParameters& parameters, int memory_level);
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  /// A whole message; appends what it becomes. False: there was no memory.
  bool compress(ConstBuffer message, std::string& to);

  enum class Inflated : std::uint8_t { good, malformed, too_long, no_memory };
  /// A piece of a message; appends what it becomes, at most until `to` has `bytes_max` bytes.
  Inflated inflate(ConstBuffer piece, std::string& to, std::size_t bytes_max);
  /// The same of the message's end.
  Inflated finish(std::string& to, std::size_t bytes_max);

  [[nodiscard]] const DeflateParameters& parameters() const noexcept { return parameters_; }

 private:
  struct Streams;
  Inflated inflate_some(ConstBuffer piece, std::string& to, std::size_t bytes_max);
  DeflateParameters parameters_;
  int memory_level_;
  bool has_ended_ = false;  // the peer's last block was the stream's: the next one begins anew
  std::unique_ptr<Streams> streams_;
};

/// Whether another one would stay within what deflaters of this thread may take together.
[[nodiscard]] bool has_room(const DeflateParameters& parameters, int memory_level,
                            std::size_t budget_bytes) noexcept;

}  // namespace ieum::websocket::detail
