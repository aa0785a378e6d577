// What the tests of HTTP share.
#include "http/talk.hpp"

namespace ieum::test {

namespace {

Task<> write_pieces(StreamSocket& socket, std::string_view text, std::size_t piece) {
  while (!text.empty()) {
    const std::string_view some = text.substr(0, piece);
    Result<> written = co_await attempt(socket.write_all(some));
    if (!written) co_return;  // refused meanwhile
    text.remove_prefix(some.size());
    co_await yield();
  }
  Result<> finished = co_await attempt(socket.shutdown_write());
  static_cast<void>(finished);
}

/// All until the end, or until the connection broke.
Task<> read_all(StreamSocket& socket, std::string& into) {
  for (;;) {
    Result<Lease> data = co_await attempt(socket.receive());
    if (!data || data->empty()) co_return;
    into += data->text();
  }
}

}  // namespace

Task<http::Response> count_body(http::Request& request) {
  std::size_t bytes = 0;
  for (;;) {
    const ConstBuffer piece = co_await request.body().next();
    if (piece.empty()) break;
    bytes += piece.size();
  }
  co_return http::Response::text(std::to_string(bytes));
}

Task<std::string> talk_in_pieces(const http::Routes& routes, std::string input, std::size_t piece,
                                 http::ServerOptions options) {
  Pair pair = co_await connected();
  std::string output;
  auto body = [&](Group& group) -> Task<> {
    group.start(http::serve_on(pair.server, routes, options));
    group.start(write_pieces(pair.client, input, piece));
    co_await read_all(pair.client, output);
    co_await group.join();
  };
  co_await with_group(body);
  co_return without_dates(output);
}

Task<std::string> talk_to(const http::Routes& routes, std::string input,
                          http::ServerOptions options) {
  const std::size_t size = input.size() + 1;
  std::string output = co_await talk_in_pieces(routes, std::move(input), size, options);
  co_return output;
}

std::string without_dates(std::string_view text) {
  std::string rest;
  for (;;) {
    const std::size_t at = text.find("Date: ");
    if (at == text.npos) return rest.append(text);
    rest.append(text.substr(0, at));
    text.remove_prefix(std::min(text.find("\r\n", at) + 2, text.size()));
  }
}

std::string get(std::string_view path, std::string_view more) {
  std::string text = "GET ";
  text.append(path).append(" HTTP/1.1\r\nHost: a\r\n").append(more).append("\r\n");
  return text;
}

std::string post(std::string_view path, std::string_view body, std::string_view more) {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: a\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(more).append("\r\n").append(body);
  return text;
}

std::string statuses(std::string_view text) {
  std::string all;
  for (std::size_t at = text.find("HTTP/1.1 "); at != text.npos;
       at = text.find("HTTP/1.1 ", at + 1)) {
    if (!all.empty()) all += ' ';
    all.append(text.substr(at + 9, 3));
  }
  return all;
}

}  // namespace ieum::test
