// Fuzzes whole conversations with a server: the first byte says in which pieces the rest comes. The
// server ends, and what it says begins as a response does.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

namespace {

using namespace ieum;

/// A client that sends what is given, then its end, and takes everything.
class Script final : public Stream {
 public:
  Script(std::string_view input, std::size_t piece) : input_(input), piece_(piece) {}
  std::string output;

  Task<> shutdown_write() override { co_return; }
  Task<> close() override {
    open_ = false;
    co_return;
  }
  bool is_open() const noexcept override { return open_; }
  void begin_read(ieum::detail::StreamIo& io, std::span<std::byte> into) override {
    io.use(read(into));
  }
  void begin_write(ieum::detail::StreamIo& io, const ieum::detail::WriteRequest& request) override {
    io.use(write(request));
  }
  void begin_wait_readable(ieum::detail::StreamIo& io) override { io.use(nothing()); }

 private:
  Task<std::size_t> read(std::span<std::byte> into) {
    const std::size_t count = std::min({into.size(), piece_, input_.size()});
    std::ranges::copy(std::as_bytes(std::span(input_.substr(0, count))), into.begin());
    input_.remove_prefix(count);
    co_return count;
  }
  Task<std::size_t> write(ieum::detail::WriteRequest request) {
    std::size_t count = 0;
    const auto take = [&](ConstBuffer part) {
      output.append(reinterpret_cast<const char*>(part.data()), part.size());
      count += part.size();
    };
    if (request.parts.empty()) take(request.data);
    for (const ConstBuffer part : request.parts) take(part);
    co_return count;
  }
  Task<std::size_t> nothing() { co_return 0; }

  std::string_view input_;
  std::size_t piece_;
  bool open_ = true;
};

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
