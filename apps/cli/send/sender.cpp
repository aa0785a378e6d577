#include "send/sender.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include <ieum/offload.hpp>
#include <ieum/printable.hpp>

#include "text/suggest.hpp"
#include "transfer/transfer.hpp"

namespace ieum::cli {

namespace {

/// Of a file that is hashed only.
constexpr std::size_t hash_bytes = std::size_t{1} << 20U;

std::string reason(int number) {
  return std::error_code(number, std::generic_category()).message();
}

/// As much of `into` as the file has there; on a thread of the pool.
std::size_t read_at(int number, std::span<std::byte> into, std::uint64_t offset) noexcept {
  std::size_t count = 0;
  while (count < into.size()) {
    const ssize_t got = ::pread(number, into.data() + count, into.size() - count,
                                static_cast<off_t>(offset + count));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    count += static_cast<std::size_t>(got);
  }
  return count;
}

}  // namespace

Task<std::optional<Failure>> Sender::run() {
  std::optional<Failure> failure;
  auto body = [this](Group& group) { return talk(group); };
  const Result<> talked = co_await attempt(with_group(body));
  // What the receiver has said outranks that it has gone since.
  if (!talked && !failure_) co_await fail(talked.error());
  if (!failure_ && !all_confirmed_) co_await fail(Errc::end_of_stream, "receive");
  if (failure_) co_return failure_;
  progress_.summarize();
  if (progress_.has_failures()) failure = Failure{Status::other, "not all files were sent"};
  co_return failure;
}

Task<> Sender::talk(Group& group) {
  group.start(hear(group));
  const Result<> sent = co_await attempt(send_all());
  // It may say why it takes no more.
  if (!sent && sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
}

// ---- Hearing ------------------------------------------------------------------------------------

Task<> Sender::hear(Group& group) {
  for (;;) {
    const Frames::Frame frame = co_await frames_.next();
    const bool goes_on = co_await take(frame);
    heard_.set();
    if (goes_on) continue;
    group.stop();
    co_return;
  }
}

/// False: nothing more follows.
Task<bool> Sender::take(const Frames::Frame& frame) {
  PayloadReader reader(frame.text());
  if (frame.type == FrameType::answer) {
    Answer answer;
    answer.state = reader.byte();
    answer.offset = reader.number();
    answer.digest = reader.digest();
    answer.sentence = reader.rest();
    if (!reader.is_good()) co_await fail(std::errc::protocol_error, "receive");
    answers_.push_back(std::move(answer));
    co_return true;
  }
  if (frame.type == FrameType::done) {
    all_confirmed_ = sent_.empty();
    co_return false;
  }
  if (frame.type == FrameType::failed) {
    failure_ = Failure{Status::other, fmt::format("the receiver: {}", printable(frame.text()))};
    co_return false;
  }
  if (frame.type == FrameType::entry) {
    failure_ = Failure{Status::other, "the other side sends too: one of both must be 'ieum recv'"};
    co_return false;
  }
  const bool kept = frame.type == FrameType::kept;
  if ((!kept && frame.type != FrameType::refused) || sent_.empty()) {
    co_await fail(std::errc::protocol_error, "receive");
  }
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  if (!kept) {
    progress_.failed(sent.name, frame.text());
  } else if (reader.digest() == sent.digest && reader.is_good()) {
    progress_.agreed(sent.name, sent.digest, sent.size);
  } else {
    progress_.failed(sent.name, "the receiver has another hash of it");
  }
  co_return true;
}

// ---- Saying -------------------------------------------------------------------------------------

Task<> Sender::send_all() {
  for (;;) {
    co_await announce();
    if (ahead_.empty()) break;
    const Answer answer = co_await next_answer();
    const SourceFile file = std::move(ahead_.front());
    ahead_.pop_front();
    co_await serve(file, answer);
  }
  co_await frames_.send(FrameType::done, {});
}

/// Some ahead, so that small files do not wait for the way there and back.
Task<> Sender::announce() {
  while (!all_announced_ && ahead_.size() < entries_ahead_max) {
    std::optional<SourceFile> file = files_.next();
    all_announced_ = !file;
    if (!file) break;
    if (!file->problem.empty()) {
      progress_.failed(file->path, file->problem);
      continue;
    }
    PayloadWriter entry;
    entry.byte(file->is_folder ? 'd' : 'f').number(file->mode);
    entry.number(static_cast<std::uint64_t>(file->modified_ns)).number(file->size);
    entry.text(file->name);
    ahead_.push_back(*std::move(file));
    co_await frames_.send(FrameType::entry, entry.bytes());
  }
}

Task<Sender::Answer> Sender::next_answer() {
  while (answers_.empty()) {
    heard_.reset();
    co_await heard_.wait();
  }
  Answer answer = std::move(answers_.front());
  answers_.pop_front();
  co_return answer;
}

Task<> Sender::serve(const SourceFile& file, const Answer& answer) {
  if (answer.state == 'x') {
    progress_.failed(file.name, answer.sentence);
    co_return;
  }
  if (file.is_folder) co_return;
  Descriptor opened(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!opened.is_open()) {
    progress_.failed(file.path, reason(errno));
    co_await frames_.send(FrameType::leave, {});
    co_return;
  }
  co_await send_file(file, answer, std::move(opened));
}

Task<> Sender::send_file(const SourceFile& file, const Answer& answer, Descriptor opened) {
  const int number = opened.number();
  Sha256 hash;
  bool known = answer.state != 'n' && answer.offset <= file.size;
  if (known) known = co_await hash_prefix(number, answer.offset, hash);
  const bool agrees = known && hash.digest() == answer.digest;
  const bool is_there = answer.state == 'c' || answer.state == 'o';
  if (is_there && agrees && answer.offset == file.size) {
    sent_.push_back({file.name, answer.digest, file.size});
    co_await frames_.send(FrameType::same, PayloadWriter().digest(answer.digest).bytes());
    co_return;
  }
  if (answer.state == 'c') {
    progress_.failed(file.name,
                     "the receiver has another file of this name, which stays as it is; see "
                     "'ieum recv --overwrite'");
    co_await frames_.send(FrameType::leave, {});
    co_return;
  }
  const std::uint64_t from = agrees && !is_there ? answer.offset : 0;
  if (from == 0) hash = Sha256();
  co_await frames_.send(FrameType::begin, PayloadWriter().number(from).bytes());
  const bool whole = co_await send_bytes(file, number, from, hash);
  struct stat status{};
  const bool same_size =
      ::fstat(number, &status) == 0 && static_cast<std::uint64_t>(status.st_size) == file.size;
  if (!whole || !same_size) {
    progress_.failed(file.name, "it changed while it was being sent; send it again");
    co_await frames_.send(FrameType::changed, {});
    co_return;
  }
  const Sha256::Digest digest = hash.digest();
  sent_.push_back({file.name, digest, file.size});
  co_await frames_.send(FrameType::end, PayloadWriter().digest(digest).bytes());
}

/// False: the file is shorter than that.
Task<bool> Sender::hash_prefix(int number, std::uint64_t size, Sha256& hash) {
  std::vector<std::byte> room(hash_bytes);
  for (std::uint64_t at = 0; at < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(room.size(), size - at);
    auto work = [&hash, part = std::span(room).first(wanted), number, at] {
      const std::size_t count = read_at(number, part, at);
      hash.add(part.first(count));
      return count;
    };
    auto reading = offload(work);
    const std::size_t count = co_await std::move(reading);
    if (count < wanted) co_return false;
    at += count;
  }
  co_return true;
}

/// A thread reads and hashes ahead of what is being sent. False: the file has become shorter.
Task<bool> Sender::send_bytes(const SourceFile& file, int number, std::uint64_t from,
                              Sha256& hash) {
  bool whole = false;
  auto ends = Mailbox<Piece>::create(pieces_ahead_max);
  auto body = [&](Group& group) -> Task<> {
    group.start(read_pieces(number, from, file.size, hash, std::move(ends.sender)));
    co_await write_pieces(file, from, ends.mailbox, whole);
  };
  co_await with_group(body);
  co_return whole;
}

Task<> Sender::read_pieces(int number, std::uint64_t from, std::uint64_t size, Sha256& hash,
                           MailboxSender<Piece> to) {
  for (std::uint64_t at = from; at < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(Frames::data_bytes_max, size - at);
    Piece piece(Frames::head_bytes + wanted);
    auto work = [&hash, &piece, number, at] {
      const std::span<std::byte> part = std::span(piece).subspan(Frames::head_bytes);
      const std::size_t count = read_at(number, part, at);
      hash.add(part.first(count));
      return count;
    };
    auto reading = offload(work);
    const std::size_t count = co_await std::move(reading);
    if (count < wanted) co_return;
    at += count;
    co_await to.send(std::move(piece));
  }
}

Task<> Sender::write_pieces(const SourceFile& file, std::uint64_t from, Mailbox<Piece>& pieces,
                            bool& whole) {
  std::uint64_t done = from;
  while (done < file.size) {
    Result<Piece> piece = co_await attempt(pieces.receive());
    if (!piece && piece.error() == Errc::closed) co_return;
    if (!piece) co_await fail(piece.error());
    const std::size_t count = piece->size() - Frames::head_bytes;
    co_await frames_.send_data(*piece);
    done += count;
    progress_.moved(file.name, done, file.size, count);
  }
  whole = true;
}

}  // namespace ieum::cli
