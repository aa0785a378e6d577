#include "serve/serve.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

#include "report/log.hpp"
#include "report/reason.hpp"
#include "serve/uploads.hpp"
#include "serve/who_can_reach.hpp"
#include "session/bind_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/secret.hpp"
#include "text/base64.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

namespace {

using http::Access;
using http::Next;
using http::Request;
using http::Response;

/// What is being sent when it is interrupted has this long.
constexpr Duration drain_max = std::chrono::seconds(10);

// ---- Who may ask --------------------------------------------------------------------------------

/// Takes as long whatever is right.
bool is_same(std::string_view a, std::string_view b) noexcept {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

void set(Response& response, std::string_view name, std::string_view value) {
  const Result<> done = response.fields().set(name, value);
  static_cast<void>(done);  // of our own making
}

Task<Response> refuse_stranger() {
  Response response = Response::text("401 Unauthorized\n", http::Status::unauthorized);
  set(response, "WWW-Authenticate", "Basic realm=\"ieum serve\", charset=\"UTF-8\"");
  co_return response;
}

/// `wanted` is the field's value of those who know the password.
Task<Response> ask_for_password(const std::string& wanted, Request& request, Next next) {
  const std::string_view given = request.field("authorization").value_or("");
  return is_same(given, wanted) ? next(request) : refuse_stranger();
}

Task<Response> allow_origins(Request& request, Next next) {
  Response response = co_await next(request);
  set(response, "Access-Control-Allow-Origin", "*");
  set(response, "Access-Control-Expose-Headers", "*");
  if (request.method() == http::Method::options) {
    set(response, "Access-Control-Allow-Methods", "GET, HEAD");
    set(response, "Access-Control-Allow-Headers", "*");
  }
  co_return response;
}

// ---- What is logged -----------------------------------------------------------------------------

/// A line for each request, on standard output.
class AccessLog {
 public:
  AccessLog(const ServeCommand& command, Log& log) : command_(command), log_(log) {}

  void report(const Access& access) {
    ++requests_;
    bytes_ += access.body_bytes;
    if (command_.common.log.json) return report_json(access);
    if (command_.logs && !is_lost_) write_line(http::to_log_line(access) + "\n");
  }
  [[nodiscard]] std::string summary() const {
    return fmt::format("{} request{}, {} sent", requests_, requests_ == 1 ? "" : "s",
                       format_bytes(bytes_));
  }

 private:
  void write_line(std::string_view line) {
    while (!line.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, line.data(), line.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        is_lost_ = true;
        log_.notice({"log_lost",
                     "standard output takes no more lines; requests are served, but not told",
                     {},
                     {}});
        return;
      }
      line.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void report_json(const Access& access) {
    LogEvent event{"request", {}, {}, {}};
    const Request* const request = access.request;
    const Address& client = request != nullptr ? request->client() : access.peer;
    event.fields.emplace_back("client", client.to_string());
    if (request != nullptr) {
      event.fields.emplace_back("method", std::string(request->method_name()));
      event.fields.emplace_back("target", std::string(request->target()));
    }
    event.fields.emplace_back("status", std::uint64_t{http::number(access.status)});
    event.fields.emplace_back("bytes", access.body_bytes);
    event.fields.emplace_back("seconds", std::chrono::duration<double>(access.time).count());
    event.fields.push_back(Field::flag("complete", access.is_complete));
    log_.event(event);
  }

  const ServeCommand& command_;
  Log& log_;
  bool is_lost_ = false;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_ = 0;
};

// ---- What is served -----------------------------------------------------------------------------

std::optional<Failure> add_files(const ServeCommand& command, http::Routes& routes) {
  http::FileOptions options;
  options.listing = command.lists;
  if (command.is_single_page) options.fallback = "index.html";
  const Result<> added = routes.files("/", command.directory, options);
  if (!added) {
    const std::string why = added.error() == std::errc::not_a_directory
                                ? "it is a file; its folder can be served"
                                : reason_of(added.error().code());
    return Failure{Status::other,
                   fmt::format("cannot serve {}: {}", in_quotes(command.directory), why)};
  }
  if (command.upload.empty()) return std::nullopt;
  const std::string folder = command.directory + "/" + command.upload;
  auto uploads = Uploads::open(folder);
  if (!uploads) return uploads.error();
  options.listing = true;
  options.listing_foot = upload_form;
  const std::string prefix = "/" + command.upload;
  if (!routes.files(prefix, folder, options)) {
    return Failure{Status::other, fmt::format("cannot serve {}", in_quotes(folder))};
  }
  routes.put(prefix + "/{name}",
             [uploads = *uploads](Request& request) { return Uploads::take(uploads, request); });
  return std::nullopt;
}

std::optional<Failure> add_guards(const ServeCommand& command, const Address& local,
                                  http::Routes& routes) {
  for (const std::string& host : command.hosts) routes.host(host);
  if (is_loopback(local)) {
    for (const char* name : {"localhost", "127.0.0.1", "[::1]"}) routes.host(name);
    routes.host(host_of(local));
  }
  if (command.allows_other_origins) routes.around(allow_origins);
  if (command.auth.empty()) return std::nullopt;
  const std::expected<std::string, Failure> secret = read_secret(command.auth, "--auth");
  if (!secret) return secret.error();
  if (!secret->contains(':') || secret->starts_with(':')) {
    return Failure{Status::usage,
                   fmt::format("--auth: {} holds no USER:PASSWORD", in_quotes(command.auth))};
  }
  routes.around([wanted = "Basic " + in_base64(*secret)](Request& request, Next next) {
    return ask_for_password(wanted, request, next);
  });
  return std::nullopt;
}

// ---- Serving ------------------------------------------------------------------------------------

void announce(const ServeCommand& command, const Address& local, const std::string& pin, Log& log) {
  const std::string_view scheme = command.has_tls ? "https" : "http";
  const Reach reach = who_can_reach(local, scheme, command.hosts);
  log.notice({"serving",
              fmt::format("serving {} at {}; {}", in_quotes(command.directory), reach.urls.front(),
                          reach.who),
              {},
              {{"directory", command.directory},
               {"local", local.to_string()},
               {"urls", reach.urls},
               {"who", reach.who}}});
  for (std::size_t i = 1; i < reach.urls.size(); ++i) {
    const std::string_view whose = is_loopback(local) ? "also at " : "for others it is ";
    log.notice({"url", fmt::format("{}{}", whose, reach.urls[i]), {}, {{"url", reach.urls[i]}}});
  }
  if (!command.has_tls && !command.auth.empty() && !is_loopback(local)) {
    log.notice({"password_unprotected",
                "everybody on the way can read the password and the files; --tls hides them",
                {},
                {}});
  }
  if (pin.empty()) return;
  const std::string line = fmt::format("ieum get --insecure --pin {} {}", pin, reach.urls.back());
  log.notice({"self_signed",
              "made a certificate that nobody vouches for: browsers will warn; for ieum and curl "
              "its pin is " +
                  pin,
              {},
              {{"pin", pin}}});
  log.notice({"connect_with", "connect with: " + line, {}, {{"command", line}}});
}

Task<> drain_on_interrupt(http::Server& server, Interrupt& interrupt, Log& log) {
  co_await interrupt.raised.wait();
  log.event({"interrupted",
             fmt::format("no more clients; what is being sent has {} to finish",
                         format_duration(drain_max)),
             {},
             {}});
  co_await attempt(server.drain(drain_max));
}

Task<> serve_beside(Group& group, http::Server& server, Interrupt& interrupt, Log& log) {
  group.start(drain_on_interrupt(server, interrupt, log));
  co_await server.run();
  group.stop();
}

/// Clients whose TLS failed, and what else ended without an answer.
void report_session_end(Log& log, const SessionEnd& end) {
  if (end.error == nullptr || *end.error == std::errc::operation_canceled) return;
  log.event({"session_failed", end.error->to_string(), {}, {{"message", end.error->to_string()}}});
}

Task<int> serve_until_interrupted(const ServeCommand& command, Log& log, Interrupt& interrupt) {
  AccessLog access(command, log);
  http::Routes routes;
  std::optional<Failure> failure = add_files(command, routes);
  if (failure) co_return log.failed(*failure);
  routes.on_access([&access](const Access& one) { access.report(one); });
  std::shared_ptr<const TlsServerContext> tls;
  std::string pin;
  if (command.has_tls) {
    const std::string name = command.hosts.empty() ? name_to_serve(command.common.endpoint.target)
                                                   : command.hosts.front();
    auto made = make_server_context(command.common.tls, name);
    if (!made) co_return log.failed(made.error());
    tls = *std::move(made);
    if (command.common.tls.self_signed) pin = pin_of(*tls);
  }
  Result<Listener> listener = co_await attempt(bind_listener(command.common));
  if (!listener) co_return log.failed(explain_failure(Stage::listening, listener.error()));
  const Address local = listener->address();
  failure = add_guards(command, local, routes);
  if (failure) co_return log.failed(*failure);
  http::ServerOptions options;
  if (!command.upload.empty()) options.body_bytes_max = command.upload_bytes_max;
  http::Server server(*std::move(listener), std::move(routes), options);
  if (tls != nullptr) {
    server.over([tls](StreamSocket socket) { return put_tls_over(std::move(socket), tls); });
  }
  server.on_session_end([&log](const SessionEnd& end) { report_session_end(log, end); });
  announce(command, local, pin, log);
  auto body = [&](Group& group) { return serve_beside(group, server, interrupt, log); };
  const Result<> served = co_await attempt(with_group(body));
  if (interrupt.is_raised()) {
    co_return log.failed({interrupt.status(), "interrupted; " + access.summary()});
  }
  if (!served) co_return log.failed(explain_failure(Stage::accepting, served.error()));
  co_return 0;
}

}  // namespace

Task<int> run_serve(const ServeCommand& command, Log& log) {
  auto body = [&](Interrupt& interrupt) {
    return serve_until_interrupted(command, log, interrupt);
  };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
