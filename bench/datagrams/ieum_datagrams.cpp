// The datagram server with ieum. IEUM_DRIVER says on which driver.
#include <ieum/ieum.hpp>

#include "datagrams/server.hpp"

namespace {

std::uint64_t asked;  // times that a report was

ieum::Task<> report(ieum::DatagramSocket& socket, ieum::Address to) {
  const ieum::DatagramCounters counters = socket.counters();
  const bench::Report report(socket.native_handle(), counters.received - ++asked);
  co_await socket.send(std::string_view(report.text.data(), report.size), to);
}

ieum::Task<> serve_one_by_one(ieum::DatagramSocket& socket, bool echo) {
  std::array<std::byte, bench::datagram_bytes_max> buffer;
  for (;;) {
    const ieum::Datagram datagram = co_await socket.receive(buffer);
    if (datagram.data.size() == 1) {
      co_await report(socket, datagram.peer);
    } else if (echo) {
      co_await socket.send(datagram);
    }
  }
}

ieum::Task<> serve_many(ieum::DatagramSocket& socket, bool echo) {
  ieum::DatagramBatch batch(bench::batch_max);
  for (;;) {
    co_await socket.receive(batch);
    if (batch[0].data.size() == 1) {
      co_await report(socket, batch[0].peer);
    } else if (echo) {
      co_await socket.send(batch.datagrams());
    }
  }
}

ieum::Task<> program(bench::DatagramOptions options) {
  ieum::DatagramSocket socket = co_await ieum::DatagramSocket::bind("127.0.0.1:0");
  bench::announce(socket.address().port());
  if (options.many) {
    co_await serve_many(socket, options.echo);
  } else {
    co_await serve_one_by_one(socket, options.echo);
  }
}

}  // namespace

int main(int argc, char** argv) { return ieum::run_main(program(bench::parse(argc, argv))); }
