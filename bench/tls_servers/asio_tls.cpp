// The TLS benchmark's server with Asio, as its callback examples write it.
#include <array>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <memory>
#include <utility>

#include "tls_servers/tls_server.hpp"

namespace {

using asio::ip::tcp;

bool echoes;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  void begin() {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](asio::error_code error) {
                              if (!error) self->read();
                            });
  }

 private:
  void read() {
    stream_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](asio::error_code error, std::size_t count) {
                              if (error) return self->end();
                              if (echoes) {
                                self->write(count);
                              } else {
                                self->read();
                              }
                            });
  }

  void write(std::size_t count) {
    asio::async_write(stream_, asio::buffer(buffer_, count),
                      [self = shared_from_this()](asio::error_code error, std::size_t /*count*/) {
                        if (!error) self->read();
                      });
  }

  void end() {
    stream_.async_shutdown([self = shared_from_this()](asio::error_code /*error*/) {});
  }

  asio::ssl::stream<tcp::socket> stream_;
  std::array<char, bench::buffer_bytes> buffer_;
};

void accept(tcp::acceptor& acceptor, asio::ssl::context& context) {
  acceptor.async_accept([&](asio::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket), context)->begin();
    accept(acceptor, context);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  asio::io_context context(1);
  asio::ssl::context tls(asio::ssl::context::tls_server);
  bench::configure_tls(tls.native_handle());
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen(options, 0));
  accept(acceptor, tls);
  context.run();
}
