#include "tls_layer/tls_end.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>
#include <ieum/tls_stream.hpp>

#include "report/event_log.hpp"
#include "tls_layer/tls_failure.hpp"

namespace ieum::cli {

struct TlsEnd::Contexts {
  TlsSettings settings;
  std::optional<TlsClientContext> client{};  // one of the two
  std::optional<TlsServerContext> server{};
  std::string name{};    // of the self-signed certificate
  Duration patience{0};  // for the client's handshake
};

namespace {

/// For what is not said with -w.
constexpr Duration handshake_max = TlsOptions{}.handshake_timeout;

Failure cannot_load(const Error& error) { return {Status::other, error.to_string()}; }

Result<TlsClientContext> make_client(const TlsSettings& settings) {
  const bool trusts_system = settings.authorities.empty() && !settings.insecure;
  Result<TlsClientContext> made =
      trusts_system ? TlsClientContext::create() : TlsClientContext::create_without_roots();
  if (!made) return made;
  if (settings.insecure) made->verify_nothing();
  Result<> set;
  if (!settings.authorities.empty()) set = made->add_roots(settings.authorities);
  for (const std::string& pin : settings.pins) {
    if (set) set = made->pin(pin);
  }
  if (set && !settings.certificate.empty()) {
    set = made->use_certificate(settings.certificate, settings.key);
  }
  if (set && !settings.alpn.empty()) set = made->set_alpn(settings.alpn);
  if (set && !settings.key_log.empty()) set = made->log_keys(settings.key_log);
  if (!set) return fail(set.error());
  return made;
}

Result<TlsServerContext> make_server(const TlsSettings& settings, const std::string& name) {
  Result<TlsServerContext> made = settings.self_signed
                                      ? TlsServerContext::self_signed(name)
                                      : TlsServerContext::load(settings.certificate, settings.key);
  if (!made) return made;
  Result<> set;
  if (!settings.authorities.empty()) set = made->require_clients(settings.authorities);
  if (set && !settings.alpn.empty()) set = made->set_alpn(settings.alpn);
  if (set && !settings.key_log.empty()) set = made->log_keys(settings.key_log);
  if (!set) return fail(set.error());
  return made;
}

/// Of this machine, for clients elsewhere.
std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) < 0) return "localhost";
  return HostPort::make(name.data(), 0) ? name.data() : "localhost";
}

/// Of "*:4433", "localhost:4433", "[::]:4433".
std::string name_to_serve(const std::string& target) {
  const Result<HostPort> place = HostPort::parse(target);
  if (!place) return own_name();  // *:PORT
  const bool is_any = place->address() &&
                      place->address()->bytes().find_first_not_of('\0') == std::string_view::npos;
  return is_any ? own_name() : std::string(place->host());
}

}  // namespace

TlsEnd::TlsEnd() : contexts_(std::make_unique<Contexts>()) {}
TlsEnd::~TlsEnd() = default;

std::expected<std::unique_ptr<TlsEnd>, Failure> TlsEnd::make(const CommonOptions& common,
                                                             Role role) {
  if (common.endpoint.scheme != Scheme::tls) return nullptr;
  std::unique_ptr<TlsEnd> end(new TlsEnd);
  Contexts& contexts = *end->contexts_;
  contexts.settings = common.tls;
  contexts.patience = std::max(common.wait, handshake_max);
  if (role == Role::connect) {
    Result<TlsClientContext> made = make_client(common.tls);
    if (!made) return std::unexpected(cannot_load(made.error()));
    contexts.client.emplace(*std::move(made));
  } else {
    if (common.tls.self_signed) contexts.name = name_to_serve(common.endpoint.target);
    Result<TlsServerContext> made = make_server(common.tls, contexts.name);
    if (!made) return std::unexpected(cannot_load(made.error()));
    contexts.server.emplace(*std::move(made));
  }
  return end;
}

Task<> TlsEnd::meet(Connection& connection, std::string host, EventLog& events,
                    std::optional<Failure>& failure) const {
  const Contexts& contexts = *contexts_;
  TlsPeer peer;
  TlsObserver* const observer = events.log().reports_events() ? &events : nullptr;
  const EventLog::Clock::time_point start = EventLog::Clock::now();
  Result<TlsStream> met;
  if (contexts.client) {
    if (!contexts.settings.server_name.empty()) host = contexts.settings.server_name;
    TlsOptions options;
    options.context = &*contexts.client;
    options.handshake_timeout = contexts.patience;
    options.peer = &peer;
    options.observer = observer;
    events.handshaking(host);
    met = co_await attempt(TlsStream::client(connection.socket(), host, options));
  } else {
    TlsServerOptions options;
    options.peer = &peer;
    options.observer = observer;
    events.handshaking({});
    met = co_await attempt(TlsStream::server(connection.socket(), *contexts.server, options));
  }
  events.certificates(peer);
  if (!met) {
    if (met.error() != std::errc::operation_canceled) {
      failure = explain_tls_failure(met.error(), peer, contexts.server.has_value());
    }
    co_await fail(met.error());
  }
  events.secured(peer, EventLog::Clock::now() - start, contexts.settings.insecure);
  connection.put_over(std::make_unique<TlsStream>(*std::move(met)));
}

void TlsEnd::announce(const Address& local, Log& log) const {
  if (!contexts_->server || !contexts_->settings.self_signed) return;
  const std::string pin = contexts_->server->pin();
  log.notice({"self_signed",
              fmt::format("made a certificate for {}, which nobody vouches for; its pin is {}",
                          contexts_->name, pin),
              {},
              {{"name", contexts_->name}, {"pin", pin}}});
  const Result<HostPort> place = HostPort::make(contexts_->name, local.port());
  const std::string where = place ? place->to_string() : local.to_string();
  const std::string line = fmt::format("ieum connect --insecure --pin {} tls://{}", pin, where);
  log.notice({"connect_with", "connect with: " + line, {}, {{"command", line}}});
}

}  // namespace ieum::cli
