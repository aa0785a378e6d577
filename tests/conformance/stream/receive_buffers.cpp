// The buffers of receive(), when there are few: who waits holds none, who finds
// none waits, and every one comes back.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>

#include "conformance/few_buffers.hpp"
#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

/// That every buffer has been given back.
Task<> expect_none_leased() {
  Holder holder;
  co_await take_all_buffers(holder);
}

// Those that always have something to receive take a buffer again as soon as they gave it back.
FEW_BUFFERS_TEST(who_waits_for_one_is_not_overtaken) {
  constexpr int busy = 4 * few;
  Pair quiet = co_await connected();
  std::vector<Pair> pairs;
  for (int i = 0; i < busy; ++i) pairs.push_back(co_await connected());
  std::uint64_t received_by_others = 0;
  bool over = false;
  auto flood = [&](StreamSocket& socket) -> Task<> {
    const std::vector<std::byte> data(60'000);
    while (!over) co_await socket.write_all(data);
    co_await socket.close();
  };
  auto drink = [&](StreamSocket& socket) -> Task<> {
    while (const Lease data = co_await socket.receive()) ++received_by_others;
  };
  std::uint64_t most = 0;
  auto body = [&](Group& group) -> Task<> {
    for (Pair& pair : pairs) {
      group.start(flood(pair.client));
      group.start(drink(pair.server));
    }
    for (int i = 0; i < 20; ++i) {
      co_await sleep(1ms);
      co_await quiet.client.write_all("x");
      const std::uint64_t before = received_by_others;
      const Lease data = co_await quiet.server.receive();
      EXPECT_EQ(data.text(), "x");
      most = std::max(most, received_by_others - before);
    }
    over = true;
  };
  co_await with_group(body);
  EXPECT_LT(most, 500U) << "were received meanwhile";
}

// One buffer comes back in the turn in which a second asks.
FEW_BUFFERS_TEST(who_asks_later_has_its_buffer_later) {
  Pair first = co_await connected();
  Pair second = co_await connected();
  co_await first.client.write_all("x");
  co_await second.client.write_all("x");
  std::string order;
  auto receive = [&](StreamSocket& socket, char name) -> Task<> {
    const Lease data = co_await socket.receive();
    order += name;
  };
  Holder holder;
  co_await take_all_buffers(holder);
  auto body = [&](Group& group) -> Task<> {
    group.start(receive(first.server, '1'));
    co_await sleep(10ms);
    EXPECT_EQ(order, "") << "there was a buffer left";
    holder.leases.pop_back();
    co_await receive(second.server, '2');
  };
  co_await with_group(body);
  EXPECT_EQ(order, "12");
}

FEW_BUFFERS_TEST(a_lease_gives_its_buffer_back_when_it_is_dropped) {
  Pair pair = co_await connected();
  for (int i = 0; i < 100; ++i) {
    co_await pair.client.write_all("x");
    const Lease data = co_await pair.server.receive();
    EXPECT_EQ(data.text(), "x");
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(a_receive_may_be_without_a_buffer_again_and_again) {
  Pair pair = co_await connected();
  std::string got;
  auto receive = [&]() -> Task<> {
    const Lease data = co_await pair.server.receive();
    got = data.text();
  };
  for (const char* text : {"one", "two", "three"}) {
    Holder holder;
    co_await take_all_buffers(holder);
    auto body = [&](Group& group) -> Task<> {
      group.start(receive());
      co_await pair.client.write_all(text);
      co_await sleep(1ms);
      EXPECT_NE(got, text);
      holder.leases.clear();
    };
    co_await with_group(body);
    EXPECT_EQ(got, text);
  }
}

FEW_BUFFERS_TEST(a_receive_is_given_a_small_one_when_no_large_one_is_left) {
  Pair pair = co_await connected();
  std::vector<Lease> kept;  // the only large one at last
  const std::vector<std::byte> much(200'000);
  auto write = [&]() -> Task<> { co_await pair.client.write_all(ConstBuffer(much)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(write());
    std::size_t total = 0;
    while (total < much.size()) {
      Lease data = co_await pair.server.receive();
      total += data.size();
      if (kept.empty() && data.size() > 4096) kept.push_back(std::move(data));
    }
  };
  co_await with_group(body);
  EXPECT_EQ(kept.size(), 1U);
}

FEW_BUFFERS_TEST(a_lease_can_be_moved_and_assigned_to) {
  Pair pair = co_await connected();
  Lease kept;
  for (int i = 0; i < 100; ++i) {
    const std::string text = "message " + std::to_string(i);
    co_await pair.client.write_all(text);
    Lease data = co_await pair.server.receive();
    Lease moved = std::move(data);
    EXPECT_TRUE(data.empty());
    kept = std::move(moved);  // what it had is given back
    EXPECT_TRUE(moved.empty());
    Lease& itself = kept;
    kept = std::move(itself);
    EXPECT_EQ(kept.text(), text);
  }
  kept.reset();
  EXPECT_TRUE(kept.empty());
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(a_lease_that_shrinks_to_nothing_gives_its_buffer_back) {
  Pair pair = co_await connected();
  std::vector<Lease> shrunk;
  for (int i = 0; i < 100; ++i) {
    co_await pair.client.write_all("hello");
    Lease data = co_await pair.server.receive();
    data.shrink(100);
    EXPECT_EQ(data.text(), "hello");
    data.shrink(4);
    EXPECT_EQ(data.text(), "hell");
    data.shrink(0);
    EXPECT_TRUE(data.empty());
    shrunk.push_back(std::move(data));
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(a_hundred_sockets_wait_and_each_gets_its_data) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 100; ++i) pairs.push_back(co_await connected());
  std::vector<Receiving> receiving(pairs.size());
  auto one_after_another = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      group.start(receive_once(pairs[i].server, receiving[i]));
    }
    co_await let_it_wait();
    for (std::size_t i = pairs.size(); i-- > 0;) {
      co_await pairs[i].client.write_all("message " + std::to_string(i));
      co_await until_ended(receiving[i]);
    }
  };
  co_await with_group(one_after_another);
  auto at_once = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_EQ(receiving[i].got, "message " + std::to_string(i));
      receiving[i] = {};
      group.start(receive_once(pairs[i].server, receiving[i]));
    }
    co_await let_it_wait();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      co_await pairs[i].client.write_all("again " + std::to_string(i));
    }
  };
  co_await with_group(at_once);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(receiving[i].got, "again " + std::to_string(i));
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(much_comes_on_many_connections_at_once) {
  const std::vector<std::byte> source = random_bytes(1'000'000, seed());
  std::vector<Pair> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back(co_await connected());
  std::vector<std::string> got(pairs.size());
  auto receiving = [&](std::size_t i) -> Task<> {
    got[i] = co_await receive_to_end(pairs[i].server);
  };
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      group.start(send_and_finish(pairs[i].client, ConstBuffer(source).subspan(i)));
      group.start(receiving(i));
    }
    co_return;
  };
  co_await with_group(body);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_TRUE(is_same(got[i], ConstBuffer(source).subspan(i))) << "connection " << i;
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(a_receive_without_a_buffer_goes_on_once_one_is_given_back) {
  Holder holder;
  co_await take_all_buffers(holder);
  Pair pair = co_await connected();
  co_await pair.client.write_all("starved");
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.server, receiving));
    co_await sleep(20ms);
    EXPECT_EQ(receiving.ended, "not yet");
    holder.leases.pop_back();
  };
  co_await with_group(body);
  EXPECT_EQ(receiving.got, "starved");
  for (std::size_t i = 0; i < holder.leases.size(); ++i) {
    EXPECT_EQ(holder.leases[i].text(), "held " + std::to_string(i));
  }
}

