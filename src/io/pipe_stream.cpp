// PipeStream: our end of a pipe to a child process.
#include "io/pipe_stream.hpp"

#include <cerrno>

#include "base/driver.hpp"
#include "io/closing.hpp"

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
  io.use(request(Operation::Kind::receive, Direction::input).to_read(into));
}

void PipeStream::begin_write(StreamIo& io, const WriteRequest& write) {
  io.use(request(Operation::Kind::send, Direction::output).to_write(write));
}

Task<> PipeStream::shutdown_write() {
  if (direction_ != Direction::output) co_await fail(Error::from_errno(EBADF, name_));
  co_await close();
}

Task<> PipeStream::close() {
  const HandleRequest request = this->request(Operation::Kind::close, direction_);
  handle_ = -1;
  auto closed = closing(request);
  co_await std::move(closed);
}

}  // namespace ieum::detail
