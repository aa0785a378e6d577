// Reply: what a server answered, and its body as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ieum/http/fields.hpp>
#include <ieum/http/status.hpp>
#include <ieum/http/url.hpp>
#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

class Client;

namespace detail {
class ClientExchange;
}

/// The body of a reply, pulled: what is not read is not received, beyond what the system buffers.
/// One operation at a time. It belongs to its reply.
///
/// Errors of all operations: `Errc::cut_off`, the connection ended in the middle of it, so that its
/// end is missing; `timed_out` (`RequestOptions::idle_timeout` or `timeout`); `protocol_error`,
/// what came is against the rules; `Errc::limit_exceeded`
/// (`RequestOptions::decoded_bytes_max`). After an error there is no more of it.
class ReplyBody {
 public:
  /// The next piece, at least 1 byte, valid until the next call on the body; empty at the end. The
  /// end is told only of a body that has come as a whole.
  [[nodiscard]] Task<ConstBuffer> next();
  /// The same, and where nothing is to be undone (chunks, a coding) it is received into `into`, at
  /// least a byte, which must live as long: one buffer of large bodies stays in the processor's
  /// cache.
  [[nodiscard]] Task<ConstBuffer> next(std::span<std::byte> into);
  /// All that is left of it. Further error: `Errc::limit_exceeded` (more than `bytes_max`).
  [[nodiscard]] Task<std::string> text(std::size_t bytes_max = std::size_t{16} * 1024 * 1024);
  /// Writes all that is left to `to`, and gives the number of bytes.
  [[nodiscard]] Task<std::uint64_t> write_to(Stream& to);
  /// Reads what is left and throws it away, so that the connection can be used again; of more than
  /// `bytes_max` it closes the connection instead, as the reply's destructor does of any rest.
  [[nodiscard]] Task<> discard(std::size_t bytes_max = std::size_t{256} * 1024);

  /// How long it is, as the server says; none: not known, or it is decoded on its way.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept;
  /// The fields behind it, once it has ended.
  [[nodiscard]] const Fields& trailers() const noexcept;

 private:
  friend class Reply;
  explicit ReplyBody(detail::ClientExchange* exchange) noexcept : exchange_(exchange) {}
  detail::ClientExchange* exchange_;
};

/// What a server answered: its head has come, its body comes as it is read. Whatever the status,
/// this is no error.
///
/// It holds its connection until the body has been read to its end: then the client may use the
/// connection again. Destroyed before, it closes the connection. It may outlive the client, not the
/// runtime.
class Reply {
 public:
  /// None.
  Reply() noexcept;
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;
  ~Reply();

  [[nodiscard]] Status status() const noexcept;
  /// 200 to 299.
  [[nodiscard]] bool is_success() const noexcept { return http::is_success(status()); }
  /// Without `Content-Encoding` and `Content-Length` if the body is decoded on its way.
  [[nodiscard]] const Fields& fields() const noexcept;
  /// The first value of a field; empty if there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
  /// Which was asked for in the end, after redirects.
  [[nodiscard]] const Url& url() const noexcept;
  /// How many redirects were followed.
  [[nodiscard]] unsigned redirects() const noexcept;
  /// Of HTTP/1: 0 or 1.
  [[nodiscard]] unsigned minor_version() const noexcept;
  [[nodiscard]] ReplyBody& body() noexcept { return body_; }

 private:
  friend class Client;
  explicit Reply(std::unique_ptr<detail::ClientExchange> exchange) noexcept;
  std::unique_ptr<detail::ClientExchange> exchange_;
  ReplyBody body_;
};

}  // namespace ieum::http
#pragma GCC visibility pop
