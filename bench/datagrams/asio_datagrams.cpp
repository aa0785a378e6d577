// The datagram server with Asio, callbacks; what it received it sends at once.
#include <asio.hpp>

#include "datagrams/server.hpp"

namespace {

class Server {
 public:
  Server(asio::io_context& context, int socket, bool echo)
      : socket_(context, asio::ip::udp::v4(), socket), echo_(echo) {
    socket_.non_blocking(true);
  }

  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), from_,
                               [this](const asio::error_code& error, std::size_t count) {
                                 if (!error) take(count);
                                 receive();
                               });
  }

 private:
  void take(std::size_t count) {
    asio::error_code error;
    if (count == 1) {
      const bench::Report report(socket_.native_handle(), received_);
      socket_.send_to(asio::buffer(report.text.data(), report.size), from_, 0, error);
      return;
    }
    ++received_;
    if (echo_) socket_.send_to(asio::buffer(buffer_.data(), count), from_, 0, error);
  }

  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint from_;
  std::array<char, bench::datagram_bytes_max> buffer_{};
  std::uint64_t received_ = 0;
  bool echo_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::DatagramOptions options = bench::parse(argc, argv);
  asio::io_context context(1);
  Server server(context, bench::open_socket(0), options.echo);
  server.receive();
  context.run();
}
