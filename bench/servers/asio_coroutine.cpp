// The benchmark's server with Asio's coroutines. Built twice: Asio alone on epoll, Boost.Asio on
// io_uring. Errors are taken as codes, so that the end of a connection throws nothing.
#include <array>
#include <memory>
#include <utility>

#include "servers/asio_names.hpp"
#include "servers/server.hpp"

namespace {

using net::ip::tcp;

bool echoes;

net::awaitable<void> serve(tcp::socket socket) {
  std::array<char, bench::buffer_bytes> buffer;
  ErrorCode error;
  auto token = net::redirect_error(net::use_awaitable, error);
  for (;;) {
    const std::size_t count = co_await socket.async_read_some(net::buffer(buffer), token);
    if (error) co_return;
    if (!echoes) continue;
    co_await net::async_write(socket, net::buffer(buffer, count), token);
    if (error) co_return;
  }
}

net::awaitable<void> accept(tcp::acceptor& acceptor) {
  for (;;) {
    ErrorCode error;
    tcp::socket socket =
        co_await acceptor.async_accept(net::redirect_error(net::use_awaitable, error));
    if (!error) net::co_spawn(acceptor.get_executor(), serve(std::move(socket)), net::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  net::io_context context(1);
  tcp::acceptor acceptor(context, tcp::v4(), bench::listen(options, 0));
  net::co_spawn(context, accept(acceptor), net::detached);
  context.run();
}
