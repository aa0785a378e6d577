// permessage-deflate, by zlib.
#include "websocket/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace ieum::websocket::detail {

namespace {

thread_local std::size_t bytes_in_use = 0;

/// zlib's own account (zconf.h), of both directions.
std::size_t bytes_of(const DeflateParameters& parameters, int memory_level) noexcept {
  const std::size_t compressing = (std::size_t{1} << (parameters.our_window_bits + 2U)) +
                                  (std::size_t{1} << (static_cast<unsigned>(memory_level) + 9U));
  return compressing + (std::size_t{1} << parameters.their_window_bits) + std::size_t{8} * 1024;
}

constexpr std::size_t step_bytes = std::size_t{16} * 1024;
constexpr std::array<std::byte, 4> tail{std::byte{0}, std::byte{0}, std::byte{0xff},
                                        std::byte{0xff}};

}  // namespace

struct Deflater::Streams {
  z_stream out{};
  z_stream in{};
  bool has_out = false;
  bool has_in = false;
};

Deflater::Deflater(const DeflateParameters& parameters, int memory_level)
    : parameters_(parameters), memory_level_(memory_level), streams_(std::make_unique<Streams>()) {
  bytes_in_use += bytes_of(parameters_, memory_level_);
}

Deflater::~Deflater() {
  if (streams_->has_out) deflateEnd(&streams_->out);
  if (streams_->has_in) inflateEnd(&streams_->in);
  bytes_in_use -= bytes_of(parameters_, memory_level_);
}

bool has_room(const DeflateParameters& parameters, int memory_level,
              std::size_t budget_bytes) noexcept {
  return bytes_in_use + bytes_of(parameters, memory_level) <= budget_bytes;
}

bool Deflater::compress(ConstBuffer message, std::string& to) {
  z_stream& z = streams_->out;
  if (!streams_->has_out) {
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -parameters_.our_window_bits,
                     memory_level_, Z_DEFAULT_STRATEGY) != Z_OK) {
      return false;
    }
    streams_->has_out = true;
  }
  const std::size_t before = to.size();
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(message.data()));
  std::size_t left = message.size();
  do {
    z.avail_in = static_cast<uInt>(std::min<std::size_t>(left, std::size_t{1} << 30U));
    left -= z.avail_in;
    const int flush = left == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    do {
      const std::size_t size = to.size();
      to.resize(size + std::clamp<std::size_t>(message.size() / 2, 64, step_bytes));
      z.next_out = reinterpret_cast<Bytef*>(to.data() + size);
      z.avail_out = static_cast<uInt>(to.size() - size);
      deflate(&z, flush);
      to.resize(to.size() - z.avail_out);
    } while (z.avail_out == 0);
  } while (left > 0);
  // The flush ends with an empty block, whose last four bytes are left off (section 7.2.1).
  if (to.size() >= before + tail.size()) to.resize(to.size() - tail.size());
  if (parameters_.we_forget) deflateReset(&z);
  return true;
}

Deflater::Inflated Deflater::inflate_some(ConstBuffer piece, std::string& to,
                                          std::size_t bytes_max) {
  z_stream& z = streams_->in;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
  z.avail_in = static_cast<uInt>(piece.size());
  for (;;) {
    if (has_ended_) {  // a last block was there, and another one follows (section 7.2.3.4)
      if (z.avail_in == 0) return Inflated::good;
      inflateReset(&z);
      has_ended_ = false;
    }
    const std::size_t size = to.size();
    // One more than is allowed, so that it shows.
    const std::size_t room = std::min(step_bytes, bytes_max - size + 1);
    to.resize(size + room);
    z.next_out = reinterpret_cast<Bytef*>(to.data() + size);
    z.avail_out = static_cast<uInt>(room);
    const int answer = ::inflate(&z, Z_SYNC_FLUSH);
    to.resize(to.size() - z.avail_out);
    if (to.size() > bytes_max) return Inflated::too_long;
    if (answer == Z_STREAM_END) {
      has_ended_ = true;
      continue;
    }
    if (answer == Z_MEM_ERROR) return Inflated::no_memory;
    if (answer != Z_OK && answer != Z_BUF_ERROR) return Inflated::malformed;
    if (z.avail_out > 0 && z.avail_in == 0) return Inflated::good;
    if (answer == Z_BUF_ERROR && z.avail_out > 0) return Inflated::good;
  }
}

Deflater::Inflated Deflater::inflate(ConstBuffer piece, std::string& to, std::size_t bytes_max) {
  z_stream& z = streams_->in;
  if (!streams_->has_in) {
    if (inflateInit2(&z, -parameters_.their_window_bits) != Z_OK) return Inflated::no_memory;
    streams_->has_in = true;
  }
  while (!piece.empty()) {
    const ConstBuffer some = piece.first(std::min<std::size_t>(piece.size(), step_bytes));
    const Inflated inflated = inflate_some(some, to, bytes_max);
    if (inflated != Inflated::good) return inflated;
    piece = piece.subspan(some.size());
  }
  return Inflated::good;
}

Deflater::Inflated Deflater::finish(std::string& to, std::size_t bytes_max) {
  // After a last block there is nothing for the tail to end.
  if (!has_ended_) {
    const Inflated inflated = inflate(tail, to, bytes_max);
    if (inflated != Inflated::good) return inflated;
  }
  if (has_ended_ || parameters_.they_forget) {
    if (streams_->has_in) inflateReset(&streams_->in);
    has_ended_ = false;
  }
  return Inflated::good;
}

}  // namespace ieum::websocket::detail
