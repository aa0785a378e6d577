// The host of a URL: a name, an IPv4 address in any of its forms, or an IPv6 address in brackets.
#pragma once

#include <string>
#include <string_view>

#include <ieum/result.hpp>

namespace ieum::http {

/// `text` as in a URL, not empty; the host in its normal form. Error: `invalid_argument`, whose
/// detail alone says what is wrong.
Result<std::string> parse_url_host(std::string_view text);

}  // namespace ieum::http
