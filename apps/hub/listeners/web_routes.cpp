// What the hub answers over HTTP.
#include "listeners/web_routes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <ieum/address.hpp>
#include <ieum/websocket/accept.hpp>

#include "irc/limits.hpp"
#include "irc/text.hpp"
#include "listeners/bot_api.hpp"
#include "listeners/metrics.hpp"
#include "listeners/origin.hpp"
#include "listeners/page.hpp"
#include "listeners/web_stream.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

// Nothing but what the hub itself has served, no frames, and no markup that a script makes of text.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

// A line that is too long, but not by far, is answered by 417 and not by the connection's end.
constexpr std::size_t message_bytes_max = 2 * limits::received_bytes;

Task<> talk(Hub& hub, WebSocket socket, Origin origin) {
  WebStream stream(std::move(socket));
  Session session(hub, stream, std::move(origin));
  co_await session.run();
}

/// A session to come. Its place is given back once it has ended, or was refused.
struct Talk {
  Hub* hub;
  Origin origin;
  Admission::Place place;
  Task<> operator()(WebSocket socket) { return talk(*hub, std::move(socket), std::move(origin)); }
};

/// Host without its port; `[::1]` keeps its brackets.
std::string_view host_of(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  return authority.substr(0, has_port ? colon : authority.size());
}

Task<http::Response> open_session(Hub& hub, http::Request& request) {
  Origin origin = origin_of(request.client(), request.scheme() == "https", hub.config());
  Admission::Place place = hub.common().admission.enter(origin.host, hub.config());
  if (!place) {
    co_return http::Response::text("Too many connections, please try again later\n",
                                   http::Status::service_unavailable);
  }
  WebSocketOptions options;
  options.message_bytes_max = message_bytes_max;
  options.subprotocols = "text.ircv3.net, binary.ircv3.net";
  Talk talking{&hub, std::move(origin), std::move(place)};
  http::Response response = websocket::accept(request, std::move(talking), options);
  co_return response;
}

Task<http::Response> send_file(const PageFile& file, http::Request& request) {
  http::Response response;
  static_cast<void>(response.fields().set("ETag", file.etag));
  static_cast<void>(response.fields().set("Vary", "Accept-Encoding"));
  static_cast<void>(response.fields().set(
      "Cache-Control", file.is_immutable ? "public, max-age=31536000, immutable" : "no-cache"));
  if (request.field("If-None-Match") == file.etag) {
    response.set_status(http::Status::not_modified);
    co_return response;
  }
  // Browsers take brotli over HTTPS and from their own machine; everybody takes gzip.
  const bool takes_brotli = request.fields().all("Accept-Encoding").contains("br");
  static_cast<void>(response.fields().set("Content-Type", file.type));
  static_cast<void>(response.fields().set("Content-Encoding", takes_brotli ? "br" : "gzip"));
  response.set_body(std::string(takes_brotli ? file.brotli : file.gzip));
  co_return response;
}

Task<http::Response> say_there_is_no_page(http::Request& /*request*/) {
  co_return http::Response::text(
      "This hub was built without its page, which needs npm. Join it with any IRC client.\n");
}

Task<http::Response> say_it_is_well(http::Request& /*request*/) {
  co_return http::Response::text("ok\n");
}

Task<http::Response> guard(const Hub& hub, http::Request& request, http::Next next) {
  if (!is_own_host(request.authority(), hub.config())) {
    co_return http::Response::text(
        "This hub is not known by that name. If it is right: ieum-hub --hosts NAME\n",
        http::Status::misdirected_request);
  }
  http::Response response = co_await next(request);
  const auto set = [&](std::string_view name, std::string_view value) {
    static_cast<void>(response.fields().set(name, value));
  };
  set("Content-Security-Policy", content_security_policy);
  set("X-Content-Type-Options", "nosniff");
  set("Referrer-Policy", "no-referrer");
  set("Cross-Origin-Opener-Policy", "same-origin");
  set("Cross-Origin-Resource-Policy", "same-origin");
  co_return response;
}

/// What all that is served over HTTP goes through.
http::Routes guarded_routes(Hub& hub) {
  http::Routes routes;
  for (const std::string& proxy : hub.config().proxies) {
    static_cast<void>(routes.trust(proxy));  // the configuration was checked
  }
  routes.around([&hub](http::Request& request, http::Next next) {
    return guard(hub, request, std::move(next));
  });
  routes.on_access([&hub](const http::Access& access) {
    const auto status = static_cast<std::size_t>(access.status);
    Counts& counts = hub.counts();
    if (status / 100 < counts.http_responses.size()) ++counts.http_responses[status / 100];
    if (access.error && status == 500) {
      hub.events().write("request-failed", {{"error", access.error->to_string()}});
    }
  });
  return routes;
}

Task<http::Response> tell_metrics(const Hub& hub) {
  co_return http::Response::bytes("text/plain; version=0.0.4; charset=utf-8", metrics_text(hub));
}

}  // namespace

bool is_own_host(std::string_view authority, const Config& config) {
  std::string_view host = host_of(authority);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.starts_with('[')) return host.ends_with(']');
  const std::string name = key_of(host);
  if (name == "localhost" || name.ends_with(".localhost") || name == key_of(config.name)) {
    return true;
  }
  const bool is_listed = std::ranges::any_of(
      config.hosts, [&](const std::string& own) { return key_of(own) == name; });
  // In figures: names of the last label end in a letter.
  return is_listed || (!name.empty() && name.find_first_not_of("0123456789.") == std::string::npos);
}

http::Routes web_routes(Hub& hub) {
  http::Routes routes = guarded_routes(hub);
  routes.get("/irc", [&hub](http::Request& request) { return open_session(hub, request); });
  routes.get("/healthz", say_it_is_well);
  add_bot_routes(routes, hub);
  for (const PageFile& file : page_files()) {
    routes.get(file.path, [&file](http::Request& request) { return send_file(file, request); });
  }
  if (page_files().empty()) routes.get("/", say_there_is_no_page);
  return routes;
}

http::Routes metrics_routes(Hub& hub) {
  http::Routes routes = guarded_routes(hub);
  routes.get("/metrics", [&hub](http::Request& /*request*/) { return tell_metrics(hub); });
  return routes;
}

}  // namespace ieum::hub
