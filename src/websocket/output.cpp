// Output: gathers, and writes what a turn has brought in one call.
#include "websocket/output.hpp"

#include <ieum/detail/loop.hpp>

#include "websocket/connection.hpp"

namespace ieum::websocket::detail {

using ieum::detail::Frame;
using ieum::detail::Loop;
using ieum::detail::Start;

namespace {

constexpr std::size_t kept_max = 64;

std::vector<std::unique_ptr<Output>>& kept() {
  thread_local std::vector<std::unique_ptr<Output>> outputs;
  return outputs;
}

}  // namespace

std::unique_ptr<Output> Output::take(Connection& connection, Stream& stream, Loop& loop) {
  std::unique_ptr<Output> output;
  if (kept().empty()) {
    output = std::make_unique<Output>();
  } else {
    output = std::move(kept().back());
    kept().pop_back();
  }
  output->connection_ = &connection;
  output->stream_ = &stream;
  output->loop_ = &loop;
  output->scope_.open(loop.root());
  loop.root().add(output->scope_);
  return output;
}

void Output::give_back(std::unique_ptr<Output> output) noexcept {
  if (output->armed()) output->loop_->disarm(*output);
  output->scope_.unlink();
  output->queue_.clear();
  output->connection_ = nullptr;
  if (output->scope_.stopped() || kept().size() >= kept_max) return;
  kept().push_back(std::move(output));
}

void Output::let_go(std::unique_ptr<Output> output, std::unique_ptr<Stream> stream) noexcept {
  Output* const alone = output.release();
  if (alone->armed()) alone->loop_->disarm(*alone);
  alone->connection_ = nullptr;
  alone->queue_.clear();
  alone->own_ = std::move(stream);
  alone->loop_->tell_of_end(*alone);
  alone->scope_.stop();
}

Frame* Output::vanish() noexcept {
  if (has_vanished_ != nullptr) *has_vanished_ = true;
  scope_.unlink();
  delete this;
  return nullptr;
}

void Output::on_loop_end() noexcept {
  bool has_vanished = false;
  has_vanished_ = &has_vanished;
  Loop& loop = *loop_;
  while (!has_vanished) loop.turn(Duration::max());
}

// ---- The queue ---------------------------------------------------------------------------------

std::span<std::byte> Output::gather(std::size_t bytes) {
  const bool fits = !queue_.empty() && queue_.back().head_size == 0 &&
                    queue_.back().shared.size() == 0 &&
                    queue_.back().bytes.size() + bytes <= gathered_bytes_max;
  if (!fits) {
    Piece piece;
    piece.bytes.swap(spare_);
    piece.bytes.clear();
    queue_.push_back(std::move(piece));
  }
  std::string& into = queue_.back().bytes;
  const std::size_t before = into.size();
  into.resize(before + bytes);
  return std::as_writable_bytes(std::span(into)).subspan(before);
}

std::size_t Output::drop_oldest() noexcept {
  for (auto piece = queue_.begin(); piece != queue_.end(); ++piece) {
    if (!piece->may_be_dropped) continue;
    const std::size_t size = piece->size();
    queue_.erase(piece);
    return size;
  }
  return 0;
}

// ---- The write ---------------------------------------------------------------------------------

LayerOperation::Step Output::Writing::advance() noexcept {
  if (has_ended_beneath()) {
    static_cast<void>(take_count());
    return Step::done;
  }
  const std::vector<ConstBuffer>& parts = output_.parts_;
  if (parts.size() == 1) return write_beneath(*output_.stream_, {parts[0], {}, true});
  return write_beneath(*output_.stream_, {{}, parts, true});
}

Address Output::Writing::peer_address() const noexcept { return output_.stream_->peer_address(); }

void Output::load() {
  parts_.clear();
  written_bytes_ = 0;
  while (!queue_.empty() && written_bytes_ < write_bytes && pieces_.size() < write_pieces_max) {
    written_bytes_ += queue_.front().size();
    pieces_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  // Small ones go out in one part.
  const auto is_small = [&](const Piece& piece) {
    return pieces_.size() > 1 && piece.size() <= copied_bytes_max;
  };
  std::size_t small_bytes = 0;
  for (const Piece& piece : pieces_) small_bytes += is_small(piece) ? piece.size() : 0;
  together_.clear();
  together_.reserve(small_bytes);  // so that it stays where it is
  std::size_t begin = 0;
  const auto end_part = [&] {
    if (together_.size() == begin) return;
    parts_.push_back(std::as_bytes(std::span(together_)).subspan(begin));
    begin = together_.size();
  };
  for (const Piece& piece : pieces_) {
    if (is_small(piece)) {
      together_.append(reinterpret_cast<const char*>(piece.head.data()), piece.head_size);
      together_.append(piece.bytes).append(piece.shared.text());
      continue;
    }
    end_part();
    if (piece.head_size > 0) parts_.push_back(std::span(piece.head).first(piece.head_size));
    if (!piece.bytes.empty()) parts_.push_back(std::as_bytes(std::span(piece.bytes)));
    if (piece.shared.size() > 0) parts_.push_back(piece.shared.bytes());
  }
  end_part();
}

void Output::flush() noexcept {
  if (armed()) loop_->disarm(*this);
  while (!is_writing_ && !queue_.empty()) {
    load();
    is_writing_ = true;
    const Start start = writing_.start(*this, scope_);
    if (start.kind == Start::Kind::pending) {
      if (start.next != nullptr) loop_->enqueue_resume(*start.next);
      return;
    }
    if (start.kind == Start::Kind::failed) {
      const Error error = writing_.take_error();
      lost(error);
      return;
    }
    landed();
  }
}

void Output::flush_later() noexcept {
  if (!is_writing_ && !armed()) loop_->arm(*this, loop_->now());
}

void Output::fire() noexcept { connection_->flush(); }

void Output::landed() noexcept {
  is_writing_ = false;
  for (Piece& piece : pieces_) {
    if (piece.head_size == 0 && piece.bytes.capacity() <= 2 * gathered_bytes_max &&
        piece.bytes.capacity() > spare_.capacity()) {
      spare_.swap(piece.bytes);
    }
  }
  pieces_.clear();
  if (connection_ != nullptr) connection_->has_sent(written_bytes_);
}

void Output::lost(const Error& error) noexcept {
  is_writing_ = false;
  pieces_.clear();
  queue_.clear();
  if (connection_ != nullptr) connection_->cannot_send(error);
}

Frame* Output::ended(Frame* /*child*/) noexcept {
  landed();
  if (connection_ == nullptr) return vanish();
  connection_->flush();  // which may give this back: nothing after it
  return nullptr;
}

Frame* Output::failed(Error& error) noexcept {
  const Error why = error;
  lost(why);
  if (connection_ == nullptr) return vanish();
  connection_->flush();
  return nullptr;
}

}  // namespace ieum::websocket::detail