FEW_BUFFERS_TEST(a_receive_without_a_buffer_can_be_timed_out_and_nothing_is_lost) {
  Holder holder;
  co_await take_all_buffers(holder);
  Pair pair = co_await connected();
  co_await pair.client.write_all("starved");
  for (int i = 0; i < 5; ++i) {
    Result<Lease> early = co_await attempt(with_timeout(5ms, pair.server.receive()));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error(), std::errc::timed_out);
  }
  holder.leases.clear();
  const Lease data = co_await pair.server.receive();
  EXPECT_EQ(data.text(), "starved");
}

FEW_BUFFERS_TEST(a_receive_without_a_buffer_can_be_stopped_and_nothing_is_lost) {
  Holder holder;
  co_await take_all_buffers(holder);
  Pair pair = co_await connected();
  co_await pair.client.write_all("starved");
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.server, receiving));
    co_await sleep(10ms);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_TRUE(receiving.ended.ends_with(": canceled")) << receiving.ended;
  std::array<std::byte, 16> own;  // this needs none of theirs
  const std::size_t count = co_await pair.server.read_some(own);
  EXPECT_EQ(count, 7U);
}

FEW_BUFFERS_TEST(a_socket_whose_receive_has_no_buffer_can_be_closed) {
  Holder holder;
  co_await take_all_buffers(holder);
  std::pair<StreamSocket, StreamSocket> former = co_await StreamSocket::pair();
  const int number = former.first.native_handle();
  co_await former.second.write_all("stale");
  Receiving receiving;
  std::string got;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(former.first, receiving));
    co_await sleep(10ms);
    co_await former.first.close();
    holder.leases.clear();
    std::pair<StreamSocket, StreamSocket> next = co_await StreamSocket::pair();
    EXPECT_EQ(next.first.native_handle(), number);
    co_await next.second.write_all("fresh");
    const Lease data = co_await next.first.receive();
    got = data.text();
  };
  co_await with_group(body);
  EXPECT_TRUE(receiving.ended.ends_with(": canceled")) << receiving.ended;
  EXPECT_EQ(got, "fresh");
}

