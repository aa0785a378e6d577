// The benchmark's server with Asio, as its callback examples write it. Built twice: Asio alone on
// epoll, Boost.Asio on io_uring.
#include <array>
#include <memory>
#include <utility>

#include "servers/asio_names.hpp"
#include "servers/server.hpp"

namespace {

using net::ip::tcp;

bool echoes;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(net::buffer(buffer_),
                            [self = shared_from_this()](ErrorCode error, std::size_t count) {
                              if (error) return;
                              if (echoes) {
                                self->write(count);
                              } else {
                                self->read();
                              }
                            });
  }

 private:
  void write(std::size_t count) {
    net::async_write(socket_, net::buffer(buffer_, count),
                     [self = shared_from_this()](ErrorCode error, std::size_t /*count*/) {
                       if (!error) self->read();
                     });
  }

  tcp::socket socket_;
  std::array<char, bench::buffer_bytes> buffer_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](ErrorCode error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  net::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen(options, 0));
  accept(acceptor);
  context.run();
}
