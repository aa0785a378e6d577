#include "tls_layer/tls_end.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>
#include <ieum/tls_stream.hpp>

#include "report/event_log.hpp"
#include "tls_layer/tls_contexts.hpp"
#include "tls_layer/tls_failure.hpp"

namespace ieum::cli {

struct TlsEnd::Contexts {
  TlsSettings settings;
  std::shared_ptr<const TlsClientContext> client{};  // one of the two
  std::shared_ptr<const TlsServerContext> server{};
  std::string name{};    // of the self-signed certificate
  Duration patience{0};  // for the client's handshake
};

namespace {

/// For what is not said with -w.
constexpr Duration handshake_max = TlsOptions{}.handshake_timeout;

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
    auto made = make_client_context(common.tls);
    if (!made) return std::unexpected(made.error());
    contexts.client = *std::move(made);
  } else {
    if (common.tls.self_signed) contexts.name = name_to_serve(common.endpoint.target);
    auto made = make_server_context(common.tls, contexts.name);
    if (!made) return std::unexpected(made.error());
    contexts.server = *std::move(made);
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
    options.context = contexts.client.get();
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
      failure = explain_tls_failure(met.error(), peer,
                                    contexts.server ? TlsUser::listen : TlsUser::connect);
    }
    co_await fail(met.error());
  }
  events.secured(peer, EventLog::Clock::now() - start, contexts.settings.insecure);
  connection.put_over(std::make_unique<TlsStream>(*std::move(met)));
}

std::string TlsEnd::pin() const {
  return contexts_->server && contexts_->settings.self_signed ? contexts_->server->pin() : "";
}

void TlsEnd::announce_certificate(Log& log) const {
  if (pin().empty()) return;
  log.notice({"self_signed",
              fmt::format("made a certificate for {}, which nobody vouches for; its pin is {}",
                          contexts_->name, pin()),
              {},
              {{"name", contexts_->name}, {"pin", pin()}}});
}

void TlsEnd::announce(const Address& local, Log& log) const {
  if (pin().empty()) return;
  announce_certificate(log);
  const Result<HostPort> place = HostPort::make(contexts_->name, local.port());
  const std::string where = place ? place->to_string() : local.to_string();
  const std::string line = fmt::format("ieum connect --insecure --pin {} tls://{}", pin(), where);
  log.notice({"connect_with", "connect with: " + line, {}, {{"command", line}}});
}

}  // namespace ieum::cli
