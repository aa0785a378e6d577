#include "tls_layer/tls_contexts.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>
#include <ieum/tls_stream.hpp>

namespace ieum::cli {

namespace {

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

}  // namespace

bool has_tls() noexcept { return true; }

std::expected<std::shared_ptr<const TlsClientContext>, Failure> make_client_context(
    const TlsSettings& settings) {
  Result<TlsClientContext> made = make_client(settings);
  if (!made) return std::unexpected(cannot_load(made.error()));
  return std::make_shared<const TlsClientContext>(*std::move(made));
}

std::expected<std::shared_ptr<const TlsServerContext>, Failure> make_server_context(
    const TlsSettings& settings, const std::string& name) {
  Result<TlsServerContext> made = make_server(settings, name);
  if (!made) return std::unexpected(cannot_load(made.error()));
  return std::make_shared<const TlsServerContext>(*std::move(made));
}

std::string pin_of(const TlsServerContext& context) { return context.pin(); }

std::string name_to_serve(const std::string& target) {
  const Result<HostPort> place = HostPort::parse(target);
  if (!place) return own_name();  // *:PORT
  const bool is_any = place->address() &&
                      place->address()->bytes().find_first_not_of('\0') == std::string_view::npos;
  return is_any ? own_name() : std::string(place->host());
}

Task<std::unique_ptr<Stream>> put_tls_over(StreamSocket socket,
                                           std::shared_ptr<const TlsServerContext> context) {
  TlsStream stream = co_await TlsStream::server(std::move(socket), *context);
  co_return std::make_unique<TlsStream>(std::move(stream));
}

Task<std::unique_ptr<Stream>> put_client_tls_over(std::unique_ptr<Stream> beneath,
                                                  std::shared_ptr<const TlsClientContext> context,
                                                  std::string name, TlsPeer& peer) {
  TlsOptions options;
  options.context = context.get();
  options.peer = &peer;
  TlsStream stream = co_await TlsStream::client(std::move(beneath), name, options);
  co_return std::make_unique<TlsStream>(std::move(stream));
}

}  // namespace ieum::cli
