#include "connect/proxy.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "options/endpoint.hpp"
#include "session/secret.hpp"
#include "text/base64.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t head_bytes_max = std::size_t{8} * 1024;
constexpr std::size_t credential_bytes_max = 255;  // RFC 1929

struct ProxyScheme {
  std::string_view prefix;
  Proxy::Kind kind;
};
constexpr std::array schemes{ProxyScheme{"socks5://", Proxy::Kind::socks5},
                             ProxyScheme{"socks5h://", Proxy::Kind::socks5},
                             ProxyScheme{"http://", Proxy::Kind::http}};

std::byte byte_of(std::size_t value) { return static_cast<std::byte>(value); }

void append(std::vector<std::byte>& to, std::string_view text) {
  for (const char letter : text) to.push_back(static_cast<std::byte>(letter));
}

Task<> refuse(const Proxy& proxy, std::string why, std::optional<Failure>& failure) {
  failure = {Status::not_connected, fmt::format("the proxy {} {}", proxy.to_string(), why)};
  co_await fail(std::errc::connection_refused, "connect through the proxy");
}

// ---- SOCKS5 -------------------------------------------------------------------------------------

constexpr std::size_t socks_version = 5;
constexpr std::size_t without_credentials = 0;
constexpr std::size_t with_password = 2;

std::string_view meaning_of_reply(std::size_t reply) {
  switch (reply) {
    case 1: return "failed";
    case 2: return "does not allow connections to it";
    case 3: return "has no route to its network";
    case 4: return "cannot reach it, or does not find its name";
    case 5: return "was refused: nothing listens there";
    case 6: return "has waited too long for it";
    case 7: return "does not connect to anything";
    case 8: return "does not know addresses of that kind";
    default: return "answered with an unknown error";
  }
}

std::vector<std::byte> socks_request(const HostPort& to) {
  std::vector<std::byte> request{byte_of(socks_version), byte_of(1), byte_of(0)};
  if (to.address()) {
    request.push_back(byte_of(to.address()->family() == Family::ipv4 ? 1 : 4));
    append(request, to.address()->bytes());
  } else {
    request.push_back(byte_of(3));
    request.push_back(byte_of(to.host().size()));
    append(request, to.host());
  }
  request.push_back(byte_of(to.port() >> 8U));
  request.push_back(byte_of(to.port() & 0xffU));
  return request;
}

Task<> authenticate(StreamSocket& socket, const Proxy& proxy, const Credentials& credentials,
                    std::optional<Failure>& failure) {
  std::vector<std::byte> request{byte_of(1), byte_of(credentials.user.size())};
  append(request, credentials.user);
  request.push_back(byte_of(credentials.password.size()));
  append(request, credentials.password);
  co_await socket.write_all(request);
  std::array<std::byte, 2> answer;
  co_await socket.read_exact(answer);
  if (answer[1] != byte_of(0)) {
    co_await refuse(proxy, "does not accept this user and password", failure);
  }
}

Task<> connect_by_socks(StreamSocket& socket, const Proxy& proxy,
                        std::optional<Credentials> credentials, HostPort to,
                        std::optional<Failure>& failure) {
  std::vector<std::byte> greeting{byte_of(socks_version), byte_of(credentials ? 2 : 1),
                                  byte_of(without_credentials)};
  if (credentials) greeting.push_back(byte_of(with_password));
  co_await socket.write_all(greeting);
  std::array<std::byte, 2> choice;
  co_await socket.read_exact(choice);
  if (choice[0] != byte_of(socks_version)) {
    co_await refuse(proxy, "does not speak SOCKS5: check its address, or write http://", failure);
  }
  if (choice[1] == byte_of(with_password) && credentials) {
    co_await authenticate(socket, proxy, *credentials, failure);
  } else if (choice[1] != byte_of(without_credentials)) {
    co_await refuse(proxy,
                    credentials ? "accepts no user and password"
                                : "wants a user and a password: see --proxy-auth",
                    failure);
  }
  const std::vector<std::byte> request = socks_request(to);
  co_await socket.write_all(request);
  std::array<std::byte, 4> reply;
  co_await socket.read_exact(reply);
  if (reply[0] != byte_of(socks_version)) co_await refuse(proxy, "speaks no SOCKS5", failure);
  if (reply[1] != byte_of(0)) {
    std::string why(meaning_of_reply(std::to_integer<std::size_t>(reply[1])));
    co_await refuse(proxy, std::move(why), failure);
  }
  // Where it connects from, which is nothing to us.
  std::size_t rest = reply[3] == byte_of(1) ? 4 : 16;
  if (reply[3] == byte_of(3)) {
    std::array<std::byte, 1> length;
    co_await socket.read_exact(length);
    rest = std::to_integer<std::size_t>(length[0]);
  }
  std::vector<std::byte> bound(rest + 2);
  co_await socket.read_exact(bound);
}

