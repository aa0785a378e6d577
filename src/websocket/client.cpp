// WebSocket::connect: a URL, a connection, a request and its answer.
#include <algorithm>
#include <utility>

#include <ieum/host_port.hpp>
#include <ieum/stream_socket.hpp>
#include <ieum/timeout.hpp>
#include <ieum/tls_stream.hpp>
#include <ieum/websocket/websocket.hpp>

#include "http/head.hpp"
#include "http/syntax.hpp"
#include "websocket/connection.hpp"
#include "websocket/handshake.hpp"

namespace ieum {

namespace {

using http::detail::equal_ignoring_case;
using http::detail::HeadParser;
using http::detail::ResponseHead;

constexpr std::size_t head_bytes_max = std::size_t{32} * 1024;

struct Url {
  bool is_secure = false;
  std::string host;  // as Host says: without the usual port
  HostPort to;
  std::string target;
};

Error bad_url(std::string_view url, const char* why) {
  return Error(std::errc::invalid_argument, "connect").with_name(url).with_detail(why);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t scheme = text.find("://");
  const std::string_view name = text.substr(0, std::min(scheme, text.size()));
  url.is_secure = equal_ignoring_case(name, "wss");
  if (scheme == text.npos || (!url.is_secure && !equal_ignoring_case(name, "ws"))) {
    return fail(bad_url(text, "it does not begin with ws:// or wss://"));
  }
  std::string_view rest = text.substr(scheme + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  rest.remove_prefix(end);
  if (rest.find('#') != rest.npos) return fail(bad_url(text, "it has a fragment"));
  if (authority.find('@') != authority.npos) return fail(bad_url(text, "it has credentials"));
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  if (!http::detail::are_of(url.target, http::detail::characters::target)) {
    return fail(bad_url(text, "its path has a character that must be encoded"));
  }
  const bool has_port = authority.rfind(':') != authority.npos &&
                        authority.find(']', authority.rfind(':')) == authority.npos;
  const std::string usual = url.is_secure ? ":443" : ":80";
  Result<HostPort> to =
      HostPort::parse(has_port ? std::string(authority) : std::string(authority) + usual);
  if (!to) return fail(to.error());
  url.to = *std::move(to);
  url.host = authority;
  if (url.host.ends_with(usual) && has_port) url.host.resize(url.host.size() - usual.size());
  return url;
}

std::string request_text(std::string_view host, std::string_view target, std::string_view key,
                         const WebSocketConnectOptions& options) {
  using http::detail::append_field;
  std::string text = "GET " + std::string(target) + " HTTP/1.1\r\n";
  append_field(text, "Host", host);
  append_field(text, "Upgrade", "websocket");
  append_field(text, "Connection", "Upgrade");
  append_field(text, "Sec-WebSocket-Key", key);
  append_field(text, "Sec-WebSocket-Version", "13");
  if (!options.origin.empty()) append_field(text, "Origin", options.origin);
  if (!options.session.subprotocols.empty()) {
    append_field(text, "Sec-WebSocket-Protocol", options.session.subprotocols);
  }
  if (options.session.compression) {
    append_field(text, "Sec-WebSocket-Extensions",
                 websocket::detail::offer_deflate(options.session));
  }
  for (const http::Field& field : options.fields) append_field(text, field.name, field.value);
  return text + "\r\n";
}

/// Each by itself is a token, and none comes twice (RFC 6455, section 4.1).
bool are_subprotocols(std::string_view list) {
  using http::detail::next_element;
  for (std::string_view one = next_element(list); !one.empty(); one = next_element(list)) {
    if (!http::detail::is_token(one)) return false;
    std::string_view rest = list;
    for (std::string_view next = next_element(rest); !next.empty(); next = next_element(rest)) {
      if (next == one) return false;
    }
  }
  return true;
}

/// What the caller wants to say is what a field can hold.
bool is_sayable(std::string_view host, std::string_view target,
                const WebSocketConnectOptions& options) {
  http::Fields fields;
  bool good = fields.add("Host", host).has_value() && fields.add("Origin", options.origin) &&
              fields.add("Sec-WebSocket-Protocol", options.session.subprotocols) &&
              are_subprotocols(options.session.subprotocols) && target.starts_with('/') &&
              http::detail::are_of(target, http::detail::characters::target);
  for (const http::Field& field : options.fields) {
    good = good && fields.add(field.name, field.value).has_value();
  }
  return good;
}

/// The answer's head, and in `text` what came behind it.
Task<ResponseHead> read_answer(Stream& stream, std::string& text) {
  const Address peer = stream.peer_address();
  ResponseHead head;
  HeadParser parser(head, {.bytes_max = head_bytes_max});
  for (;;) {
    const HeadParser::Progress progress = parser.parse(text);
    if (progress == HeadParser::Progress::complete) break;
    if (progress == HeadParser::Progress::fault) {
      co_return fail(
          Error(std::errc::protocol_error, "connect", peer).with_detail(parser.fault().why));
    }
    Lease data = co_await stream.receive();
    if (data.empty()) {
      co_return fail(Error(Errc::end_of_stream, "connect", peer)
                         .with_detail("before the answer to the handshake"));
    }
    text += data.text();
  }
  text.erase(0, parser.size());
  co_return std::move(head);
}

}  // namespace

Task<WebSocket> WebSocket::handshake(std::unique_ptr<Stream> stream, std::string host,
                                     std::string target, WebSocketConnectOptions options) {
  const Address peer = stream->peer_address();
  if (!is_sayable(host, target, options)) {
    co_return fail(Error(std::errc::invalid_argument, "connect", peer)
                       .with_detail("a field or the target has a character that it cannot have"));
  }
  const std::string key = co_await websocket::detail::make_key();
  const std::string request = request_text(host, target, key, options);
  co_await stream->write_all(request);
  std::string left_over;
  const ResponseHead head = co_await read_answer(*stream, left_over);
  const Error refused(std::errc::protocol_error, "connect", peer);
  if (head.status != http::Status::switching_protocols) {
    std::string why = "the server answered " + std::to_string(http::number(head.status));
    if (!head.reason.empty()) why += " " + head.reason;
    co_return fail(refused.with_detail(why));
  }
  websocket::detail::Agreement agreement =
      websocket::detail::agree(head.fields, key, options.session);
  if (agreement.fault != nullptr) co_return fail(refused.with_detail(agreement.fault));
  websocket::detail::Setup setup;
  setup.role = WebSocketRole::client;
  setup.options = std::make_shared<const WebSocketOptions>(options.session);
  setup.subprotocol = std::move(agreement.subprotocol);
  setup.deflate = agreement.deflate;
  co_return setup.make(std::move(stream), std::as_bytes(std::span(left_over)));
}

Task<WebSocket> WebSocket::connect_to(std::string text, WebSocketConnectOptions options) {
  const Url url = co_await parse_url(text);
  std::unique_ptr<Stream> stream;
  if (url.is_secure) {
    StreamSocket socket = co_await StreamSocket::connect(url.to, options.connect);
    TlsStream tls = co_await TlsStream::client(std::move(socket), url.to.host(), options.tls);
    stream = std::make_unique<TlsStream>(std::move(tls));
  } else {
    StreamSocket socket = co_await StreamSocket::connect(url.to, options.connect);
    stream = std::make_unique<StreamSocket>(std::move(socket));
  }
  WebSocket made = co_await handshake(std::move(stream), url.host, url.target, options);
  co_return std::move(made);
}

Task<WebSocket> WebSocket::connect(std::string url, WebSocketConnectOptions options) {
  WebSocket made = co_await with_timeout(options.timeout, connect_to(std::move(url), options));
  co_return std::move(made);
}

}  // namespace ieum
