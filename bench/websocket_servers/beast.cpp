// The benchmark's WebSocket server with Boost.Beast, as its examples write one: callbacks, a buffer
// and a queue of shared messages a session. One thread, and told so.
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>

#include "websocket_servers/websocket_server.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;
using Error = boost::system::error_code;

bench::WebSocketMode mode;

class Session;
std::unordered_set<Session*> members;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Socket socket) : stream_(std::move(socket)) {}
  ~Session() { members.erase(this); }

  void begin() {
    if (mode == bench::WebSocketMode::deflate) {
      beast::websocket::permessage_deflate deflate;
      deflate.server_enable = true;
      deflate.server_max_window_bits = 12;
      deflate.client_max_window_bits = 12;
      deflate.memLevel = 5;
      stream_.set_option(deflate);
    }
    stream_.async_accept([self = shared_from_this()](Error error) {
      if (error) return;
      self->stream_.binary(true);
      self->stream_.auto_fragment(false);
      if (mode == bench::WebSocketMode::fanout) members.insert(self.get());
      self->receive();
    });
  }

  void send(const std::shared_ptr<const std::string>& message) {
    queue_.push_back(message);
    if (queue_.size() == 1) send_first();
  }

 private:
  void receive() {
    stream_.async_read(buffer_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return self->end();
      if (mode == bench::WebSocketMode::fanout) {
        self->tell_all();
      } else {
        self->echo();
      }
    });
  }

  void echo() {
    stream_.async_write(buffer_.data(), [self = shared_from_this()](Error error, std::size_t) {
      if (error) return;
      self->buffer_.consume(self->buffer_.size());
      self->receive();
    });
  }

  void tell_all() {
    const auto message =
        std::make_shared<const std::string>(beast::buffers_to_string(buffer_.data()));
    buffer_.consume(buffer_.size());
    for (Session* const member : members) member->send(message);
    receive();
  }

  void send_first() {
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = shared_from_this()](Error error, std::size_t) {
                          if (error) return self->end();
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) self->send_first();
                        });
  }

  void end() { members.erase(this); }

  beast::websocket::stream<Socket> stream_;
  beast::flat_buffer buffer_;
  std::deque<std::shared_ptr<const std::string>> queue_;
};

void accept(asio::io_context& context, Tcp::acceptor& acceptor) {
  acceptor.async_accept(context, [&](Error error, Socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->begin();
    accept(context, acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  mode = bench::parse_websocket(argc, argv);
  asio::io_context context(1);
  Tcp::acceptor acceptor(context);
  acceptor.assign(Tcp::v4(), bench::listen({}, 0));
  accept(context, acceptor);
  context.run();
}
