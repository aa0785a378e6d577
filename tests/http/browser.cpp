// Chromium as a client: a page with an image, a form that it posts, events, and what it says of
// them.
#include <ieum/http/form.hpp>

#include "http/talk.hpp"
#include "support/network_namespace.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

constexpr std::string_view page = R"(<!doctype html>
<title>a page</title>
<img id="image" src="/image.svg?a=b">
<form id="form" method="post" action="/form" target="frame">
<input name="text" value="이음 &amp; more"><input name="text" value="2"></form>
<iframe name="frame" id="frame"></iframe>
<script>
const loaded = (element) => new Promise((done) => element.addEventListener('load', done));
const events = () => new Promise((done) => {
  const seen = [];
  const source = new EventSource('/events');
  source.addEventListener('count', (event) => {
    seen.push(event.lastEventId + ':' + event.data);
    if (seen.length === 3) { source.close(); done(seen); }
  });
});
(async () => {
  const image = document.getElementById('image');
  if (!image.complete) await loaded(image);
  const frame = document.getElementById('frame');
  const posted = loaded(frame);
  document.getElementById('form').submit();
  await posted;
  const streamed = await (await fetch('/stream')).text();
  const again = await Promise.all([...Array(20).keys()].map(
    async (i) => (await fetch('/echo', {method: 'POST', body: 'x'.repeat(i * 5000)})).text()));
  await fetch('/done', {method: 'POST', body: [
    image.naturalWidth, frame.contentDocument.body.textContent.trim(), (await events()).join(' '),
    streamed, again.join(',')].join('\n')});
})().catch((error) => fetch('/done', {method: 'POST', body: String(error)}));
</script>
)";

Task<Response> show_form(Request& request) {
  const std::string text = co_await request.body().text(10'000);
  std::string said;
  for (const auto& [name, value] : http::parse_form(text)) {
    said.append(name).append("=").append(value).append(";");
  }
  co_return Response::text(std::move(said));
}

Task<> count(http::EventStream& events) {
  for (int i = 1; i <= 3; ++i) {
    http::ServerEvent event;
    event.data = std::string("line ") + std::to_string(i) + "\nand more";
    event.event = "count";
    event.id = std::to_string(i);
    co_await events.send(std::move(event));
  }
  co_await sleep(60s);  // it closes
}

Task<Response> measure(Request& request) {
  const std::string text = co_await request.body().text(std::size_t{1} << 20U);
  co_return Response::text(std::to_string(text.size()));
}

Task<> browses(std::string program) {
  std::string said;
  Event done;
  Routes routes;
  routes.get("/", [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::html(std::string(page));
  });
  routes.get("/image.svg", [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::bytes("image/svg+xml",
                              "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>");
  });
  routes.post("/form", show_form);
  routes.post("/echo", measure);
  routes.get("/events", [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::events(count);
  });
  routes.get("/stream", [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::stream("text/plain", [](http::BodyWriter& writer) -> Task<> {
      co_await writer.write("one ");
      co_await writer.write("two");
    });
  });
  auto hears = [&](Request& request) -> Task<Response> {
    said = co_await request.body().text(10'000);
    done.set();
    co_return Response();
  };
  routes.post("/done", hears);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string url = "http://" + listener.address().to_string() + "/";
  const TemporaryDirectory directory;
  const std::vector<std::string> command{program,
                                         "--headless=new",
                                         "--no-sandbox",
                                         "--disable-gpu",
                                         "--disable-dev-shm-usage",
                                         "--no-first-run",
                                         "--user-data-dir=" + directory.path("profile"),
                                         url};
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    Process browser = co_await Process::start(command, silent);
    co_await done.wait();
    const ExitStatus status = co_await browser.stop(5s);
    static_cast<void>(status);
    const DrainReport report = co_await server.drain(5s);
    static_cast<void>(report);  // a browser keeps what it may need again
  };
  co_await with_group(all);
  EXPECT_EQ(said,
            "7\ntext=이음 & more;text=2;\n1:line 1\nand more 2:line 2\nand more 3:line 3\nand "
            "more\none two\n"
            "0,5000,10000,15000,20000,25000,30000,35000,40000,45000,50000,55000,60000,65000,70000,"
            "75000,80000,85000,90000,95000");
}

TEST(HttpBrowser, chromium_shows_a_page) {
  NEEDS("chromium", "chromium");
  expect_success_in_time(browses("chromium"));
}

}  // namespace
}  // namespace ieum::test
