// TlsEnd where the library has no TLS: there are no tls:// addresses then.
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

}  // namespace ieum::cli
