// A reverse proxy: reverse_proxy 127.0.0.1:8080 http://127.0.0.1:9000
// Shows both sides of HTTP: each request is asked again of another server, whose answer is passed
// on; content and bodies go through as they come, whatever their size.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include <ieum/http/client.hpp>
#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

using namespace ieum;

/// The other server, and the connections to it.
struct Upstream {
  http::Client client;
  std::string url;
};

/// Fields that are of one connection only (RFC 9110, section 7.6.1), or that are made anew.
bool is_of_one_hop(const http::Fields& fields, std::string_view name) {
  constexpr std::array<std::string_view, 10> names = {
      "connection", "keep-alive",     "proxy-connection",  "te",  "trailer", "upgrade",
      "expect",     "content-length", "transfer-encoding", "host"};
  const auto is_same = [name](std::string_view one) {
    return std::ranges::equal(one, name, {}, {}, [](char c) { return std::tolower(c); });
  };
  return std::ranges::any_of(names, is_same) || fields.lists("connection", name);
}

http::Fields passed_on(const http::Fields& fields) {
  http::Fields passed;
  for (const http::Field field : fields) {
    if (!is_of_one_hop(fields, field.name)) static_cast<void>(passed.add(field.name, field.value));
  }
  return passed;
}

/// One side's body to the other's.
template <class From, class To>
Task<> copy(From& from, To& to) {
  for (;;) {
    const ConstBuffer piece = co_await from.next();
    if (piece.empty()) co_return;
    co_await to.write(piece);
  }
}

Task<http::Response> pass_on(Upstream& upstream, http::Request& request) {
  http::Fields fields = passed_on(request.fields());
  static_cast<void>(fields.add("X-Forwarded-For", printable(request.client().to_string())));
  http::RequestOptions options;
  options.fields = &fields;
  options.redirects_max = 0;  // these are the client's to follow
  options.decode = false;
  http::Content content;
  if (request.body().length() != 0) {
    auto write = [&request](http::ContentWriter& writer) { return copy(request.body(), writer); };
    content = http::Content::stream("", write, request.body().length());
  }
  Result<http::Reply> reply = co_await attempt(
      upstream.client.request(request.method_name(), upstream.url + std::string(request.target()),
                              std::move(content), options));
  if (!reply) {
    std::fprintf(stderr, "%s\n", reply.error().to_string().c_str());
    co_return http::Response::text("The server behind this one does not answer.\n",
                                   http::Status::bad_gateway);
  }
  auto shared = std::make_shared<http::Reply>(*std::move(reply));
  auto write = [shared](http::BodyWriter& writer) { return copy(shared->body(), writer); };
  http::Response response = http::Response::stream("", std::move(write));
  response.set_status(shared->status());
  response.fields() = passed_on(shared->fields());
  if (const auto length = shared->fields().get("content-length")) {
    co_await response.fields().set("Content-Length", *length);
  }
  co_return response;
}

Task<> run_proxy(const char* address, std::string url) {
  Upstream upstream{http::Client(), std::move(url)};
  http::Routes routes;
  routes.any("/{path...}",
             [&upstream](http::Request& request) { return pass_on(upstream, request); });
  Listener listener = co_await Listener::bind(address);
  std::printf("http://%s\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  co_await http::serve(std::move(listener), std::move(routes));
}

int main(int count, char** words) {
  if (count != 3) {
    std::fputs("usage: reverse_proxy ADDRESS URL\n", stderr);
    return 2;
  }
  return run_main(run_proxy(words[1], words[2]));
}