FEW_BUFFERS_TEST(all_that_wait_for_a_buffer_get_their_turn) {
  Holder holder;
  co_await take_all_buffers(holder);
  std::vector<Pair> pairs;
  for (int i = 0; i < 50; ++i) pairs.push_back(co_await connected());
  std::vector<Receiving> receiving(pairs.size());
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      co_await pairs[i].client.write_all("message " + std::to_string(i));
      group.start(receive_once(pairs[i].server, receiving[i]));
    }
    co_await sleep(10ms);
    holder.leases.pop_back();  // one buffer serves them all
  };
  co_await with_group(body);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(receiving[i].got, "message " + std::to_string(i));
  }
}

/// `first` waits for a buffer, then `second` does; `change` happens to the
/// first one's peer; then one buffer is given back, which the first has no use
/// for any more.
Task<> expect_handed_on(const std::function<Task<>(StreamSocket&)>& change) {
  Holder holder;
  co_await take_all_buffers(holder);
  Pair first = co_await connected();
  Pair second = co_await connected();
  co_await second.client.write_all("second");
  Receiving of_first;
  Receiving of_second;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(first.server, of_first));
    co_await let_it_wait();
    co_await change(first.client);
    co_await let_it_wait();
    group.start(receive_once(second.server, of_second));
    co_await let_it_wait();
    holder.leases.pop_back();
    Result<> both = co_await attempt(with_timeout(10s, until_ended(of_second)));
    EXPECT_TRUE(both) << "the second still waits; the first: " << of_first.ended;
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(of_second.got, "second");
}

Task<> finish_sending(StreamSocket& socket) { co_await socket.shutdown_write(); }
Task<> send_and_reset(StreamSocket& socket) {
  co_await socket.write_all("lost");
  co_await sleep(5ms);  // what has come makes it ask for a buffer
  co_await socket.reset();
}

FEW_BUFFERS_TEST(a_buffer_that_one_needs_no_more_at_its_end_goes_to_the_next) {
  co_await expect_handed_on(finish_sending);
}

FEW_BUFFERS_TEST(a_buffer_that_one_needs_no_more_after_a_reset_goes_to_the_next) {
  co_await expect_handed_on(send_and_reset);
}

/// Takes and gives back one buffer, so that the driver has some in use.
Task<> receive_on_a_socket() {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  co_await pair.first.write_all("socket");
  const Lease data = co_await pair.second.receive();
  EXPECT_EQ(data.text(), "socket");
}

// None is leased then, whatever the driver has lent to the kernel.
FEW_BUFFERS_TEST(a_pipe_finds_one_after_a_socket) {
  co_await receive_on_a_socket();
  Pipe pipe;
  DescriptorStream input =
      co_await DescriptorStream::open(pipe.reader.get(), DescriptorStream::Direction::input);
  EXPECT_EQ(::write(pipe.writer.get(), "pipe", 4), 4);
  auto receive = with_timeout(10s, input.receive());
  const Lease data = co_await std::move(receive);
  EXPECT_EQ(data.text(), "pipe");
}

