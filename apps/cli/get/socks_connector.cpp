#include "get/socks_connector.hpp"

namespace ieum::cli {

Task<std::unique_ptr<Stream>> SocksConnector::connect(HostPort to, ConnectOptions options) {
  refusal_.reset();
  StreamSocket socket = co_await StreamSocket::connect(proxy_.target, options);
  co_await connect_through(socket, proxy_, credentials_, std::move(to), refusal_);
  co_return std::make_unique<StreamSocket>(std::move(socket));
}

}  // namespace ieum::cli
