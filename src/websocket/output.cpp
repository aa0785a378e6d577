// Output: gathers, and writes what a turn has brought in one call.
#include "websocket/output.hpp"

#include <ieum/detail/loop.hpp>

#include "websocket/connection.hpp"

namespace ieum::websocket::detail {

using ieum::detail::Frame;
using ieum::detail::Loop;
using ieum::detail::Start;

namespace {

/// As many as a message to many takes at a time, and each is about 1 KiB.
constexpr std::size_t kept_max = 1024;
/// What one keeps of its memory.
constexpr std::size_t kept_bytes_max = 2 * gathered_bytes_max;
constexpr std::size_t kept_pieces_max = 64;

std::vector<std::unique_ptr<Output>>& kept() {
  thread_local std::vector<std::unique_ptr<Output>> outputs;
  return outputs;
}

void shrink(std::string& text) noexcept {
  text.clear();
  if (text.capacity() > kept_bytes_max) std::string().swap(text);
}
template <class T>
void shrink(std::vector<T>& all) noexcept {
  all.clear();
  if (all.capacity() > kept_pieces_max) std::vector<T>().swap(all);
}

}  // namespace

namespace {

constexpr std::size_t kept_messages_max = 64;
constexpr std::size_t kept_message_bytes_max = std::size_t{32} * 1024;

std::vector<std::string>& kept_messages() {
  thread_local std::vector<std::string> messages;
  return messages;
}

}  // namespace

std::string take_message_memory() noexcept {
  if (kept_messages().empty()) return {};
  std::string memory = std::move(kept_messages().back());
  kept_messages().pop_back();
  return memory;
}

void keep_message_memory(std::string memory) noexcept {
  const bool is_worth_it =
      memory.capacity() > copied_bytes_max && memory.capacity() <= kept_message_bytes_max;
  if (!is_worth_it || kept_messages().size() >= kept_messages_max) return;
  memory.clear();
  kept_messages().push_back(std::move(memory));
}

/// Those of a loop that are to be flushed at its turn's end: one timer for all.
class FlushList final : public ieum::detail::Timer {
 public:
  static void add(Output& output) noexcept {
    FlushList& list = of(*output.loop_);
    if (!list.armed()) list.loop_->arm(list, list.loop_->now());
    output.flush_link_.link_before(list.outputs_);
  }
  static void remove(Output& output) noexcept {
    output.flush_link_.unlink();
    FlushList& list = of(*output.loop_);
    if (!list.outputs_.linked() && list.armed()) list.loop_->disarm(list);
  }
  void fire() noexcept override {
    while (outputs_.linked()) {
      Output& output = static_cast<Output::FlushLink*>(outputs_.next)->of;
      output.flush_link_.unlink();
      output.connection_->flush();
    }
  }

 private:
  /// A thread has as many as it has runtimes at a time that use them.
  static FlushList& of(Loop& loop) noexcept {
    thread_local std::vector<std::unique_ptr<FlushList>> lists;
    thread_local FlushList* last = nullptr;
    if (last != nullptr && last->loop_ == &loop) return *last;
    FlushList* unused = nullptr;
    for (const std::unique_ptr<FlushList>& list : lists) {
      if (list->loop_ == &loop) return *(last = list.get());
      if (!list->armed() && !list->outputs_.linked()) unused = list.get();
    }
    if (unused == nullptr) unused = lists.emplace_back(std::make_unique<FlushList>()).get();
    unused->loop_ = &loop;
    return *(last = unused);
  }

  Loop* loop_ = nullptr;
  ieum::detail::ListLink outputs_;
};

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
  if (output->flush_link_.linked()) FlushList::remove(*output);
  output->scope_.unlink();
  output->clear_queue();
  output->connection_ = nullptr;
  if (output->scope_.stopped() || kept().size() >= kept_max) return;
  kept().push_back(std::move(output));
}

