// One to many: a live stream to viewers who come and go, each at its own pace.
//
//   live_stream [ADDRESS]      by default 127.0.0.1:7010; sends what is typed, until its end
//   ncat 127.0.0.1 7010        a viewer: try several, and leave with Ctrl-C
//
// Each line is one payload, shared by the queues of all viewers. A queue that is full drops its
// oldest lines: a slow viewer misses some, and keeps nobody waiting.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

using namespace ieum;
using namespace std::chrono_literals;

namespace {

class Stage {
 public:
  /// One viewer, until it leaves or the stream ends.
  Task<> show(StreamSocket viewer) {
    SendQueue queue({.bytes_max = 64 * 1024, .when_full = WhenFull::drop_oldest});
    queues_.push_back(&queue);
    auto leave = [this, &queue] { return forget(queue); };
    co_await finally(race(send(queue, viewer), wait_for_end(viewer)), leave);
  }

  void say(const std::string& line) {
    const Payload payload(line);
    for (SendQueue* queue : queues_) queue->try_push(payload);
  }
  /// What is queued is still sent.
  void end() {
    for (SendQueue* queue : queues_) queue->close();
  }

 private:
  Task<> forget(SendQueue& queue) {
    std::erase(queues_, &queue);
    const unsigned long long missed = queue.dropped();
    if (missed > 0) std::fprintf(stderr, "a viewer missed %llu\n", missed);
    co_return;
  }

  static Task<> send(SendQueue& queue, StreamSocket& viewer) {
    for (;;) {
      const Result<Payload> next = co_await attempt(queue.pop());
      if (!next) break;  // the stream has ended
      co_await viewer.write_all(next->text());
    }
    co_await viewer.shutdown_write();
  }
  /// A viewer says nothing; reading tells when it has left.
  static Task<> wait_for_end(StreamSocket& viewer) {
    while (Lease data = co_await viewer.receive()) data.reset();
  }

  std::vector<SendQueue*> queues_;
};

Task<> read_lines(Stage& stage) {
  DescriptorStream input = co_await DescriptorStream::standard_input();
  std::string buffer;
  for (;;) {
    const std::size_t end = co_await input.read_until(buffer, "\n", 64 * 1024);
    if (end == 0) break;
    stage.say(buffer.substr(0, end));
    buffer.erase(0, end);
  }
  stage.end();
}

Task<> stream(std::string_view address) {
  Listener listener = co_await Listener::bind(address);
  std::printf("the stream is at %s\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  Stage stage;
  auto show = [&stage](StreamSocket viewer) { return stage.show(std::move(viewer)); };
  Server server(std::move(listener), show);
  co_await with_group([&](Group& group) -> Task<> {
    group.start(server.run());
    co_await read_lines(stage);
    const DrainReport report = co_await server.drain(1s);
    std::printf("%zu viewers saw the end\n", report.finished);
    group.stop();
  });
}

}  // namespace

int main(int argc, char** argv) { return run_main(stream(argc > 1 ? argv[1] : "127.0.0.1:7010")); }
