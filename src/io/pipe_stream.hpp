// PipeStream: our end of a pipe to a child process.
#pragma once

#include <cstdint>

#include <ieum/stream.hpp>

namespace ieum::detail {

/// Owns the driver's handle of a pipe's end; reads or writes, the other is `bad_file_descriptor`.
class PipeStream final : public Stream {
 public:
  enum class Direction : std::uint8_t { input, output };

  /// `name` is the operation's in errors, a literal.
  PipeStream(Loop& loop, int handle, Direction direction, const char* name) noexcept
      : loop_(&loop), handle_(handle), direction_(direction), name_(name) {}
  PipeStream(PipeStream&&) = delete;
  PipeStream& operator=(PipeStream&&) = delete;
  ~PipeStream() override;

  [[nodiscard]] Task<> shutdown_write() override;
  [[nodiscard]] Task<> close() override;
  [[nodiscard]] bool is_open() const noexcept override { return handle_ >= 0; }
  void begin_read(StreamIo& io, std::span<std::byte> into) override;
  void begin_write(StreamIo& io, const WriteRequest& request) override;
  void begin_wait_readable(StreamIo& io) override {
    io.use(request(Operation::Kind::wait_readable, Direction::input));
  }

 private:
  [[nodiscard]] HandleRequest request(Operation::Kind kind, Direction direction) const noexcept;

  Loop* loop_;
  int handle_;
  Direction direction_;
  const char* name_;
};

}  // namespace ieum::detail
