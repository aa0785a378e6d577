// Uploads that others can watch: whoever sends a body to /upload, its progress is an event for
// every browser that shows the page, and never is more of it in memory than one piece.
//
//     http_upload [ADDRESS]      then look at http://localhost:8080/, and
//     curl -T large.file localhost:8080/upload
#include <cstdio>
#include <string>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

using namespace ieum;
using http::Request;
using http::Response;

namespace {

constexpr const char* page = R"(<!doctype html><title>Uploads</title><pre id="log"></pre>
<script>
new EventSource('/progress').onmessage = (e) => { log.textContent += e.data + '\n'; };
</script>
)";

class Uploads {
 public:
  Task<Response> take(Request& request) {
    std::uint64_t bytes = 0;
    std::uint64_t told = 0;
    for (;;) {
      const ConstBuffer piece = co_await request.body().next();
      if (piece.empty()) break;
      bytes += piece.size();
      if (bytes - told >= step) {
        tell(std::to_string(bytes) + " bytes so far");
        told = bytes;
      }
    }
    tell(std::to_string(bytes) + " bytes, all of it");
    co_return Response::text(std::to_string(bytes) + " bytes\n");
  }

  Task<Response> watch(Request& request) {
    static_cast<void>(request);
    co_return Response::events([this](http::EventStream& events) { return send(events); });
  }

 private:
  static constexpr std::uint64_t step = std::uint64_t{1} << 20U;

  void tell(std::string text) {
    latest_ = std::move(text);
    ++count_;
    news_.set();
    news_.reset();  // who waits has been woken
  }
  Task<> send(http::EventStream& events) {
    std::uint64_t seen = count_;
    for (;;) {
      while (seen == count_) co_await news_.wait();
      seen = count_;  // who is slow gets the latest only
      http::ServerEvent event;
      event.data = latest_;
      co_await events.send(std::move(event));
    }
  }

  std::string latest_;
  std::uint64_t count_ = 0;
  Event news_;
};

Task<Response> show_page(Request& request) {
  static_cast<void>(request);
  co_return Response::html(page);
}

Task<> serve_uploads(std::string_view address) {
  Uploads uploads;
  http::Routes routes;
  routes.get("/", show_page);
  routes.put("/upload", [&](Request& request) { return uploads.take(request); });
  routes.post("/upload", [&](Request& request) { return uploads.take(request); });
  routes.get("/progress", [&](Request& request) { return uploads.watch(request); });
  Listener listener = co_await Listener::bind(address);
  std::printf("listening on %s\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  co_await http::serve(std::move(listener), std::move(routes),
                       {.body_bytes_max = std::uint64_t{1} << 40U});
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(serve_uploads(argc > 1 ? argv[1] : "127.0.0.1:8080"));
}
