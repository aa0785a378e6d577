// What a hostile peer sends costs bounded memory: measured in bytes while it comes.
#include <malloc.h>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

std::size_t allocated() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

/// A client that sends `begin`, then `piece` again and again, and notes how much is allocated at
/// most while the server reads.
class Flood final : public Stream {
 public:
  Flood(std::string begin, std::string piece) : next_(std::move(begin)), piece_(std::move(piece)) {}
  std::string output;
  std::size_t sent = 0;
  std::size_t most = 0;

  Task<> shutdown_write() override { co_return; }
  Task<> close() override {
    is_open_ = false;
    co_return;
  }
  bool is_open() const noexcept override { return is_open_; }
  void begin_read(ieum::detail::StreamIo& io, std::span<std::byte> into) override {
    io.use(read(into));
  }
  void begin_write(ieum::detail::StreamIo& io, const ieum::detail::WriteRequest& request) override {
    io.use(write(request));
  }
  void begin_wait_readable(ieum::detail::StreamIo& io) override { io.use(nothing()); }

 private:
  static constexpr std::size_t end = std::size_t{1} << 20U;

  Task<std::size_t> read(std::span<std::byte> into) {
    most = std::max(most, allocated());
    if (sent >= end) co_return 0;
    for (std::byte& byte : into) {
      if (at_ == next_.size()) {
        next_ = piece_;
        at_ = 0;
      }
      byte = static_cast<std::byte>(next_[at_++]);
    }
    sent += into.size();
    co_return into.size();
  }
  Task<std::size_t> write(ieum::detail::WriteRequest request) {
    std::size_t count = 0;
    const auto take = [&](ConstBuffer part) {
      count += part.size();
      if (output.size() < 1000) {  // more is not looked at
        output.append(reinterpret_cast<const char*>(part.data()), part.size());
      }
    };
    if (request.parts.empty()) take(request.data);
    for (const ConstBuffer part : request.parts) take(part);
    co_return count;
  }
  Task<std::size_t> nothing() { co_return 0; }

  std::string next_;
  std::string piece_;
  std::size_t at_ = 0;
  bool is_open_ = true;
};

Task<Response> look_at_nothing(Request& request) {
  static_cast<void>(request);
  co_return Response::text("seen");
}

struct Attack {
  const char* what;
  std::string begin;
  std::string again;
  const char* status;
};

/// Beyond what the server has for any request: some buffers, and the answer.
constexpr std::size_t bytes_max = std::size_t{96} * 1024;

Task<> is_bounded_whatever_comes() {
  Routes routes;
  routes.post("/", count_body);
  routes.any("/unread", look_at_nothing);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<Attack> attacks = {
      {"fields", "GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", "431"},
      {"large fields", "GET / HTTP/1.1\r\n", "X: " + std::string(4000, 'y') + "\r\n", "431"},
      {"a name", "GET / HTTP/1.1\r\n", "x", "431"},
      {"a target", "GET /", "x", "414"},
      {"an extension", chunked + "1;", "x", "400"},
      {"extensions", chunked, "1;" + std::string(1000, 'x') + "\r\na\r\n", "400"},
      {"trailer fields", chunked + "0\r\n", "X: y\r\n", "431"},
      {"zeros of a chunk's size", chunked, "0", "400"},
      {"chunks", chunked, "1\r\na\r\n", "413"},
      {"a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n", "x", "200"},
      {"a body that nobody reads",
       "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n", "x", "200"},
      {"chunks that nobody reads",
       "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n",
       "200"},
      {"requests", "", get("/unread"), "200"},
  };
  for (const Attack& attack : attacks) {
    std::size_t most = 0;
    for (int round = 0; round < 2; ++round) {  // at first, what is made once is made
      Flood flood(attack.begin, attack.again);
      const std::size_t before = allocated();
      co_await http::serve_on(flood, routes, {.body_bytes_max = 100'000});
      EXPECT_EQ(statuses(flood.output).substr(0, 3), attack.status)
          << attack.what << ": " << flood.output;
      most = flood.most - before;
    }
    EXPECT_LE(most, bytes_max) << attack.what;
  }
}

TEST(HttpMemory, is_bounded_whatever_comes) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's allocator does not tell what is allocated";
  expect_success_in_time(is_bounded_whatever_comes());
}

}  // namespace
}  // namespace ieum::test
