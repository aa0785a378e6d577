// Send queues, from one who has something to say to receivers over bad links: what each policy
// keeps, and what it tells of the rest.
#include <algorithm>
#include <charconv>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

struct Viewer {
  explicit Viewer(const SendQueueOptions& options) : queue(options) {}

  SendQueue queue;
  std::size_t pushed = 0;
  std::optional<Error> push_failed;
  std::optional<Error> pop_failed;
  std::size_t most_bytes = 0;
  std::vector<std::size_t> got;  ///< the numbers that came to its host
};

Task<> push_all(Viewer& viewer, const std::vector<Payload>& payloads, SimRandom& random) {
  for (const Payload& payload : payloads) {
    const Result<> pushed = co_await attempt(viewer.queue.push(payload));
    if (!pushed) {
      viewer.push_failed = pushed.error();
      co_return;
    }
    ++viewer.pushed;
    viewer.most_bytes = std::max(viewer.most_bytes, viewer.queue.bytes());
    co_await sleep(Duration(random.below(2'000'000)));
  }
  viewer.queue.close();
}

Task<> send_all(Viewer& viewer, StreamSocket& to) {
  for (;;) {
    const Result<Payload> next = co_await attempt(viewer.queue.pop());
    if (!next) {
      viewer.pop_failed = next.error();
      break;
    }
    co_await to.write_all(next->text());
  }
  co_await to.shutdown_write();
}

Task<> serve_viewer(Viewer& viewer, std::string at, const std::vector<Payload>& payloads,
                    SimRandom& random) {
  Listener listener = co_await Listener::bind(at);
  StreamSocket to = co_await listener.accept();
  co_await to.set_option(SocketOption::so_sndbuf, 4096);
  co_await with_group([&](Group& group) -> Task<> {
    group.start(push_all(viewer, payloads, random));
    co_await send_all(viewer, to);
  });
}

Task<> view(Viewer& viewer, std::string at) {
  StreamSocket from = co_await StreamSocket::connect(at);
  const std::string text = co_await read_to_end(from);
  std::string_view left = text;
  while (!left.empty()) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), number);
    EXPECT_EQ(error, std::errc{}) << left.substr(0, 20);
    viewer.got.push_back(number);
    const std::size_t line = left.find('\n');
    if (line == std::string_view::npos) break;
    left.remove_prefix(line + 1);
  }
}

void expect_what_the_policy_says(const Viewer& viewer, std::size_t all) {
  const SendQueueOptions& options = viewer.queue.options();
  EXPECT_LE(viewer.most_bytes, options.bytes_max);
  EXPECT_TRUE(std::ranges::is_sorted(viewer.got, std::less_equal<>())) << "in order, once each";
  ASSERT_TRUE(viewer.pop_failed);
  if (options.when_full == WhenFull::disconnect && viewer.push_failed) {
    EXPECT_EQ(*viewer.push_failed, Errc::limit_exceeded);
    EXPECT_EQ(*viewer.pop_failed, Errc::limit_exceeded);
    EXPECT_LE(viewer.got.size(), viewer.pushed);
    // What it was sent before is whole.
    if (!viewer.got.empty()) {
      EXPECT_EQ(viewer.got.back() + 1, viewer.got.size());
    }
    return;
  }
  EXPECT_FALSE(viewer.push_failed);
  EXPECT_EQ(*viewer.pop_failed, Errc::closed);
  EXPECT_EQ(viewer.pushed, all);
  EXPECT_EQ(viewer.got.size() + viewer.queue.dropped(), all);
  ASSERT_FALSE(viewer.got.empty());
  EXPECT_EQ(viewer.got.back(), all - 1) << "the newest is never dropped";
  const bool may_drop =
      options.when_full == WhenFull::drop_oldest || options.when_full == WhenFull::keep_latest;
  if (!may_drop) {
    EXPECT_EQ(viewer.queue.dropped(), 0U);
  }
}

FAULT_TEST(SendQueues, keep_what_their_policy_says) {
  SimRandom& random = net.random();
  net.set_links(random_link(random));
  const std::size_t count = 1 + random.below(60);
  const std::size_t payload_bytes = 20 + random.below(1000);
  std::vector<Payload> payloads;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = std::to_string(i) + " ";
    line.resize(payload_bytes, '.');
    payloads.emplace_back(line + "\n");
  }
  std::deque<Viewer> viewers;
  const EndsFirst end(net);
  SimHost& stage = net.add_host("stage");
  for (const WhenFull policy :
       {WhenFull::wait, WhenFull::drop_oldest, WhenFull::keep_latest, WhenFull::disconnect}) {
    const std::size_t bytes_max = (payload_bytes + 1) * (1 + random.below(8));
    Viewer& viewer = viewers.emplace_back(SendQueueOptions{bytes_max, policy});
    const std::string port = std::to_string(7000 + viewers.size());
    stage.start(serve_viewer(viewer, "0.0.0.0:" + port, payloads, random));
    SimHost& host = net.add_host("viewer" + std::to_string(viewers.size()));
    host.set_faults(random_faults(random));
    host.start(view(viewer, "stage:" + port));
  }
  expect_success(net, net.run());
  for (const Viewer& viewer : viewers) expect_what_the_policy_says(viewer, count);
}

}  // namespace
}  // namespace ieum::test
