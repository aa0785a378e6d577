// Script: the client's end of a conversation that a fuzzer makes up.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include <ieum/stream.hpp>
#include <ieum/task.hpp>

namespace ieum::test {

/// A client that sends what is given, then its end, and takes everything.
class Script final : public Stream {
 public:
  Script(std::string_view input, std::size_t piece) : input_(input), piece_(piece) {}
  std::string output;

  Task<> shutdown_write() override { co_return; }
  Task<> close() override {
    open_ = false;
    co_return;
  }
  bool is_open() const noexcept override { return open_; }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override { io.use(read(into)); }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    io.use(write(request));
  }
  void begin_wait_readable(detail::StreamIo& io) override { io.use(nothing()); }

 private:
  Task<std::size_t> read(std::span<std::byte> into) {
    const std::size_t count = std::min({into.size(), piece_, input_.size()});
    std::ranges::copy(std::as_bytes(std::span(input_.substr(0, count))), into.begin());
    input_.remove_prefix(count);
    co_return count;
  }
  Task<std::size_t> write(detail::WriteRequest request) {
    std::size_t count = 0;
    const auto take = [&](ConstBuffer part) {
      output.append(reinterpret_cast<const char*>(part.data()), part.size());
      count += part.size();
    };
    if (request.parts.empty()) take(request.data);
    for (const ConstBuffer part : request.parts) take(part);
    co_return count;
  }
  Task<std::size_t> nothing() { co_return 0; }

  std::string_view input_;
  std::size_t piece_;
  bool open_ = true;
};

}  // namespace ieum::test