// ---- HTTP ---------------------------------------------------------------------------------------

/// Up to the empty line, and no byte further: what comes then is the peer's.
Task<std::string> read_head(StreamSocket& socket, const Proxy& proxy,
                            std::optional<Failure>& failure) {
  std::string head;
  while (!head.ends_with("\r\n\r\n") && !head.ends_with("\n\n")) {
    if (head.size() == head_bytes_max) co_await refuse(proxy, "says too much", failure);
    std::array<std::byte, 1> next;
    co_await socket.read_exact(next);
    head += std::to_integer<char>(next[0]);
  }
  co_return head;
}

Task<> connect_by_http(StreamSocket& socket, const Proxy& proxy,
                       std::optional<Credentials> credentials, HostPort to,
                       std::optional<Failure>& failure) {
  const std::string where = to.to_string();
  std::string request = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", where, where);
  if (credentials) {
    request += fmt::format("Proxy-Authorization: Basic {}\r\n",
                           in_base64(credentials->user + ":" + credentials->password));
  }
  request += "\r\n";
  co_await socket.write_all(request);
  const std::string head = co_await read_head(socket, proxy, failure);
  const std::string line = head.substr(0, head.find_first_of("\r\n"));
  if (!line.starts_with("HTTP/1.") || line.size() < 12) {
    co_await refuse(proxy, "does not speak HTTP: check its address, or write socks5://", failure);
  }
  if (line[9] == '2') co_return;
  const std::string status = line.substr(9);
  if (status.starts_with("407")) {
    co_await refuse(proxy,
                    credentials ? "does not accept this user and password"
                                : "wants a user and a password: see --proxy-auth",
                    failure);
  }
  co_await refuse(proxy, fmt::format("answered {}", in_quotes(status)), failure);
}

}  // namespace

std::string Proxy::to_string() const {
  return (kind == Kind::socks5 ? "socks5://" : "http://") + target;
}

Parsed<Proxy> parse_proxy(std::string_view text) {
  constexpr std::string_view forms = "write socks5://HOST:PORT or http://HOST:PORT";
  for (const ProxyScheme& scheme : schemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    std::string_view target = text.substr(scheme.prefix.size());
    if (target.ends_with('/')) target.remove_suffix(1);
    if (target.find('@') != std::string_view::npos) {
      // Not in quotes: it is a secret.
      return UsageError(
          "everyone on this machine sees the password on a command line: put USER:PASSWORD into a "
          "file for --proxy-auth, or into IEUM_PROXY_AUTH");
    }
    const Result<HostPort> place = HostPort::parse(target);
    if (!place || place->port() == 0) {
      return UsageError(fmt::format("{} has no HOST:PORT; {}", in_quotes(text), forms));
    }
    return Proxy{.kind = scheme.kind, .target = std::string(target), .credentials_path = {}};
  }
  return UsageError(
      fmt::format("--proxy takes another address than {}; {}", in_quotes(text), forms));
}

std::optional<Credentials> read_credentials(const Proxy& proxy, std::optional<Failure>& failure) {
  std::string from = proxy.credentials_path;
  if (from.empty()) {
    const char* given = std::getenv("IEUM_PROXY_AUTH");
    if (given == nullptr || *given == '\0') return {};
    from = "env:IEUM_PROXY_AUTH";
  }
  const std::expected<std::string, Failure> line = read_secret(from, "--proxy-auth");
  if (!line) {
    failure = line.error();
    failure->sentence += "; its first line is to be USER:PASSWORD";
    return {};
  }
  const std::size_t colon = line->find(':');
  Credentials credentials{.user = line->substr(0, colon), .password = {}};
  if (colon != std::string::npos) credentials.password = line->substr(colon + 1);
  if (colon == std::string::npos || credentials.user.empty() ||
      credentials.user.size() > credential_bytes_max ||
      credentials.password.size() > credential_bytes_max) {
    failure = {Status::usage, fmt::format("{} holds no USER:PASSWORD of at most {} bytes each",
                                          in_quotes(from), credential_bytes_max)};
    return {};
  }
  return credentials;
}

Task<> connect_through(StreamSocket& socket, const Proxy& proxy,
                       std::optional<Credentials> credentials, HostPort to,
                       std::optional<Failure>& failure) {
  auto connect = proxy.kind == Proxy::Kind::socks5 ? connect_by_socks : connect_by_http;
  const Result<> connected =
      co_await attempt(connect(socket, proxy, std::move(credentials), std::move(to), failure));
  if (connected) co_return;
  const Error& error = connected.error();
  if (!failure && error != std::errc::operation_canceled && error != std::errc::timed_out) {
    failure = {Status::not_connected,
               fmt::format("the proxy {} closed the connection: it may not allow this one, or be "
                           "none of that kind",
                           proxy.to_string())};
  }
  co_await fail(error);
}

}  // namespace ieum::cli
