// Routes: which handler answers what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>
#include <ieum/time.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

namespace detail {
class RouteTable;
struct RoutesAccess;
}  // namespace detail

/// What goes on behind a function given to `Routes::around`: the next such function, or the
/// handler.
class Next {
 public:
  [[nodiscard]] Task<Response> operator()(Request& request) const;

 private:
  friend class detail::RouteTable;
  Next(const detail::RouteTable& table, std::size_t index) noexcept
      : table_(&table), index_(index) {}
  const detail::RouteTable* table_;
  std::size_t index_;
};

/// A request that has ended, for a log.
struct Access {
  const Request* request = nullptr;  ///< null if it could not be read
  Address peer;
  Status status = Status::ok;
  std::uint64_t body_bytes = 0;  ///< sent
  Duration time{};               ///< from its head's end, or its refusal, until all was sent
  bool is_complete = true;       ///< all of the response was sent
  const char* why = "";          ///< of a request that was refused: what was wrong with it
  std::optional<Error> error;    ///< that the handler, or the writer of its body, ended with
  std::exception_ptr exception;  ///< the same; nobody tells it if there is a log
};
/// One line, without its end, in the Combined Log Format of Apache and nginx, then the time in
/// milliseconds. What the client has sent is escaped: no line is but one line, and none commands a
/// terminal.
[[nodiscard]] std::string to_log_line(const Access& access);

struct FileOptions {
  /// Names that begin with a dot; without it they are not there.
  bool dotfiles = false;
  /// `NAME.br` and `NAME.gz` are sent instead of NAME to clients that take them.
  bool precompressed = false;
  /// Sent for a directory; empty: none is.
  const char* index = "index.html";
  /// For a directory without that, a page that lists its files and folders (at most 100'000), those
  /// that a request can get. `listing_foot` is HTML to stand below; what it points to must live as
  /// long as the routes.
  bool listing = false;
  const char* listing_foot = "";
  /// Sent for a path that there is not, if a page is asked for (`Accept: text/html`, no dot in the
  /// path's last part): for applications of one page. Empty: 404 is.
  const char* fallback = "";
  /// Cache-Control: max-age; zero: without.
  AnyDuration max_age{};
};

/// Which handler answers which path and method.
///
///     http::Routes routes;
///     routes.get("/users/{id}", user);
///     routes.post("/users", add_user);
///     routes.files("/static", "public");
///
/// A pattern is a path, in which `{name}` stands for one part that is not empty, and `{name...}`,
/// as its last one, for all that is left. What is written out goes before `{name}`, that before
/// `{name...}`. A path is taken apart before its parts are decoded; one with a part `.` or `..`,
/// with a NUL, or with a percent sign that begins no code, is answered by 400, so that no handler
/// sees it.
///
/// A handler of GET answers HEAD too, and its body is not sent. OPTIONS is answered by itself; a
/// path without the method by 405, with what it has in Allow; a path that there is not by 404; a
/// method that no route has by 501.
///
/// A handler that fails is answered for by 500, or by the status of the body's error. It is not
/// stopped when the client goes away, so that what it began is not left undone; only writers of
/// streams are. Handlers are called on the server's thread.
class Routes {
 public:
  using Handler = std::function<Task<Response>(Request&)>;
  using Around = std::function<Task<Response>(Request&, Next)>;

  Routes();
  Routes(Routes&&) noexcept;
  Routes& operator=(Routes&&) noexcept;
  ~Routes();

  Routes& get(std::string_view pattern, Handler handler);
  Routes& post(std::string_view pattern, Handler handler);
  Routes& put(std::string_view pattern, Handler handler);
  Routes& patch(std::string_view pattern, Handler handler);
  Routes& delete_(std::string_view pattern, Handler handler);
  /// Any method that has no route of its own there.
  Routes& any(std::string_view pattern, Handler handler);
  /// A method of this name.
  Routes& on(std::string_view method, std::string_view pattern, Handler handler);

  /// The regular files of a directory and of those in it, below `prefix`; no symbolic link leads
  /// out of it (openat2(2), RESOLVE_BENEATH). With ranges, conditional requests, content types by
  /// the name's end. Error: those of opening the directory.
  Result<> files(std::string_view prefix, const std::string& directory,
                 const FileOptions& options = {});

  /// Goes round every handler, and round what is answered without one. The first that was added is
  /// the outermost.
  Routes& around(Around around);
  /// Hears of every request that has ended; must not throw.
  Routes& on_access(std::function<void(const Access&)> report);
  /// The hosts that are served, without ports; others get 421. As long as none was given, all are.
  Routes& host(std::string_view name);
  /// A proxy whose word is taken for who the client is (`Forwarded`, else `X-Forwarded-For` and
  /// `X-Forwarded-Proto`): an address, a network (`10.0.0.0/8`), or `unix` for all clients of Unix
  /// sockets. Error: `invalid_argument`.
  Result<> trust(std::string_view proxy);

 private:
  friend struct detail::RoutesAccess;
  std::unique_ptr<detail::RouteTable> table_;
};

}  // namespace ieum::http
#pragma GCC visibility pop
