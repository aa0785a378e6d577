// Fuzzes whole conversations with a server: the first byte says in which pieces the rest comes. The
// server ends, and what it says begins as a response does.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

#include "fuzz/script.hpp"

namespace {

using namespace ieum;
using test::Script;

Task<http::Response> echo(http::Request& request) {
  std::string text = co_await request.body().text(10'000);
  co_return http::Response::text(std::move(text));
}

Task<http::Response> ignore(http::Request& request) {
  static_cast<void>(request);
  co_return http::Response::stream("x/y", [](http::BodyWriter& writer) -> Task<> {
    co_await writer.write("one");
    co_await writer.write("two");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  static const std::unique_ptr<Runtime> runtime = Runtime::create().value();
  static const http::Routes routes = [] {
    http::Routes all;
    all.any("/echo/{id}", echo);
    all.get("/stream/{rest...}", ignore);
    return all;
  }();
  Script script({data + 1, size - 1},
                std::max<std::size_t>(static_cast<unsigned char>(data[0]), 1));
  const Result<> done = run(*runtime, http::serve_on(script, routes));
  if (!done || script.is_open()) std::abort();
  if (!script.output.empty() && !script.output.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
