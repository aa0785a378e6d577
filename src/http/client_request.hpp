// ClientRequest: what a program asks for, and the text of its head. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <ieum/http/client.hpp>

#include "http/head.hpp"

namespace ieum::http::detail {

struct ClientRequest {
  std::string name;  ///< of the method
  Method method = Method::get;
  Url url;  ///< without credentials
  Fields fields;
  Content content;
  std::string authorization;  ///< of the URL's credentials; the value of the field
  std::string via;
  std::optional<Url> proxy;
  RequestOptions options;  ///< without what it refers to
  unsigned redirects = 0;
  std::optional<TimePoint> deadline;
};

/// What the program gave; refused if it is not to be sent.
[[nodiscard]] Result<ClientRequest> make_request(std::string_view method, const Url& url,
                                                 Content content, const RequestOptions& options,
                                                 std::string_view default_proxy);

/// How the content is announced.
struct ContentFraming {
  bool is_chunked = false;
  std::optional<std::uint64_t> length;
};

/// The request line and all fields, with the empty line.
[[nodiscard]] std::string write_head(const ClientRequest& request, const ContentFraming& framing,
                                     std::string_view user_agent);
/// Of a tunnel through a proxy to the URL's host.
[[nodiscard]] std::string write_connect_head(const Url& url, const Url& proxy,
                                             std::string_view user_agent);

/// `Basic …` of a URL's credentials; empty if it has none (RFC 7617).
[[nodiscard]] std::string basic_credentials(const Url& url);

/// The same origin by the same way: who may use a connection again.
[[nodiscard]] std::string connection_key(const ClientRequest& request);

/// A method's name for errors, which must live for ever.
[[nodiscard]] const char* operation_name(const ClientRequest& request) noexcept;

}  // namespace ieum::http::detail
