// What protocol layers cost: bytes in bulk over a TCP connection on the loopback, both ends in one
// thread, without a layer, through one that turns over bits (tests/support/xor_stream.hpp), and
// through three. The time is that of both ends, and of turning over the bits.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include <ieum/ieum.hpp>

#include "support/xor_stream.hpp"

namespace {

using namespace ieum;

constexpr std::size_t sent_each = std::size_t{64} << 20U;
constexpr std::size_t write_bytes = std::size_t{64} * 1024;

struct Ends {
  std::unique_ptr<Stream> sender;
  std::unique_ptr<Stream> receiver;
};

std::unique_ptr<Stream> through(std::int64_t layers, std::unique_ptr<Stream> stream) {
  for (; layers > 0; --layers) {
    stream = std::make_unique<test::XorStream>(std::move(stream), std::byte{0x55});
  }
  return stream;
}

Task<> accept_one(Listener& listener, std::unique_ptr<StreamSocket>& into) {
  into = std::make_unique<StreamSocket>(co_await listener.accept());
}

Task<Ends> connect(std::int64_t layers) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  std::unique_ptr<StreamSocket> receiver;
  std::unique_ptr<StreamSocket> sender;
  auto body = [&](Group& group) -> Task<> {
    group.start(accept_one(listener, receiver));
    sender = std::make_unique<StreamSocket>(co_await StreamSocket::connect(listener.address()));
  };
  co_await with_group(body);
  Ends ends;
  ends.sender = through(layers, std::move(sender));
  ends.receiver = through(layers, std::move(receiver));
  co_return ends;
}

Task<> send(Stream& to, ConstBuffer data) {
  for (std::size_t sent = 0; sent < sent_each; sent += data.size()) co_await to.write_all(data);
}

Task<> receive_all(Stream& from) {
  for (std::size_t received = 0; received < sent_each;) {
    const Lease data = co_await from.receive();
    received += data.size();
  }
}

Task<> move_bulk(Ends& ends, ConstBuffer data) {
  auto body = [&](Group& group) -> Task<> {
    group.start(send(*ends.sender, data));
    co_await receive_all(*ends.receiver);
  };
  co_await with_group(body);
}

void bulk(benchmark::State& state) {
  const std::vector<std::byte> data(write_bytes);
  Result<Ends> ends = run(connect(state.range(0)));
  if (!ends) return state.SkipWithError(ends.error().to_string().c_str());
  for (auto _ : state) {
    if (!run(move_bulk(*ends, data))) state.SkipWithError("it failed");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sent_each));
}
BENCHMARK(bulk)->ArgName("layers")->Arg(0)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
