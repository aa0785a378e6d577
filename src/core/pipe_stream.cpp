// PipeStream: our end of a pipe to a child process.
#include "core/pipe_stream.hpp"

#include <cerrno>
#include <chrono>

#include <ieum/timeout.hpp>

#include "driver/driver.hpp"

namespace ieum::detail {

PipeStream::~PipeStream() {
  if (handle_ >= 0) loop_->driver().discard(handle_);
}

HandleRequest PipeStream::request(Operation::Kind kind, Direction direction) const noexcept {
  const bool possible = direction == direction_;
  return {.kind = kind, .handle = possible ? handle_ : -1, .loop = loop_, .name = name_};
}

void PipeStream::begin_read(StreamIo& io, std::span<std::byte> into) {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  HandleRequest read = request(Operation::Kind::receive, Direction::input);
  read.data = into.data();
  read.size = into.size();
  io.use(read);
}

void PipeStream::begin_write(StreamIo& io, const WriteRequest& write) {
  const bool gathers = write.parts.data() != nullptr;
  HandleRequest send = request(Operation::Kind::send, Direction::output);
  send.whole = write.whole;
  send.data = const_cast<std::byte*>(write.data.data());  // a send only reads it
  send.size = gathers ? write.parts.size() : write.data.size();
  send.parts = write.parts.data();
  io.use(send);
}

Task<> PipeStream::shutdown_write() {
  if (direction_ != Direction::output) co_await fail(Error::from_errno(EBADF, name_));
  co_await close();
}

Task<> PipeStream::close() {
  HandleRequest closing = request(Operation::Kind::close, direction_);
  handle_ = -1;
  HandleIo<void> operation(closing);
  co_await shield(std::move(operation), std::chrono::hours(24));
}

}  // namespace ieum::detail
