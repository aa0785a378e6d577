// The client over simulated networks that lose, delay and cut: each request is answered once, or
// gets an error; never another's answer.
#include <array>
#include <charconv>
#include <map>
#include <random>

#include <ieum/http/client.hpp>
#include <ieum/http/server.hpp>
#include <ieum/sim_network.hpp>

#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Content;
using http::Reply;
using http::RequestOptions;

/// What a server did, which outlives its crashes.
struct Done {
  std::map<std::string, int> posts;  // by their number
};

/// Answers each request with its own number, in one of several ways, and now and then breaks off.
Task<> answer_all(StreamSocket socket, Done& done, std::mt19937_64& random) {
  std::string come;
  for (;;) {
    const std::size_t end = co_await socket.read_until(come, "\r\n\r\n", 64 * 1024);
    if (end == 0) co_return;
    const std::string head = come.substr(0, end);
    come.erase(0, end);
    const std::string number =
        head.substr(head.find('/') + 1, head.find(" HTTP") - head.find('/') - 1);
    if (head.starts_with("POST")) {
      const std::size_t length = std::stoul(head.substr(head.find("Content-Length: ") + 16));
      while (come.size() < length) {
        const Lease data = co_await socket.receive();
        if (data.empty()) co_return;
        come += data.text();
      }
      come.erase(0, length);
      ++done.posts[number];
    }
    const std::uint64_t how = random() % 10;
    if (how == 0) co_return;  // read, and not answered
    const std::string body = number + std::string(random() % 20'000, '.');
    std::string reply = "HTTP/1.1 200 OK\r\n";
    if (how < 5) {
      reply += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else {
      std::array<char, 16> size{};
      const auto last = std::to_chars(size.data(), size.data() + size.size(), body.size(), 16).ptr;
      reply += "Transfer-Encoding: chunked\r\n\r\n" + std::string(size.data(), last) + "\r\n" +
               body + "\r\n0\r\n\r\n";
    }
    if (how == 1) reply.resize(reply.size() / 2);
    co_await socket.write_all(reply);
    if (how == 1 || how == 2) co_return;  // cut, or closed without a word
  }
}

Task<> serve_requests(Done& done, std::mt19937_64& random) {
  Listener listener = co_await Listener::bind("0.0.0.0:80");
  auto handle = [&done, &random](StreamSocket socket) {
    return answer_all(std::move(socket), done, random);
  };
  co_await serve(std::move(listener), handle);
}

struct Asked {
  int answered = 0;
  int failed = 0;
  std::map<std::string, bool> posts;  // by their number: whether the answer came
};

Task<> ask_one(Client& client, int number, Asked& asked, std::uint64_t seed) {
  const std::string name = std::to_string(number);
  RequestOptions options;
  options.timeout = 20s;
  const bool is_post = number % 3 == 0;
  Content content;
  if (is_post) content = Content::bytes(std::string(static_cast<std::size_t>(number) * 500, 'p'));
  Result<Reply> reply = co_await attempt(client.request(
      is_post ? "POST" : "GET", "http://server/" + name, std::move(content), options));
  Result<std::string> text = fail(std::errc::io_error, "not set");
  if (reply) text = co_await attempt(reply->body().text());
  if (is_post) asked.posts[name] = text.has_value();
  if (!text) {
    ++asked.failed;
    co_return;
  }
  ++asked.answered;
  EXPECT_EQ(text->substr(0, text->find('.')), name) << "seed " << seed;
  EXPECT_EQ(text->find_first_not_of('.', name.size()), std::string::npos) << "seed " << seed;
}

Task<> ask_all(Asked& asked, std::uint64_t seed) {
  http::ClientOptions options;
  options.connections_per_origin_max = 3;
  Client client(options);
  auto all = [&](Group& group) -> Task<> {
    for (int i = 0; i < 30; ++i) {
      group.start(ask_one(client, i, asked, seed));
      if (i % 5 == 4) co_await sleep(300ms);
    }
    co_await group.join();
  };
  co_await with_group(all);
}

using Serve = Task<> (*)(Done&, std::mt19937_64&);

/// The same by the library's server, which never breaks off by itself.
Task<http::Response> answer_by_route(http::Request& request, Done& done, std::mt19937_64& random) {
  const std::string number = request.path("number");
  if (request.method() == http::Method::post) {
    const std::string content = co_await request.body().text(1'000'000);
    ++done.posts[number];
  }
  if (random() % 5 == 0) co_await sleep(std::chrono::milliseconds(random() % 500));
  std::string body = number + std::string(random() % 20'000, '.');
  if (random() % 2 == 0) co_return http::Response::text(std::move(body));
  auto write = [body = std::move(body)](http::BodyWriter& writer) { return writer.write(body); };
  co_return http::Response::stream("text/plain", std::move(write));
}

Task<> serve_by_routes(Done& done, std::mt19937_64& random) {
  http::Routes routes;
  routes.any("/{number}", [&done, &random](http::Request& request) {
    return answer_by_route(request, done, random);
  });
  Listener listener = co_await Listener::bind("0.0.0.0:80");
  co_await http::serve(std::move(listener), std::move(routes));
}

void run_seed(std::uint64_t seed, Serve serve_all) {
  std::mt19937_64 random(seed);
  Done done;
  Asked asked;
  SimNetwork net{seed};
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  LinkOptions link;
  link.latency = std::chrono::milliseconds(1 + random() % 50);
  link.jitter = std::chrono::milliseconds(random() % 20);
  link.loss = static_cast<double>(random() % 60) / 1000;
  net.set_link(server, client, link);
  server.start_background(serve_all(done, random));
  const std::uint64_t what = random() % 3;
  const std::chrono::milliseconds at(random() % 2000);
  if (what == 1) {
    net.at(at, [&] { net.partition(server, client); });
    net.at(at + 2s, [&] { net.heal(server, client); });
  }
  if (what == 2) {
    net.at(at, [&] { server.crash(); });
    net.at(at + 100ms, [&] {
      server.restart();
      server.start_background(serve_all(done, random));
    });
  }
  client.start(ask_all(asked, seed));
  const Result<> ended = net.run();
  EXPECT_TRUE(ended) << "seed " << seed << " " << (ended ? "" : ended.error().to_string());
  EXPECT_EQ(asked.answered + asked.failed, 30) << "seed " << seed;
  EXPECT_GT(asked.answered, 0) << "seed " << seed;
  for (const auto& [number, count] : done.posts) {
    EXPECT_EQ(count, 1) << "seed " << seed << ": POST " << number << " was sent again";
  }
  for (const auto& [number, is_answered] : asked.posts) {
    EXPECT_TRUE(!is_answered || done.posts[number] == 1) << "seed " << seed;
  }
  net.end();
}

TEST(HttpClientSeeds, each_request_gets_its_own_answer_once_or_an_error) {
  const int count = long_form() ? 10'000 : sanitized ? 20 : 100;
  for (int i = 0; i < count; ++i) {
    run_seed(seed() + static_cast<std::uint64_t>(i), serve_requests);
  }
}

TEST(HttpClientSeeds, the_same_with_the_librarys_own_server) {
  const int count = long_form() ? 10'000 : sanitized ? 20 : 100;
  for (int i = 0; i < count; ++i) {
    run_seed(seed() + static_cast<std::uint64_t>(i), serve_by_routes);
  }
}

TEST(HttpClientSeeds, the_same_seed_gives_the_same_run) {
  std::uint64_t hash[2] = {};
  for (std::uint64_t& one : hash) {
    std::mt19937_64 random(7);
    Done done;
    Asked asked;
    SimNetwork net{7};
    SimHost& server = net.add_host("server");
    SimHost& client = net.add_host("client");
    server.start_background(serve_requests(done, random));
    client.start(ask_all(asked, 7));
    EXPECT_TRUE(net.run());
    one = net.events();
  }
  EXPECT_EQ(hash[0], hash[1]);
}

}  // namespace
}  // namespace ieum::test
