// Request: what a client asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/address.hpp>
#include <ieum/http/body.hpp>
#include <ieum/http/fields.hpp>
#include <ieum/http/method.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

enum class Version : std::uint8_t { http10, http11 };

/// A request, as a handler sees it. Lives until its response has been sent, so that a function that
/// streams the response may use it too. Views into it are valid as long.
class Request {
 public:
  [[nodiscard]] Method method() const noexcept;
  /// As it came; of `Method::other`, too.
  [[nodiscard]] std::string_view method_name() const noexcept;
  /// As it came: a path with its query, or a whole URL.
  [[nodiscard]] std::string_view target() const noexcept;
  /// The path, percent-encoded as it came; `*` of `OPTIONS *`.
  [[nodiscard]] std::string_view path() const noexcept;
  /// What stands for `{name}` in the route's pattern, decoded; empty if that has no such part.
  [[nodiscard]] const std::string& path(std::string_view name) const noexcept;
  /// What follows the question mark, as it came.
  [[nodiscard]] std::string_view query() const noexcept;
  /// The first value of this name in the query, decoded as a form's; none if there is none.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  /// Host and port that are asked for, from the target or from Host; may be empty.
  [[nodiscard]] std::string_view authority() const noexcept;
  [[nodiscard]] Version version() const noexcept;

  [[nodiscard]] const Fields& fields() const noexcept;
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept {
    return fields().get(name);
  }
  [[nodiscard]] RequestBody& body() noexcept;

  /// Who is at the other end of the connection.
  [[nodiscard]] const Address& peer() const noexcept;
  /// Whom the request comes from: the peer, or who is named by the proxies that were configured
  /// (`Routes::trust`); without a port then.
  [[nodiscard]] const Address& client() const noexcept;
  /// `http` or `https`, by whom the connection was made, or as such a proxy says.
  [[nodiscard]] std::string_view scheme() const noexcept;

  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

 private:
  friend class detail::Exchange;
  explicit Request(detail::Exchange& exchange) noexcept : exchange_(exchange) {}
  detail::Exchange& exchange_;
};

}  // namespace ieum::http
#pragma GCC visibility pop
