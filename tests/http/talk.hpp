// What the tests of HTTP share: a server on a stream or on a port, and a client that writes bytes.
#pragma once

#include <string>
#include <string_view>

#include <ieum/http/server.hpp>
#include <ieum/process.hpp>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// Sends `input` as it stands to a server of its own, says that it has finished, and gives all that
/// comes back, without the Date fields.
Task<std::string> talk_to(const http::Routes& routes, std::string input,
                          http::ServerOptions options = {});
/// The same in pieces of `piece` bytes.
Task<std::string> talk_in_pieces(const http::Routes& routes, std::string input, std::size_t piece,
                                 http::ServerOptions options = {});

/// A handler that answers with the number of bytes of the request's body.
Task<http::Response> count_body(http::Request& request);

/// Without the Date fields.
std::string without_dates(std::string_view text);

/// A request for `path`, with `more` among its fields.
std::string get(std::string_view path, std::string_view more = {});
std::string post(std::string_view path, std::string_view body, std::string_view more = {});

/// `200 OK` and the like: the statuses in a conversation, in their order.
std::string statuses(std::string_view text);

/// A program that says and hears nothing.
inline constexpr ProcessOptions silent{.input = ProcessOptions::Standard::null,
                                       .output = ProcessOptions::Standard::null,
                                       .error = ProcessOptions::Standard::null};

}  // namespace ieum::test
