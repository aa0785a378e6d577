// Redirects: where an answer sends a client, and with which request. Pure functions.
#pragma once

#include <optional>
#include <string_view>

#include <ieum/http/fields.hpp>
#include <ieum/http/status.hpp>
#include <ieum/http/url.hpp>

namespace ieum::http::detail {

struct Redirect {
  Url url;                       ///< without credentials
  bool becomes_get = false;      ///< and carries no content
  bool is_other_origin = false;  ///< which must not get credentials and cookies
};

/// None: the answer is no redirect, or says nothing of where to. Errors: `operation_not_permitted`,
/// it leads to where none is followed; `protocol_error`, it leads nowhere.
[[nodiscard]] Result<std::optional<Redirect>> redirect_of(const Url& from, std::string_view method,
                                                          Status status, const Fields& fields,
                                                          bool may_leave_tls);

/// Whether a field must not go to another origin than the one that it was meant for.
[[nodiscard]] bool is_for_one_origin(std::string_view name) noexcept;
/// Whether a field says something of the content.
[[nodiscard]] bool is_of_content(std::string_view name) noexcept;

}  // namespace ieum::http::detail
