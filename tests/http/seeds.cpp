// The server over simulated networks that lose, delay and cut: each request is answered by its own
// answer, in order, or not at all.
#include <random>

#include <ieum/buffered_reader.hpp>
#include <ieum/sim_network.hpp>

#include "http/head.hpp"
#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;

Task<Response> echo_id(Request& request) {
  std::string body = co_await request.body().text(100'000);
  std::string text = request.path("id");
  text.append(":").append(std::to_string(body.size()));
  co_return Response::text(std::move(text));
}

struct Run {
  std::size_t sent = 0;
  std::size_t answered = 0;
  int errors = 0;
};

Task<> serve_echo() {
  http::Routes routes;
  routes.post("/{id}", echo_id);
  Listener listener = co_await Listener::bind("0.0.0.0:80");
  co_await http::serve(std::move(listener), std::move(routes), {.idle_timeout = 200s});
}

std::size_t size_of_body(std::size_t id) { return id * 997 % 20'000; }

Task<> send_requests(StreamSocket& socket, std::size_t count, Run& run) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string request = post("/" + std::to_string(i), std::string(size_of_body(i), 'b'));
    co_await socket.write_all(request);
    ++run.sent;
  }
}

Task<> ask(std::size_t count, Run& run) {
  StreamSocket socket = co_await with_timeout(60s, StreamSocket::connect("server", 80));
  auto both = [&](Group& group) -> Task<> {
    group.start(send_requests(socket, count, run));
    BufferedReader reader(socket);
    for (std::size_t i = 0; i < count; ++i) {
      std::optional<std::string_view> text = co_await reader.read_until("\r\n\r\n");
      if (!text) co_return;
      http::detail::ResponseHead head;
      http::detail::HeadParser parser(head);
      const auto progress = parser.parse(*text);
      CO_ASSERT(progress == http::detail::HeadParser::Progress::complete);
      EXPECT_EQ(head.status, http::Status::ok);
      const ConstBuffer body = co_await reader.read_exact(head.content_length.value_or(0));
      const std::string_view got(reinterpret_cast<const char*>(body.data()), body.size());
      EXPECT_EQ(got, std::to_string(i) + ":" + std::to_string(size_of_body(i)));
      ++run.answered;
    }
  };
  co_await with_timeout(100s, with_group(both));
}

Task<> count_error(Task<> task, Run& run) {
  const Result<> done = co_await attempt(std::move(task));
  if (!done) ++run.errors;
}

void run_seed(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  SimNetwork net{seed};
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  LinkOptions link;
  link.latency = std::chrono::milliseconds(1 + random() % 50);
  link.jitter = std::chrono::milliseconds(random() % 20);
  link.loss = static_cast<double>(random() % 50) / 1000;
  net.set_link(server, client, link);
  const bool is_cut = random() % 2 == 0;
  if (is_cut) {
    net.at(std::chrono::milliseconds(random() % 2000), [&server] { server.crash(); });
  }
  const std::size_t count = 1 + random() % 20;
  Run run;
  server.start_background(serve_echo());
  client.start(count_error(ask(count, run), run));
  static_cast<void>(net.run());
  EXPECT_LE(run.answered, run.sent);
  if (!is_cut) {
    EXPECT_EQ(run.answered, count);
    EXPECT_EQ(run.errors, 0);
  }
}

TEST(HttpSeeds, give_every_request_its_own_answer) {
  const int count = long_form() ? 10'000 : sanitized ? 20 : 100;
  for (int i = 0; i < count; ++i) run_seed(seed() + static_cast<std::uint64_t>(i));
}

}  // namespace
}  // namespace ieum::test
