// The HTTP benchmark's server with Boost.Beast, on callbacks: 13 bytes for `/`, and the files of a
// directory, which is its argument, beneath `/files/`.
#include <sys/prctl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http_programs/pattern.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

std::string directory = ".";

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->answer();
                     });
  }

 private:
  void answer() {
    const beast::string_view target = request_.target();
    if (!target.starts_with("/files/")) {
      static const std::string body = bench::body_of(bench::short_body_bytes);
      text_.emplace(http::status::ok, request_.version());
      text_->set(http::field::content_type, "text/plain; charset=utf-8");
      text_->keep_alive(request_.keep_alive());
      text_->body() = body;
      text_->prepare_payload();
      return write(*text_);
    }
    beast::error_code error;
    http::file_body::value_type body;
    body.open((directory + std::string(target.substr(6))).c_str(), beast::file_mode::scan, error);
    if (error) return;
    const std::uint64_t size = body.size();
    file_.emplace(std::piecewise_construct, std::make_tuple(std::move(body)),
                  std::make_tuple(http::status::ok, request_.version()));
    file_->set(http::field::content_type, "application/octet-stream");
    file_->content_length(size);
    file_->keep_alive(request_.keep_alive());
    write(*file_);
  }

  template <class Body>
  void write(http::response<Body>& response) {
    http::async_write(socket_, response,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (error) return;
                        self->file_.reset();
                        self->read();
                      });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  std::optional<http::response<http::string_body>> text_;
  std::optional<http::response<http::file_body>> file_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (argc > 1) directory = argv[1];
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  acceptor.listen(4096);
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  accept(acceptor);
  context.run();
}
