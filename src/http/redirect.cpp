// Redirects (RFC 9110, section 15.4).
#include "http/redirect.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "http/syntax.hpp"

namespace ieum::http::detail {

namespace {

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept {
  return std::ranges::any_of(
      names, [name](std::string_view one) { return equal_ignoring_case(name, one); });
}

Failure refuse(const Url& from, std::errc code, std::string_view why) {
  return fail(Error(code, "redirect from").with_name(from.origin()).with_detail(why));
}

}  // namespace

Result<std::optional<Redirect>> redirect_of(const Url& from, std::string_view method, Status status,
                                            const Fields& fields, bool may_leave_tls) {
  const bool keeps_method =
      status == Status::temporary_redirect || status == Status::permanent_redirect;
  if (!keeps_method && status != Status::moved_permanently && status != Status::found &&
      status != Status::see_other) {
    return std::nullopt;
  }
  const std::optional<std::string_view> location = fields.get("location");
  if (!location) return std::nullopt;
  if (fields.count("location") > 1) {
    return refuse(from, std::errc::protocol_error, "it has two Locations");
  }
  Result<Url> to = from.resolve(*location);
  if (!to) {
    return refuse(from, std::errc::operation_not_permitted,
                  "not followed: " + std::string(to.error().detail()));
  }
  if (to->scheme() != Url::Scheme::http && to->scheme() != Url::Scheme::https) {
    return refuse(from, std::errc::operation_not_permitted, "not followed: it is to a WebSocket");
  }
  if (from.is_secure() && !to->is_secure() && !may_leave_tls) {
    return refuse(from, std::errc::operation_not_permitted,
                  "not followed from https to http; see may_leave_tls");
  }
  Redirect redirect{.url = *std::move(to)};
  redirect.url.remove_credentials();
  if (!redirect.url.fragment()) redirect.url.set_fragment(from.fragment());
  redirect.is_other_origin = !redirect.url.has_same_origin(from);
  redirect.becomes_get =
      status == Status::see_other ? method != "HEAD" : !keeps_method && method == "POST";
  return redirect;
}

bool is_for_one_origin(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> names = {"authorization", "cookie", "cookie2",
                                                     "proxy-authorization", "host"};
  return is_one_of(name, names);
}

bool is_of_content(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 6> names = {"content-type",     "content-encoding",
                                                     "content-language", "content-location",
                                                     "content-range",    "digest"};
  return is_one_of(name, names);
}

}  // namespace ieum::http::detail
