// Connecting for a client: one step after the other, each a stream over the one before.
#include "http/client_connect.hpp"

#include <mutex>

#include <ieum/timeout.hpp>

#ifdef IEUM_HAS_TLS
#include <ieum/tls_stream.hpp>
#endif

#include "base/words.hpp"
#include "http/syntax.hpp"

namespace ieum::http::detail {

namespace {

/// The host as a certificate has it: an IPv6 address without its brackets.
std::string_view bare_host(const Url& url) noexcept {
  std::string_view host = url.host();
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

#ifdef IEUM_HAS_TLS

/// For those who give none. Making one takes long.
Result<const TlsClientContext*> shared_context() {
  static std::mutex mutex;
  // Never destroyed: at the program's end OpenSSL goes first.
  static TlsClientContext* shared = nullptr;
  const std::lock_guard lock(mutex);
  if (shared == nullptr) {
    Result<TlsClientContext> made = TlsClientContext::create();
    if (!made) return fail(made.error());
    const Result<> set = made->set_alpn("http/1.1");
    if (!set) return fail(set.error());
    shared = new TlsClientContext(*std::move(made));
  }
  return shared;
}

Task<std::unique_ptr<Stream>> secure(std::unique_ptr<Stream> stream, const Url& url,
                                     const ClientConnectOptions& options,
                                     RequestObserver* observer) {
  TlsOptions tls;
  tls.context = options.tls;
  if (tls.context == nullptr) tls.context = co_await shared_context();
  TlsPeer peer;
  if (observer != nullptr) {
    tls.peer = &peer;
    tls.observer = observer;
    observer->securing(bare_host(url));
  }
  Result<TlsStream> met =
      co_await attempt(TlsStream::client(std::move(stream), bare_host(url), tls));
  if (observer != nullptr) observer->secured(peer, met ? nullptr : &met.error());
  if (!met) co_return fail(met.error());
  TlsStream secured = *std::move(met);
  if (!secured.alpn().empty() && secured.alpn() != "http/1.1") {
    co_return fail(Error(Errc::handshake_failed, "TLS handshake")
                       .with_name(url.origin())
                       .with_detail(ieum::detail::words("it speaks ", secured.alpn(),
                                                        ", not http/1.1 (ALPN)")));
  }
  co_return std::make_unique<TlsStream>(std::move(secured));
}

#else

Task<std::unique_ptr<Stream>> secure(std::unique_ptr<Stream> /*stream*/, const Url& url,
                                     const ClientConnectOptions& /*options*/,
                                     RequestObserver* /*observer*/) {
  co_return fail(Error(std::errc::operation_not_supported, "connect")
                     .with_name(url.origin())
                     .with_detail("the library is built without TLS"));
}

#endif

Task<std::unique_ptr<Stream>> connect_to_address(Address address, ConnectOptions options) {
  StreamSocket socket = co_await StreamSocket::connect(address, options);
  co_return std::make_unique<StreamSocket>(std::move(socket));
}

/// None if it is to be looked up.
std::optional<Address> known_place(const Url& url, std::span<const HostPlace> hosts) {
  for (const HostPlace& one : hosts) {
    const bool is_it =
        equal_ignoring_case(one.host, url.host()) || equal_ignoring_case(one.host, bare_host(url));
    if (!is_it || (one.port != 0 && one.port != url.port())) continue;
    Address address = one.address;
    if (address.port() == 0) address.set_port(url.port());
    return address;
  }
  return std::nullopt;
}

Task<std::unique_ptr<Stream>> connect_to_host(const Url& url, const ClientConnectOptions& options) {
  const std::optional<Address> known = known_place(url, options.hosts);
  if (known && options.connector == nullptr) {
    std::unique_ptr<Stream> stream = co_await connect_to_address(*known, options.connect);
    co_return stream;
  }
  Result<HostPort> place = known ? HostPort::parse(known->to_string()) : url.host_port();
  const HostPort host = co_await std::move(place);
  if (options.connector != nullptr) {
    std::unique_ptr<Stream> stream = co_await options.connector->connect(host, options.connect);
    co_return stream;
  }
  StreamSocket socket = co_await StreamSocket::connect(host, options.connect);
  co_return std::make_unique<StreamSocket>(std::move(socket));
}

/// The first step: to the Unix socket, to the proxy, or to the host itself.
Task<std::unique_ptr<Stream>> connect_first(const ClientRequest& request,
                                            const ClientConnectOptions& options) {
  std::unique_ptr<Stream> stream;
  if (request.via.empty()) {
    stream = co_await connect_to_host(request.proxy ? *request.proxy : request.url, options);
  } else {
    const Address address = co_await Address::parse(request.via);
    stream = co_await connect_to_address(address, options.connect);
  }
  co_return stream;
}

Failure refused(const Url& proxy, std::error_code code, std::string_view why) {
  return fail(Error(code, "connect by proxy").with_name(proxy.origin()).with_detail(why));
}
template <class Code>
Failure refused(const Url& proxy, Code code, std::string_view why) {
  return refused(proxy, std::error_code(make_error_code(code)), why);
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6), and gives the stream back as that.
Task<std::unique_ptr<Stream>> tunnel(std::unique_ptr<Stream> stream, const Url& url,
                                     const Url& proxy, const ClientConnectOptions& options) {
  const std::string question = write_connect_head(url, proxy, options.user_agent);
  co_await stream->write_all(question);
  ResponseHead head;
  std::string text;
  std::size_t interim_replies = 0;
  for (;;) {
    head.clear();
    HeadParser parser(head, options.head);
    HeadParser::Progress progress = parser.parse(text);
    while (progress == HeadParser::Progress::needs_more) {
      const Lease data = co_await stream->receive();
      if (data.empty()) co_return refused(proxy, Errc::cut_off, "it closed before it answered");
      text += data.text();
      progress = parser.parse(text);
    }
    if (progress == HeadParser::Progress::fault) {
      co_return refused(proxy, std::errc::protocol_error, parser.fault().why);
    }
    text.erase(0, parser.size());
    if (!is_informational(head.status)) break;
    if (++interim_replies > 16) {
      co_return refused(proxy, Errc::limit_exceeded, "too many interim replies");
    }
  }
  if (head.status == Status::proxy_authentication_required) {
    co_return refused(proxy, std::errc::permission_denied,
                      "407: give credentials in the proxy's URL");
  }
  if (!is_success(head.status)) {
    co_return refused(proxy, std::errc::connection_refused,
                      ieum::detail::words("it answers ", number(head.status), " ", head.reason));
  }
  if (!text.empty()) {
    co_return refused(proxy, std::errc::protocol_error, "it sent what the server cannot have sent");
  }
  co_return stream;
}

Task<std::unique_ptr<Stream>> connect_stream(const ClientRequest& request,
                                             const ClientConnectOptions& options) {
  RequestObserver* const observer = request.options.observer;
  std::unique_ptr<Stream> stream = co_await connect_first(request, options);
  if (observer != nullptr) {
    observer->connected(stream->local_address().value_or(Address()), stream->peer_address());
  }
  if (request.proxy) {
    const Url& proxy = *request.proxy;
    if (proxy.is_secure()) stream = co_await secure(std::move(stream), proxy, options, observer);
    if (request.url.is_secure()) {
      stream = co_await tunnel(std::move(stream), request.url, proxy, options);
      if (observer != nullptr) observer->tunneled(proxy);
    }
  }
  if (request.url.is_secure()) {
    stream = co_await secure(std::move(stream), request.url, options, observer);
  }
  co_return stream;
}

}  // namespace

Task<std::unique_ptr<ClientConnection>> connect_client(const ClientRequest& request,
                                                       ClientConnectOptions options) {
  if (request.options.observer != nullptr) options.connect.observer = request.options.observer;
  Duration limit = request.options.connect_timeout;
  if (limit <= Duration::zero()) limit = Duration::max();
  Result<std::unique_ptr<Stream>> stream =
      co_await attempt(with_timeout(limit, connect_stream(request, options)));
  if (!stream) co_return fail(stream.error());
  co_return std::make_unique<ClientConnection>(*std::move(stream));
}

}  // namespace ieum::http::detail
