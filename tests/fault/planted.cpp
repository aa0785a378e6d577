// Three programs with a planted bug each, of the kinds that tests on a good network miss. The
// simulation must find every one of them within 1,000 seeds, and nothing in the same program
// without it.
#include <deque>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

constexpr std::uint64_t seeds_max = 1000;

/// A link that is bad enough to part what was written together.
LinkOptions some_link(SimRandom& random) {
  LinkOptions link;
  link.latency = Duration(random.between(0, 20'000'000));
  link.jitter = Duration(random.between(0, 20'000'000));
  link.loss = static_cast<double>(random.below(100)) / 1000;
  link.bandwidth = random.below(2) == 0 ? 0 : 50'000 + random.below(500'000);
  return link;
}

// ---- A lost wake-up: a queue whose event is reset after somebody may have set it ----------------

struct Queue {
  std::deque<std::string> lines;
  Event added;
};

Task<> receive_into(Queue& queue, std::size_t count) {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
  std::string buffer;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = co_await peer.read_until(buffer, "\n", 1000);
    queue.lines.push_back(buffer.substr(0, end));
    buffer.erase(0, end);
    queue.added.set();
  }
}

template <bool planted>
Task<> work_off(Queue& queue, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    if (!planted) queue.added.reset();
    while (!queue.lines.empty()) {
      queue.lines.pop_front();
      ++done;
    }
    co_await sleep(1ms);               // what it does with them
    if (planted) queue.added.reset();  // the bug: what came meanwhile is forgotten
    if (done < count) co_await queue.added.wait();
  }
}

Task<> send_lines(std::size_t count, std::uint64_t seed) {
  SimRandom random(seed);
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  for (std::size_t i = 0; i < count; ++i) {
    co_await socket.write_all("line\n");
    co_await sleep(Duration(random.between(0, 20'000'000)));
  }
  co_await socket.wait_acknowledged();
}

template <bool planted>
bool finds_lost_wake_up(SimNetwork& net) {
  constexpr std::size_t lines = 10;
  net.set_links(some_link(net.random()));
  SimHost& server = net.add_host("server");
  Queue queue;
  const EndsFirst end(net);
  server.start(receive_into(queue, lines));
  server.start(work_off<planted>(queue, lines));
  net.add_host("client").start(send_lines(lines, net.random()()));
  const Result<> result = net.run();
  return !result && result.error() == std::errc::resource_deadlock_would_occur;
}

// ---- A dropped partial write: what write_some did not take
// ---------------------------------------

template <bool planted>
Task<> write_it(StreamSocket& socket, std::string_view text) {
  while (!text.empty()) {
    const std::size_t count = co_await socket.write_some(bytes_of(text));
    if (planted) co_return;  // the bug: it was all, as always on a developer's machine
    text.remove_prefix(count);
  }
}

template <bool planted>
Task<> send_blocks(std::string_view block, std::size_t count) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  for (std::size_t i = 0; i < count; ++i) co_await write_it<planted>(socket, block);
  co_await socket.close();
}

Task<> receive_all(std::string& got) {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
  got = co_await read_to_end(peer);
}

template <bool planted>
bool finds_dropped_write(SimNetwork& net) {
  net.set_links(some_link(net.random()));
  std::string got;
  const std::string block = random_text(1 + net.random().below(50'000), 1);
  const std::size_t count = 1 + net.random().below(20);
  const EndsFirst end(net);
  net.add_host("server").start(receive_all(got));
  net.add_host("client").start(send_blocks<planted>(block, count));
  const Result<> result = net.run();
  return result && got.size() != block.size() * count;
}

// ---- An ignored reset: taken for the end
// ---------------------------------------------------------

template <bool planted>
Task<> fetch(std::string& got, bool& complete) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  for (;;) {
    const Result<Lease> data = co_await attempt(with_timeout(30s, socket.receive()));
    if (!data && !planted) co_return;   // cut off
    if (!data || data->empty()) break;  // the bug: an error is an end, too
    got += data->text();
  }
  complete = true;
}

Task<> serve_file(std::string_view text) {
  Listener listener = co_await Listener::bind("*:7");
  auto handler = [text](StreamSocket peer) -> Task<> {
    co_await peer.write_all(text);
    co_await peer.close();
  };
  co_await serve(std::move(listener), handler);
}

Task<> fetch_and_bear_it(Task<> fetching) {
  const Result<> fetched = co_await attempt(std::move(fetching));
  static_cast<void>(fetched);
}

template <bool planted>
bool finds_ignored_reset(SimNetwork& net) {
  net.set_links(some_link(net.random()));
  const std::string text = random_text(100'000, 1);
  std::string got;
  bool complete = false;
  const EndsFirst end(net);
  SimHost& server = net.add_host("server");
  server.start_background(serve_file(text));
  net.add_host("client").start(fetch_and_bear_it(fetch<planted>(got, complete)));
  const Duration when(net.random().between(0, 3'000'000'000));
  net.at(when, [&] { server.restart(); });
  static_cast<void>(net.run());
  return complete && got != text;
}

// ---- They are found
// ------------------------------------------------------------------------------

struct Bug {
  const char* name;
  bool (*finds)(SimNetwork& net);
  bool (*finds_in_the_right_one)(SimNetwork& net);
};
void PrintTo(const Bug& bug, std::ostream* out) { *out << bug.name; }

class Planted : public testing::TestWithParam<Bug> {};
INSTANTIATE_TEST_SUITE_P(
    , Planted,
    testing::Values(Bug{"lost_wake_up", finds_lost_wake_up<true>, finds_lost_wake_up<false>},
                    Bug{"dropped_write", finds_dropped_write<true>, finds_dropped_write<false>},
                    Bug{"ignored_reset", finds_ignored_reset<true>, finds_ignored_reset<false>}),
    [](const auto& of) { return std::string(of.param.name); });

TEST_P(Planted, is_found) {
  const std::uint64_t seed = first_seed_that_finds(seeds_max, GetParam().finds);
  EXPECT_GT(seed, 0U) << "none of " << seeds_max << " seeds has found it";
  RecordProperty("seed", std::to_string(seed));
}

TEST_P(Planted, and_nothing_else) {
  EXPECT_EQ(first_seed_that_finds(seeds_max / 5, GetParam().finds_in_the_right_one), 0U);
}

}  // namespace
}  // namespace ieum::test
