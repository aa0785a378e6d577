// ContentDecoder: the content codings gzip, deflate and br (RFC 9110, section 8.4.1), undone as
// they come. A pure function over bytes; zlib and libbrotli do the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <ieum/operation.hpp>
#include <ieum/result.hpp>

namespace ieum::http::detail {

class ContentDecoder {
 public:
  enum class Coding : std::uint8_t { gzip, deflate, brotli };
  struct Step {
    std::size_t used = 0;   ///< of the input
    std::size_t given = 0;  ///< of the output; when it is full, there may be more
  };

  /// None: it has another name, or the library is built without it.
  [[nodiscard]] static std::optional<Coding> coding_of(std::string_view name) noexcept;
  /// For `Accept-Encoding`; empty if there is none.
  [[nodiscard]] static std::string_view accepted() noexcept;
  /// Error: `not_enough_memory`.
  [[nodiscard]] static Result<std::unique_ptr<ContentDecoder>> make(Coding coding);

  virtual ~ContentDecoder() = default;
  /// Decodes what fits. With an empty input it gives what it still holds. Error: `protocol_error`,
  /// this is not the coding; decode no more.
  [[nodiscard]] virtual Result<Step> decode(ConstBuffer input, std::span<std::byte> output) = 0;
  /// The coding's own end has come, or nothing at all.
  [[nodiscard]] virtual bool is_complete() const noexcept = 0;
};

}  // namespace ieum::http::detail