FEW_BUFFERS_TEST(a_file_finds_one_after_a_socket) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("file");
  std::ofstream(path) << "file";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  DescriptorStream input =
      co_await DescriptorStream::open(file.get(), DescriptorStream::Direction::input);
  co_await receive_on_a_socket();
  const Lease data = co_await input.receive();
  EXPECT_EQ(data.text(), "file");
}

FEW_BUFFERS_TEST(a_file_without_one_waits_for_it) {
  const Descriptor zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  DescriptorStream input =
      co_await DescriptorStream::open(zeros.get(), DescriptorStream::Direction::input);
  std::vector<Lease> held;
  for (unsigned i = 0; i < few; ++i) held.push_back(co_await input.receive());
  Result<Lease> data = co_await attempt(with_timeout(50ms, input.receive()));
  CO_ASSERT(!data);
  EXPECT_EQ(data.error(), std::errc::timed_out);
  held.pop_back();
  data = co_await attempt(input.receive());
  EXPECT_TRUE(data);
}

FEW_BUFFERS_TEST(those_that_end_starve_none_of_those_that_go_on) {
  // Many that have something, some that end, one buffer: all come to their end.
  Holder holder;
  co_await take_all_buffers(holder);
  std::vector<std::pair<StreamSocket, StreamSocket>> pairs;
  for (int i = 0; i < 100; ++i) pairs.push_back(co_await StreamSocket::pair());
  std::vector<std::string> got(pairs.size());
  auto receiving = [&](std::size_t i) -> Task<> {
    got[i] = co_await receive_to_end(pairs[i].second);
  };
  auto sending = [&](std::size_t i) -> Task<> {
    for (std::size_t message = 0; message < i % 5; ++message) {
      co_await pairs[i].first.write_all("message ");
      if (message % 2 == 1) co_await yield();
    }
    co_await pairs[i].first.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      group.start(receiving(i));
      group.start(sending(i));
    }
    co_await sleep(10ms);
    holder.leases.pop_back();
  };
  auto limited = with_timeout(30s, with_group(body));
  co_await std::move(limited);
  for (std::size_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(got[i].size(), i % 5 * 8);
}

// ---- Receives that nobody wants any more
// --------------------------------------------------------

/// In a task: a race of receives themselves is refused.
Task<Lease> receive_one(StreamSocket& socket) {
  Lease data = co_await socket.receive();
  co_return data;
}

FEW_BUFFERS_TEST(the_loser_of_a_race_gives_its_buffer_back) {
  Pair first = co_await connected();
  Pair second = co_await connected();
  for (int i = 0; i < 2000; ++i) {
    // Both have come when both are asked for: they complete in the same turn.
    co_await first.client.write_all("1");
    co_await second.client.write_all("2");
    auto racing = race(receive_one(first.server), receive_one(second.server));
    std::variant<Lease, Lease> won = co_await std::move(racing);
    const bool by_second = won.index() == 1;
    const Lease data = by_second ? std::get<1>(std::move(won)) : std::get<0>(std::move(won));
    EXPECT_EQ(data.text()[0], by_second ? '2' : '1');
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(one_that_is_stopped_when_it_has_completed_gives_its_buffer_back) {
  Pair pair = co_await connected();
  auto receive_and_keep_not = [&]() -> Task<> { Lease data = co_await pair.server.receive(); };
  for (int i = 0; i < 2000; ++i) {
    auto body = [&](Group& group) -> Task<> {
      group.start(receive_and_keep_not());
      co_await yield();
      co_await pair.client.write_all("x");
      group.stop();
    };
    co_await with_group(body);
  }
  co_await expect_none_leased();
}

FEW_BUFFERS_TEST(one_whose_deadline_passes_as_it_completes_gives_its_buffer_back) {
  Pair pair = co_await connected();
  std::size_t got = 0;
  for (int i = 0; i < 2000; ++i) {
    co_await pair.client.write_all("x");
    const Duration limit = std::chrono::microseconds(i % 100);
    Result<Lease> data = co_await attempt(with_timeout(limit, pair.server.receive()));
    if (data) {
      got += data->size();
    } else {
      EXPECT_EQ(data.error(), std::errc::timed_out);
    }
  }
  co_await pair.client.shutdown_write();
  const std::string rest = co_await receive_to_end(pair.server);
  EXPECT_EQ(got + rest.size(), 2000U) << "something was lost";
  co_await expect_none_leased();
}

}  // namespace
}  // namespace ieum::test