void Output::let_go(std::unique_ptr<Output> output, std::unique_ptr<Stream> stream) noexcept {
  Output* const alone = output.release();
  if (alone->flush_link_.linked()) FlushList::remove(*alone);
  alone->connection_ = nullptr;
  alone->clear_queue();
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

void Output::end_gathered() {
  Piece piece;
  piece.bytes.swap(gathered_);
  queue_.push_back(std::move(piece));
}

void Output::add(Piece piece) {
  if (!gathered_.empty()) end_gathered();
  queue_.push_back(std::move(piece));
}

std::size_t Output::drop_oldest() noexcept {
  for (std::size_t i = queue_begin_; i < queue_.size(); ++i) {
    if (!queue_[i].may_be_dropped) continue;
    const std::size_t size = queue_[i].size();
    if (i == queue_begin_) {
      queue_[queue_begin_++] = Piece{};
      if (queue_begin_ == queue_.size()) queue_.clear();
      if (queue_.empty()) queue_begin_ = 0;
    } else {
      queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return size;
  }
  return 0;
}

void Output::clear_queue() noexcept {
  shrink(queue_);
  queue_begin_ = 0;
  shrink(gathered_);
}

// ---- The write ---------------------------------------------------------------------------------

void Output::load() {
  parts_.clear();
  if (queue_.empty()) {  // small frames only, as nearly always
    writing_.swap(gathered_);
    written_bytes_ = writing_.size();
    parts_.push_back(std::as_bytes(std::span(writing_)));
    return;
  }
  if (!gathered_.empty()) end_gathered();
  written_bytes_ = 0;
  while (queue_begin_ < queue_.size() && written_bytes_ < write_bytes &&
         pieces_.size() < write_pieces_max) {
    written_bytes_ += queue_[queue_begin_].size();
    pieces_.push_back(std::move(queue_[queue_begin_++]));
  }
  if (queue_begin_ == queue_.size()) {
    queue_.clear();
    queue_begin_ = 0;
  } else if (queue_begin_ > queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_begin_));
    queue_begin_ = 0;
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
  if (flush_link_.linked()) FlushList::remove(*this);
  while (!is_writing_ && has_queue()) {
    load();
    is_writing_ = true;
    new (&io_) ieum::detail::StreamIo;
    has_io_ = true;
    io_.begin([&](ieum::detail::StreamIo& io) {
      if (parts_.size() == 1) {
        stream_->begin_write(io, {parts_[0], {}, true});
      } else {
        stream_->begin_write(io, {{}, parts_, true});
      }
    });
    const Start start = io_.start(*this, scope_);
    if (start.kind == Start::Kind::pending) {
      if (start.next != nullptr) loop_->enqueue_resume(*start.next);
      return;
    }
    if (start.kind == Start::Kind::failed) {
      const Error error = io_.take_error();
      end_write();
      lost(error);
      return;
    }
    landed();
  }
}

void Output::flush_later() noexcept {
  if (!is_writing_ && !flush_link_.linked()) FlushList::add(*this);
}

void Output::end_write() noexcept {
  if (!has_io_) return;
  has_io_ = false;
  io_.~BasicStreamIo();
}

/// All of it has gone; false: the stream threw.
bool Output::take_written() noexcept {
  bool is_good = true;
#if defined(__cpp_exceptions)
  try {
    static_cast<void>(io_.take());
  } catch (...) {
    is_good = false;
  }
#else
  static_cast<void>(io_.take());
#endif
  end_write();
  return is_good;
}

void Output::landed() noexcept {
  if (!take_written()) {
    return lost(Error(std::errc::io_error, "send", stream_->peer_address())
                    .with_detail("the stream beneath threw"));
  }
  is_writing_ = false;
  shrink(writing_);
  if (!pieces_.empty()) {
    for (Piece& piece : pieces_) {
      if (piece.head_size > 0) keep_message_memory(std::move(piece.bytes));
    }
    shrink(pieces_);
    shrink(together_);
    shrink(parts_);
  }
  if (connection_ != nullptr) connection_->has_sent(written_bytes_);
}

void Output::lost(const Error& error) noexcept {
  is_writing_ = false;
  shrink(writing_);
  shrink(pieces_);
  clear_queue();
  if (connection_ != nullptr) connection_->cannot_send(error);
}

Frame* Output::ended(Frame* child) noexcept {
  if (child != nullptr) {  // whose frame must not be destroyed from within its own end
    loop_->enqueue(*this, &Output::go_on);
    return nullptr;
  }
  landed();
  if (connection_ == nullptr) return vanish();
  connection_->flush();  // which may give this back: nothing after it
  return nullptr;
}

Frame* Output::failed(Error& error) noexcept {
  const Error why = error;
  end_write();
  lost(why);
  if (connection_ == nullptr) return vanish();
  connection_->flush();
  return nullptr;
}

void Output::go_on(Loop& /*loop*/, ieum::detail::ReadyNode& node) noexcept {
  static_cast<void>(static_cast<Output&>(node).ended(nullptr));
}

}  // namespace ieum::websocket::detail
