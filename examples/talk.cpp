// A two-way talk, like a small netcat: receiving runs beside sending, so either side may speak at
// any time. Works on a terminal, and redirected from and to files and pipes.
//
//   talk [ADDRESS]             connects; by default to 127.0.0.1:7007
//   talk --listen [ADDRESS]    waits for one client there instead
//
//   ncat -l 127.0.0.1 7007     the other end, to try it with; start it first
//   talk localhost:7000        it is also a client for the chat of this directory
//
// How it ends. When our input ends (Ctrl-D), the other side is told by a half-close, and what it
// still has to say is received. When the other side has finished, what we still have to say is
// sent, as long as the input does not pause for half a second: a file goes through to its end, a
// terminal where nobody types does not keep us. It exits with 0, or with 1 and one sentence if
// something broke.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <ieum/ieum.hpp>

using namespace std::chrono_literals;

constexpr ieum::Duration input_pause_max = 500ms;

struct Talk {
  ieum::StreamSocket peer;
  ieum::DescriptorStream input;
  ieum::DescriptorStream output;
  ieum::Event all_sent;
  std::uint64_t inputs = 0;  // how often something came from the input
  bool waits_for_input = false;
};

ieum::Task<> send(Talk& talk) {
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  for (;;) {
    talk.waits_for_input = true;
    const std::size_t count = co_await talk.input.read_some(buffer);
    talk.waits_for_input = false;
    ++talk.inputs;
    if (count == 0) break;
    co_await talk.peer.write_all(ieum::ConstBuffer(buffer).first(count));
  }
  co_await talk.peer.shutdown_write();
  talk.all_sent.set();
}

/// Ends when all is sent, or when the input has paused for too long.
ieum::Task<> send_the_rest(Talk& talk) {
  for (;;) {
    const std::uint64_t before = talk.inputs;
    ieum::Result<> sent =
        co_await ieum::attempt(ieum::with_timeout(input_pause_max, talk.all_sent.wait()));
    if (sent) co_return;
    if (sent.error() != std::errc::timed_out) co_await ieum::fail(sent.error());
    if (talk.waits_for_input && talk.inputs == before) co_return;
  }
}

ieum::Task<> receive_beside_sending(Talk& talk, ieum::Group& group) {
  group.start(send(talk));
  co_await ieum::copy(talk.peer, talk.output);
  co_await send_the_rest(talk);
  group.stop();
}

ieum::Task<ieum::StreamSocket> find_peer(std::string_view address, bool listens) {
  if (listens) {
    ieum::Listener listener = co_await ieum::Listener::bind(address);
    std::fprintf(stderr, "listening on %s\n", listener.address().to_string().c_str());
    ieum::StreamSocket client = co_await listener.accept();
    co_return client;
  }
  ieum::StreamSocket server = co_await ieum::StreamSocket::connect(address);
  co_return server;
}

ieum::Task<> program(std::string_view address, bool listens) {
  ieum::StreamSocket peer = co_await find_peer(address, listens);
  ieum::DescriptorStream input = co_await ieum::DescriptorStream::standard_input();
  ieum::DescriptorStream output = co_await ieum::DescriptorStream::standard_output();
  Talk talk{std::move(peer), std::move(input), std::move(output), {}};
  auto both_ways = [&talk](ieum::Group& group) { return receive_beside_sending(talk, group); };
  co_await ieum::with_group(both_ways);
}

int main(int argc, char** argv) {
  std::string_view address = "127.0.0.1:7007";
  bool listens = false;
  int addresses = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--listen") {
      listens = true;
    } else if (argument.starts_with("-") || ++addresses > 1) {
      std::fprintf(stderr, "talk: what is '%s'? Usage: talk [--listen] [ADDRESS]\n", argv[i]);
      return 2;
    } else {
      address = argument;
    }
  }
  return ieum::run_main(program(address, listens));
}
