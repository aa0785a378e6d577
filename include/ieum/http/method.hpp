// Method: what a request asks to be done.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)
namespace ieum::http {

/// RFC 9110, section 9, and RFC 5789. `other`: a token that is none of these.
enum class Method : std::uint8_t {
  other,
  get,
  head,
  post,
  put,
  delete_,
  connect,
  options,
  trace,
  patch,
};

/// `GET`; empty of `other`.
[[nodiscard]] std::string_view to_string(Method method) noexcept;
/// Names of methods are compared exactly.
[[nodiscard]] Method method_of(std::string_view name) noexcept;

/// Asks for nothing to be changed (RFC 9110, section 9.2.1).
[[nodiscard]] constexpr bool is_safe(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::options ||
         method == Method::trace;
}
/// Twice is as good as once (section 9.2.2), so that it may be sent again.
[[nodiscard]] constexpr bool is_idempotent(Method method) noexcept {
  return is_safe(method) || method == Method::put || method == Method::delete_;
}

}  // namespace ieum::http
#pragma GCC visibility pop
