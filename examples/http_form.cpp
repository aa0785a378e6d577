// A page with a form and a picture, and what was sent with it.
//
//     http_form [ADDRESS]        then look at http://localhost:8080/
#include <cstdio>
#include <string>

#include <ieum/http/form.hpp>
#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

using namespace ieum;
using http::Request;
using http::Response;

namespace {

constexpr const char* page = R"(<!doctype html><title>A form</title>
<img src="/circle.svg" alt="a circle" width="64" height="64">
<form method="post" action="/greet">
  <label>Your name <input name="name" required></label> <button>Greet me</button>
</form>
)";

constexpr const char* circle = R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2">
<circle cx="1" cy="1" r="1" fill="teal"/></svg>
)";

/// What a visitor has written is text, whatever it looks like.
std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '&': html += "&amp;"; break;
      case '"': html += "&quot;"; break;
      default: html += c;
    }
  }
  return html;
}

Task<Response> show_page(Request& request) {
  static_cast<void>(request);
  co_return Response::html(page);
}

Task<Response> show_circle(Request& request) {
  static_cast<void>(request);
  co_return Response::bytes("image/svg+xml", circle);
}

Task<Response> greet(Request& request) {
  const std::string text = co_await request.body().text(10'000);
  std::string name = "stranger";
  for (const auto& [key, value] : http::parse_form(text)) {
    if (key == "name") name = value;
  }
  co_return Response::html("<!doctype html><title>Hello</title><p>Hello, " + escaped(name) + "!\n");
}

Task<> serve_form(std::string_view address) {
  http::Routes routes;
  routes.get("/", show_page);
  routes.get("/circle.svg", show_circle);
  routes.post("/greet", greet);
  Listener listener = co_await Listener::bind(address);
  std::printf("listening on %s\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  co_await http::serve(std::move(listener), std::move(routes));
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(serve_form(argc > 1 ? argv[1] : "127.0.0.1:8080"));
}
