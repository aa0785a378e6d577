// ScriptedStream: a stream whose reads and writes a test has written down.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <ieum/stream.hpp>
#include <ieum/timeout.hpp>

namespace ieum::test {

class ScriptedStream final : public Stream {
 public:
  /// One for each read, and then the peer's end. A read waits for `pause` first.
  std::deque<std::string> input;
  Duration pause{};
  std::optional<std::errc> read_fails;   ///< instead of the end
  std::optional<std::errc> write_fails;  ///< the next write
  /// One for each write; the parts of a gathered one joined by '|'.
  std::vector<std::string> written;
  int reads = 0;
  bool finished = false;

  [[nodiscard]] Task<> shutdown_write() override {
    finished = true;
    co_return;
  }
  [[nodiscard]] Task<> close() override {
    open_ = false;
    co_return;
  }
  [[nodiscard]] bool is_open() const noexcept override { return open_; }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override { io.use(read(into)); }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    io.use(write(request));
  }

 private:
  Task<std::size_t> read(std::span<std::byte> into) {
    ++reads;
    if (pause > Duration::zero()) co_await sleep(pause);
    if (input.empty() && read_fails) co_return fail(*read_fails, "read");
    if (input.empty()) co_return 0;
    std::string& next = input.front();
    const std::size_t count = std::min(next.size(), into.size());
    std::memcpy(into.data(), next.data(), count);
    next.erase(0, count);
    if (next.empty()) input.pop_front();
    co_return count;
  }
  Task<std::size_t> write(detail::WriteRequest request) {
    if (write_fails) {
      const std::errc code = *write_fails;
      write_fails.reset();
      co_return fail(code, "write");
    }
    std::string text;
    std::size_t count = 0;
    const auto add = [&](ConstBuffer part) {
      text.append(reinterpret_cast<const char*>(part.data()), part.size());
      count += part.size();
    };
    if (request.parts.empty()) add(request.data);
    for (const ConstBuffer& part : request.parts) {
      if (!text.empty()) text += '|';
      add(part);
    }
    written.push_back(text);
    co_return count;
  }

  bool open_ = true;
};

}  // namespace ieum::test
