// Url: an absolute URL of http, https, ws or wss, in its normal form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

/// An absolute URL, read and written as browsers do (the WHATWG's URL Standard), of the four
/// schemes that have to do with HTTP. A plain value in its normal form: two URLs that mean the same
/// to a browser compare equal.
///
/// Whatever text it is made of, no part holds a control, a space or a line end: they are
/// percent-encoded, or were taken out as the standard says. Where it differs from the standard: no
/// other scheme is read; international names are refused (write them as `xn--…`), and `xn--…` is
/// taken as it is; bytes that are no UTF-8 are percent-encoded as they are.
class Url {
 public:
  enum class Scheme : std::uint8_t { http, https, ws, wss };
  static constexpr std::size_t bytes_max = std::size_t{64} * 1024;

  /// Reads an absolute URL. Errors: `invalid_argument`, whose text says what is wrong;
  /// `Errc::limit_exceeded` (longer than `bytes_max`).
  [[nodiscard]] static Result<Url> parse(std::string_view text);
  /// What `reference` means where it stands on the page, or in a redirect, of this URL: `/a`,
  /// `../b`, `?c`, `//host/d` or another absolute URL. Errors as above.
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  [[nodiscard]] Scheme scheme() const noexcept { return scheme_; }
  /// `http`, `https`, `ws`, `wss`.
  [[nodiscard]] std::string_view scheme_name() const noexcept;
  /// Of https and wss, which go over TLS.
  [[nodiscard]] bool is_secure() const noexcept {
    return scheme_ == Scheme::https || scheme_ == Scheme::wss;
  }
  /// Percent-encoded, as in the URL; empty if there is none.
  [[nodiscard]] const std::string& username() const noexcept { return username_; }
  [[nodiscard]] const std::string& password() const noexcept { return password_; }
  /// In lower case; IP addresses in their one form: `127.0.0.1` for `0x7f.1`, `[::1]` in brackets.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  /// The scheme's own port if none is given.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Begins with `/`; percent-encoded, without `.` and `..`.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// What stands after `?`, which may be empty; none if there is no `?`.
  [[nodiscard]] const std::optional<std::string>& query() const noexcept { return query_; }
  /// The same after `#`; never sent.
  [[nodiscard]] const std::optional<std::string>& fragment() const noexcept { return fragment_; }

  /// What a request asks for: the path, and the query with its `?`.
  [[nodiscard]] std::string target() const;
  /// The host, and the port unless it is the scheme's own: what stands in `Host`.
  [[nodiscard]] std::string authority() const;
  /// Scheme, host and port: `https://example.com`, `http://[::1]:8080`.
  [[nodiscard]] std::string origin() const;
  /// Where to connect to. Error: `Errc::name_invalid`, no host can have such a name.
  [[nodiscard]] Result<HostPort> host_port() const;
  /// The whole; `parse` gives the same back.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] bool has_same_origin(const Url& other) const noexcept {
    return scheme_ == other.scheme_ && host_ == other.host_ && port() == other.port();
  }
  void remove_credentials() noexcept;
  void set_fragment(std::optional<std::string> fragment) { fragment_ = std::move(fragment); }

  /// Encodes all but letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section 2.3): for a piece of
  /// a path or of a query.
  [[nodiscard]] static std::string encode(std::string_view text);
  /// Bytes for their `%41`; a `%` that is none stays, as browsers have it.
  [[nodiscard]] static std::string decode(std::string_view text);

  bool operator==(const Url& other) const noexcept = default;

 private:
  struct Reader;
  Url() noexcept = default;

  Scheme scheme_ = Scheme::http;
  std::optional<std::uint16_t> port_;  // none: the scheme's own
  std::string username_;
  std::string password_;
  std::string host_;
  std::string path_ = "/";
  std::optional<std::string> query_;
  std::optional<std::string> fragment_;
};

}  // namespace ieum::http
#pragma GCC visibility pop
