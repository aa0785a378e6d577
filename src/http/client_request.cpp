// ClientRequest: what a client sends before the content (RFC 9112, section 3).
#include "http/client_request.hpp"

#include <algorithm>
#include <array>

#include "base/words.hpp"
#include "http/coding.hpp"
#include "http/syntax.hpp"

namespace ieum::http::detail {

namespace {

Failure refuse(std::string_view name, std::string_view why) {
  return fail(Error(std::errc::invalid_argument, "request").with_name(name).with_detail(why));
}

/// Fields that say how a message is sent, which is the client's to decide.
bool is_the_clients(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> names = {
      "connection", "content-length", "transfer-encoding", "te",    "trailer",
      "upgrade",    "keep-alive",     "proxy-connection",  "expect"};
  return std::ranges::any_of(
      names, [name](std::string_view one) { return equal_ignoring_case(name, one); });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8U) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? digits[(group >> (18 - 6 * j)) & 0x3fU] : '=';
    }
  }
  return text;
}

Result<Url> parse_proxy(std::string_view text) {
  Result<Url> proxy = Url::parse(text);
  if (!proxy) return proxy;
  if (proxy->scheme() != Url::Scheme::http && proxy->scheme() != Url::Scheme::https) {
    return refuse(text, "a proxy is asked by http or https");
  }
  return proxy;
}

}  // namespace

Result<ClientRequest> make_request(std::string_view method, const Url& url, Content content,
                                   const RequestOptions& options, std::string_view default_proxy) {
  if (!is_token(method)) return refuse(method, "this is no method");
  if (method == "CONNECT")
    return refuse(method, "tunnels are for proxies: see RequestOptions::proxy");
  if (url.scheme() != Url::Scheme::http && url.scheme() != Url::Scheme::https) {
    return refuse(url.origin(), "only http and https can be asked");
  }
  ClientRequest request{.name = std::string(method),
                        .method = method_of(method),
                        .url = url,
                        .fields = {},
                        .content = std::move(content),
                        .authorization = basic_credentials(url),
                        .via = std::string(options.via),
                        .proxy = std::nullopt,
                        .options = options,
                        .redirects = 0,
                        .deadline = std::nullopt};
  request.url.remove_credentials();
  request.options.fields = nullptr;
  request.options.via = request.options.proxy = {};
  if (options.fields != nullptr) request.fields = *options.fields;
  for (const Field field : request.fields) {
    if (is_the_clients(field.name)) return refuse(field.name, "this field is the client's own");
  }
  if (request.fields.count("host") > 1) return refuse("Host", "there are two of it");
  if (request.fields.has("accept-encoding")) request.options.decode = false;
  const std::string_view proxy = options.proxy.empty() ? default_proxy : options.proxy;
  if (!proxy.empty() && request.via.empty()) {
    Result<Url> parsed = parse_proxy(proxy);
    if (!parsed) return fail(parsed.error());
    request.proxy = *std::move(parsed);
  }
  return request;
}

std::string write_head(const ClientRequest& request, const ContentFraming& framing,
                       std::string_view user_agent) {
  const Url& url = request.url;
  const bool is_asked_of_proxy = request.proxy && !url.is_secure();
  std::string head = request.name + " ";
  if (is_asked_of_proxy) head += url.origin();
  head += url.target();
  head += " HTTP/1.1\r\n";
  const std::optional<std::string_view> host = request.fields.get("host");
  append_field(head, "Host", host ? *host : url.authority());
  if (!user_agent.empty() && !request.fields.has("user-agent")) {
    append_field(head, "User-Agent", user_agent);
  }
  if (!request.fields.has("accept")) append_field(head, "Accept", "*/*");
  if (request.options.decode && !ContentDecoder::accepted().empty()) {
    append_field(head, "Accept-Encoding", ContentDecoder::accepted());
  }
  if (!request.authorization.empty() && !request.fields.has("authorization")) {
    append_field(head, "Authorization", request.authorization);
  }
  if (is_asked_of_proxy && !request.fields.has("proxy-authorization")) {
    if (const std::string credentials = basic_credentials(*request.proxy); !credentials.empty()) {
      append_field(head, "Proxy-Authorization", credentials);
    }
  }
  for (const Field field : request.fields) {
    if (!equal_ignoring_case(field.name, "host")) append_field(head, field.name, field.value);
  }
  if (!request.content.type().empty() && !request.fields.has("content-type")) {
    append_field(head, "Content-Type", request.content.type());
  }
  if (framing.is_chunked) append_field(head, "Transfer-Encoding", "chunked");
  if (framing.length) append_length(head, *framing.length);
  if (request.options.expect_continue && !request.content.is_none()) {
    append_field(head, "Expect", "100-continue");
  }
  if (request.options.own_connection) append_field(head, "Connection", "close");
  head += "\r\n";
  return head;
}

std::string write_connect_head(const Url& url, const Url& proxy, std::string_view user_agent) {
  const std::string authority = url.host() + ":" + std::to_string(url.port());
  std::string head = "CONNECT " + authority + " HTTP/1.1\r\n";
  append_field(head, "Host", authority);
  if (!user_agent.empty()) append_field(head, "User-Agent", user_agent);
  if (const std::string credentials = basic_credentials(proxy); !credentials.empty()) {
    append_field(head, "Proxy-Authorization", credentials);
  }
  head += "\r\n";
  return head;
}

std::string basic_credentials(const Url& url) {
  if (url.username().empty() && url.password().empty()) return {};
  return "Basic " + base64(Url::decode(url.username()) + ":" + Url::decode(url.password()));
}

std::string connection_key(const ClientRequest& request) {
  std::string key = request.url.origin();
  if (!request.via.empty()) key += "\n" + request.via;
  if (request.proxy) key += "\n" + request.proxy->to_string();
  return key;
}

const char* operation_name(const ClientRequest& request) noexcept {
  switch (request.method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::delete_: return "DELETE";
    case Method::options: return "OPTIONS";
    case Method::trace: return "TRACE";
    case Method::patch: return "PATCH";
    case Method::connect:
    case Method::other: break;
  }
  return "request";
}

}  // namespace ieum::http::detail
