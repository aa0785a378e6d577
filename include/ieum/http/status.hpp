// Status: how a request ended.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)
namespace ieum::http {

/// RFC 9110, section 15, and others; any number from 100 to 999 may be cast to it.
enum class Status : std::uint16_t {
  continue_ = 100,
  switching_protocols = 101,
  early_hints = 103,
  ok = 200,
  created = 201,
  accepted = 202,
  non_authoritative = 203,
  no_content = 204,
  reset_content = 205,
  partial_content = 206,
  multiple_choices = 300,
  moved_permanently = 301,
  found = 302,
  see_other = 303,
  not_modified = 304,
  temporary_redirect = 307,
  permanent_redirect = 308,
  bad_request = 400,
  unauthorized = 401,
  payment_required = 402,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  not_acceptable = 406,
  proxy_authentication_required = 407,
  request_timeout = 408,
  conflict = 409,
  gone = 410,
  length_required = 411,
  precondition_failed = 412,
  content_too_large = 413,
  uri_too_long = 414,
  unsupported_media_type = 415,
  range_not_satisfiable = 416,
  expectation_failed = 417,
  misdirected_request = 421,
  unprocessable_content = 422,
  too_early = 425,
  upgrade_required = 426,
  precondition_required = 428,
  too_many_requests = 429,
  header_fields_too_large = 431,
  unavailable_for_legal_reasons = 451,
  internal_server_error = 500,
  not_implemented = 501,
  bad_gateway = 502,
  service_unavailable = 503,
  gateway_timeout = 504,
  version_not_supported = 505,
};

[[nodiscard]] constexpr std::uint16_t number(Status status) noexcept {
  return static_cast<std::uint16_t>(status);
}
[[nodiscard]] constexpr bool is_informational(Status status) noexcept {
  return number(status) / 100 == 1;
}
[[nodiscard]] constexpr bool is_success(Status status) noexcept {
  return number(status) / 100 == 2;
}
[[nodiscard]] constexpr bool is_error(Status status) noexcept { return number(status) >= 400; }
/// Such a response has no content, whatever its fields say: 1xx, 204, 304 (RFC 9112, section 6.3).
[[nodiscard]] constexpr bool is_without_content(Status status) noexcept {
  return is_informational(status) || status == Status::no_content || status == Status::not_modified;
}

/// `Not Found`; of one that is not named above, empty.
[[nodiscard]] std::string_view reason_phrase(Status status) noexcept;

}  // namespace ieum::http
#pragma GCC visibility pop
