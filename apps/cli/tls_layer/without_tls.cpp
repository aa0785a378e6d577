// TlsEnd and the contexts where the library has no TLS: there are no tls:// addresses then, and the
// library itself says that it cannot ask servers of https://.
#include "tls_layer/tls_contexts.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

struct TlsEnd::Contexts {};
TlsEnd::TlsEnd() = default;
TlsEnd::~TlsEnd() = default;

std::expected<std::unique_ptr<TlsEnd>, Failure> TlsEnd::make(const CommonOptions& /*common*/,
                                                             Role /*role*/) {
  return nullptr;
}
Task<> TlsEnd::meet(Connection& /*connection*/, std::string /*host*/, EventLog& /*events*/,
                    std::optional<Failure>& /*failure*/) const {
  co_return;
}
void TlsEnd::announce(const Address& /*local*/, Log& /*log*/) const {}

bool has_tls() noexcept { return false; }

std::expected<std::shared_ptr<const TlsClientContext>, Failure> make_client_context(
    const TlsSettings& /*settings*/) {
  return nullptr;
}
std::expected<std::shared_ptr<const TlsServerContext>, Failure> make_server_context(
    const TlsSettings& /*settings*/, const std::string& /*name*/) {
  return nullptr;
}
std::string pin_of(const TlsServerContext& /*context*/) { return {}; }
std::string name_to_serve(const std::string& /*target*/) { return {}; }
Task<std::unique_ptr<Stream>> put_tls_over(StreamSocket socket,
                                           std::shared_ptr<const TlsServerContext> /*context*/) {
  co_return std::make_unique<StreamSocket>(std::move(socket));
}
Task<std::unique_ptr<Stream>> put_client_tls_over(
    std::unique_ptr<Stream> beneath, std::shared_ptr<const TlsClientContext> /*context*/,
    std::string /*name*/, TlsPeer& /*peer*/) {
  co_return std::move(beneath);
}

}  // namespace ieum::cli
