// Client: asks HTTP servers, and keeps connections to them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <ieum/http/connector.hpp>
#include <ieum/http/content.hpp>
#include <ieum/http/fields.hpp>
#include <ieum/http/reply.hpp>
#include <ieum/http/request_observer.hpp>
#include <ieum/http/url.hpp>
#include <ieum/stream_socket.hpp>

#pragma GCC visibility push(default)
namespace ieum {
class TlsClientContext;
}

namespace ieum::http {

namespace detail {
struct ClientRequest;
class ClientState;
class ClientExchange;
}  // namespace detail

/// Where a host is, for those who do not want it looked up: as a line of /etc/hosts.
struct KnownHost {
  std::string_view host{};  ///< as a URL has it
  std::uint16_t port = 0;   ///< of the URL; 0: any
  /// Where to connect to instead; with port 0, at the URL's port.
  Address address{};
};

struct ClientOptions {
  /// Connections to one origin (scheme, host and port) at a time: further requests wait for one.
  /// A reply holds one until its body has been read.
  std::size_t connections_per_origin_max = 64;
  /// Connections that are kept open though nobody uses them, to all origins together.
  std::size_t idle_connections_max = 64;
  /// And for how long. Shorter than servers keep them (nginx 75 s, Node 5 s), fewer are found
  /// closed.
  AnyDuration idle_time_max = std::chrono::seconds(30);
  /// Of a reply's head: bytes, and fields; a reply with more is an error, `Errc::limit_exceeded`.
  std::size_t head_bytes_max = std::size_t{32} * 1024;
  std::size_t fields_max = 100;
  /// Interim replies (1xx) before the reply.
  std::size_t interim_replies_max = 16;
  /// How to meet servers of https; must outlive the client. Null: trusts whom the system trusts.
  /// Give it the ALPN `http/1.1` (`TlsClientContext::set_alpn`), which that has.
  const TlsClientContext* tls = nullptr;
  /// Asks this proxy instead of the servers: `http://user:password@proxy:3128`; https is asked
  /// through a tunnel (CONNECT). Copied. Empty: none; nothing is taken from the environment.
  std::string_view proxy{};
  /// Of the field `User-Agent`. Copied. Empty: there is none.
  std::string_view user_agent = "ieum";
  /// Hosts that are not looked up; the first that fits is taken. Copied.
  std::span<const KnownHost> hosts{};
  /// Connects in the network's place, if not null; must outlive the client. Not to
  /// `RequestOptions::via`, which is an address.
  Connector* connector = nullptr;
  /// How to connect.
  ConnectOptions connect{};
};
static_assert(std::is_trivially_copyable_v<ClientOptions>);

struct RequestOptions {
  /// Fields that are sent along, beside those that are the client's: `Content-Length`,
  /// `Connection` and the like are refused, `invalid_argument`. Copied. Null: none.
  const Fields* fields = nullptr;
  /// Connects to this Unix socket, `unix:/run/app`, whatever the URL's host. Copied.
  std::string_view via{};
  /// As `ClientOptions::proxy`. Copied. Empty: that one.
  std::string_view proxy{};
  /// For all of it, up to the end of the reply's body, redirects included. Zero: none.
  AnyDuration timeout{};
  /// For looking up the name, connecting and the handshakes of proxy and TLS.
  AnyDuration connect_timeout = std::chrono::seconds(15);
  /// From the request's end until the reply's head has come. Zero: none.
  AnyDuration head_timeout = std::chrono::seconds(60);
  /// While content or a body goes: how long nothing may come, or 64 KiB may take to go. Zero: none.
  AnyDuration idle_timeout = std::chrono::seconds(60);
  /// Redirects that are followed; one more is an error. 0: the redirect is the reply.
  unsigned redirects_max = 10;
  /// Also follows a redirect from https to http, where everybody on the way can read and change
  /// what is sent.
  bool may_leave_tls = false;
  /// A connection of its own, closed after it; tells the server so.
  bool own_connection = false;
  /// Asks the server whether it wants the content before it sends that (`Expect: 100-continue`);
  /// of a server that says nothing for `continue_wait`, it takes that for a yes.
  bool expect_continue = false;
  AnyDuration continue_wait = std::chrono::seconds(1);
  /// Accepts a coded body (gzip, deflate, and br where the library has it), and decodes it. Not if
  /// `fields` has an `Accept-Encoding`: then the body is given as it comes.
  bool decode = true;
  /// What a coded body may become.
  std::uint64_t decoded_bytes_max = std::uint64_t{256} * 1024 * 1024;
  /// Is told of each step, if not null. In connecting, it takes the place of the client's own.
  RequestObserver* observer = nullptr;
};
static_assert(std::is_trivially_copyable_v<RequestOptions>);

/// Asks HTTP/1.1 servers, and keeps the connections for the next requests.
///
///     http::Client client;
///     http::Reply page = co_await client.get("http://example.com/");
///     while (ConstBuffer part = co_await page.body().next(); !part.empty()) …
///
/// Any number of tasks of one runtime may use it; once that has ended, it may be used on another.
/// What is given to it is copied before a call returns, but for `Content`, which is moved.
///
/// A connection that was kept may have been closed by the server at the moment at which it is used
/// again. A request that found it so is sent again, on a new connection, if nothing of a reply had
/// come, its method may be repeated (RFC 9110, section 9.2.2: not POST, not PATCH), and its content
/// can be. In all other cases that is an error: it is not known whether the server has done it.
///
/// Redirects (301, 302, 303, 307, 308) are followed to http and https only, never from https to
/// http unless allowed. A POST becomes a GET by 301, 302 and 303. Credentials of the URL,
/// `Authorization`, `Cookie` and `Proxy-Authorization` go to the first origin only.
///
/// Errors, with the origin that was asked: those of `StreamSocket::connect` and of
/// `TlsStream::client`; `Errc::cut_off`, the connection ended before the whole reply had come;
/// `timed_out`, and which of the limits; `protocol_error`, what came is no reply by the rules,
/// which are kept strictly; `Errc::limit_exceeded`; `invalid_argument`, the URL or a field is none;
/// `operation_not_permitted`, a redirect to where none is followed; `connection_refused`, a proxy
/// refuses.
class Client {
 public:
  Client() : Client(ClientOptions{}) {}
  explicit Client(const ClientOptions& options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  /// Closes the connections that are kept.
  ~Client();

  [[nodiscard]] Task<Reply> get(std::string_view url, RequestOptions options = {}) {
    return request("GET", url, Content(), options);
  }
  [[nodiscard]] Task<Reply> head(std::string_view url, RequestOptions options = {}) {
    return request("HEAD", url, Content(), options);
  }
  [[nodiscard]] Task<Reply> post(std::string_view url, Content content,
                                 RequestOptions options = {}) {
    return request("POST", url, std::move(content), options);
  }
  [[nodiscard]] Task<Reply> put(std::string_view url, Content content,
                                RequestOptions options = {}) {
    return request("PUT", url, std::move(content), options);
  }
  [[nodiscard]] Task<Reply> patch(std::string_view url, Content content,
                                  RequestOptions options = {}) {
    return request("PATCH", url, std::move(content), options);
  }
  [[nodiscard]] Task<Reply> delete_(std::string_view url, RequestOptions options = {}) {
    return request("DELETE", url, Content(), options);
  }
  /// Any method. Further error: `invalid_argument`, it is none, or CONNECT.
  [[nodiscard]] Task<Reply> request(std::string_view method, std::string_view url,
                                    Content content = {}, RequestOptions options = {});
  [[nodiscard]] Task<Reply> request(std::string_view method, const Url& url, Content content = {},
                                    RequestOptions options = {});

  /// Connections that are kept and not in use.
  [[nodiscard]] std::size_t idle_connections() const noexcept;

 private:
  static Task<Reply> perform(std::shared_ptr<detail::ClientState> state,
                             std::unique_ptr<detail::ClientRequest> request);
  static Task<Reply> perform_until(std::shared_ptr<detail::ClientState> state,
                                   std::unique_ptr<detail::ClientRequest> request);
  std::shared_ptr<detail::ClientState> state_;
};

/// One request with a client of its own: `http::Reply page = co_await http::get(url)`.
[[nodiscard]] Task<Reply> get(std::string_view url, RequestOptions options = {});

}  // namespace ieum::http
#pragma GCC visibility pop
