// ContentDecoder: by zlib and libbrotli, as far as the library is built with them.
#include "http/coding.hpp"

#ifdef IEUM_HAS_ZLIB
#define ZLIB_CONST
#include <zlib.h>
#endif
#ifdef IEUM_HAS_BROTLI
#include <brotli/decode.h>
#endif

#include <algorithm>
#include <array>

#include "http/syntax.hpp"

namespace ieum::http::detail {

namespace {

#if defined(IEUM_HAS_ZLIB) || defined(IEUM_HAS_BROTLI)
Failure damaged(std::string_view why) {
  return fail(Error(std::errc::protocol_error, "decode content").with_detail(why));
}
#endif

#ifdef IEUM_HAS_ZLIB

/// gzip, of which several members may follow each other; and deflate, which is zlib's format by the
/// rules (RFC 9110, section 8.4.1.2) and nothing but deflate by some servers.
class Inflater final : public ContentDecoder {
 public:
  explicit Inflater(Coding coding) noexcept : coding_(coding) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() override {
    if (is_open_) inflateEnd(&stream_);
  }

  Result<Step> decode(ConstBuffer input, std::span<std::byte> output) override {
    Step step;
    if (!is_open_) {
      while (first_size_ < first_.size() && step.used < input.size()) {
        first_[first_size_++] = static_cast<Bytef>(input[step.used++]);
      }
      if (first_size_ < first_.size()) return step;
      if (!open()) return fail(std::errc::not_enough_memory, "decode content");
      const Result<Step> begun = inflate_some(std::as_bytes(std::span(first_)), output);
      if (!begun) return begun;
      step.given = begun->given;
    }
    if (has_ended_ && step.used < input.size()) {
      if (coding_ != Coding::gzip) return damaged("something follows the content's end");
      inflateReset(&stream_);
      has_ended_ = false;
    }
    const Result<Step> more = inflate_some(input.subspan(step.used), output.subspan(step.given));
    if (!more) return more;
    step.used += more->used;
    step.given += more->given;
    return step;
  }

  [[nodiscard]] bool is_complete() const noexcept override {
    return has_ended_ || first_size_ == 0;
  }

 private:
  bool open() noexcept {
    const bool has_zlib_head =
        (first_[0] & 0xfU) == 8 && ((unsigned{first_[0]} << 8U) | first_[1]) % 31 == 0;
    const int window = coding_ == Coding::gzip ? 16 + MAX_WBITS
                       : has_zlib_head         ? MAX_WBITS
                                               : -MAX_WBITS;
    is_open_ = inflateInit2(&stream_, window) == Z_OK;
    return is_open_;
  }

  Result<Step> inflate_some(ConstBuffer input, std::span<std::byte> output) {
    constexpr std::size_t most = std::size_t{1} << 30U;
    if (output.empty() || has_ended_) return Step{};
    const auto input_size = static_cast<uInt>(std::min(input.size(), most));
    const auto output_size = static_cast<uInt>(std::min(output.size(), most));
    stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream_.avail_in = input_size;
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = output_size;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) return fail(std::errc::not_enough_memory, "decode content");
    if (result == Z_STREAM_END) has_ended_ = true;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return damaged(coding_ == Coding::gzip ? "its gzip coding is damaged"
                                             : "its deflate coding is damaged");
    }
    return Step{input_size - stream_.avail_in, output_size - stream_.avail_out};
  }

  Coding coding_;
  bool is_open_ = false;
  bool has_ended_ = false;
  std::array<Bytef, 2> first_{};  // which tell what it is
  std::size_t first_size_ = 0;
  z_stream stream_{};
};

#endif
#ifdef IEUM_HAS_BROTLI

class Unbrotli final : public ContentDecoder {
 public:
  explicit Unbrotli(BrotliDecoderState* state) noexcept : state_(state) {}
  Unbrotli(const Unbrotli&) = delete;
  Unbrotli& operator=(const Unbrotli&) = delete;
  ~Unbrotli() override { BrotliDecoderDestroyInstance(state_); }

  Result<Step> decode(ConstBuffer input, std::span<std::byte> output) override {
    has_begun_ = has_begun_ || !input.empty();
    if (BrotliDecoderIsFinished(state_) != 0) {
      if (!input.empty()) return damaged("something follows the content's end");
      return Step{};
    }
    std::size_t input_left = input.size();
    std::size_t output_left = output.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
    auto* out = reinterpret_cast<std::uint8_t*>(output.data());
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_, &input_left, &in, &output_left, &out, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) return damaged("its br coding is damaged");
    return Step{input.size() - input_left, output.size() - output_left};
  }

  [[nodiscard]] bool is_complete() const noexcept override {
    return !has_begun_ || BrotliDecoderIsFinished(state_) != 0;
  }

 private:
  BrotliDecoderState* state_;
  bool has_begun_ = false;
};

#endif

}  // namespace

std::optional<ContentDecoder::Coding> ContentDecoder::coding_of(std::string_view name) noexcept {
#ifdef IEUM_HAS_ZLIB
  if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) {
    return Coding::gzip;
  }
  if (equal_ignoring_case(name, "deflate")) return Coding::deflate;
#endif
#ifdef IEUM_HAS_BROTLI
  if (equal_ignoring_case(name, "br")) return Coding::brotli;
#endif
  static_cast<void>(name);
  return std::nullopt;
}

std::string_view ContentDecoder::accepted() noexcept {
#if defined(IEUM_HAS_ZLIB) && defined(IEUM_HAS_BROTLI)
  return "gzip, deflate, br";
#elif defined(IEUM_HAS_ZLIB)
  return "gzip, deflate";
#elif defined(IEUM_HAS_BROTLI)
  return "br";
#else
  return {};
#endif
}

Result<std::unique_ptr<ContentDecoder>> ContentDecoder::make(Coding coding) {
#ifdef IEUM_HAS_BROTLI
  if (coding == Coding::brotli) {
    BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    if (state == nullptr) return fail(std::errc::not_enough_memory, "decode content");
    return std::make_unique<Unbrotli>(state);
  }
#endif
#ifdef IEUM_HAS_ZLIB
  return std::make_unique<Inflater>(coding);
#else
  static_cast<void>(coding);
  return fail(std::errc::operation_not_supported, "decode content");
#endif
}

}  // namespace ieum::http::detail
