// BufferedReader: what has come in one buffer is shown there; what has not is joined first.
#include <ieum/buffered_reader.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/words.hpp"

namespace ieum {

namespace {

constexpr std::size_t none = std::string_view::npos;

std::string_view without_line_end(std::string_view line) noexcept {
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

ConstBuffer bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

}  // namespace

BufferedReader::BufferedReader(Stream& stream, const BufferedReaderOptions& options)
    : stream_(stream), bytes_max_(options.bytes_max) {
  IEUM_ASSERT(bytes_max_ > 0, "a reader that may hold nothing");
}

Error BufferedReader::error(Errc code, const char* name) const noexcept {
  return {code, name, stream_.peer_address()};
}

Error BufferedReader::too_long(const char* what, const char* name) const {
  const std::string detail = detail::words(what, detail::count_of(bytes_max_, "byte"));
  return error(Errc::limit_exceeded, name).with_detail(detail);
}

void BufferedReader::forget_used() noexcept {
  const std::size_t of_joined = std::min(used_, joined().size());
  joined_from_ += of_joined;
  lease_.remove_prefix(used_ - of_joined);
  used_ = 0;
  if (joined_from_ < joined_.size()) return;
  joined_.clear();
  joined_from_ = 0;
}

/// The first bytes, as far as they lie in one piece.
std::string_view BufferedReader::front() const noexcept {
  return joined().empty() ? lease_.text() : joined();
}

/// Moves the first `count` bytes of the lease to the end of what is joined. What was used of that
/// goes once it is the larger part, so that looking ahead again and again keeps no more than it
/// looks at.
void BufferedReader::join(std::size_t count) {
  if (joined_from_ >= joined().size()) joined_.erase(0, std::exchange(joined_from_, 0));
  joined_.append(lease_.text().substr(0, count));
  lease_.remove_prefix(count);
}

/// How much of the lease belongs to a piece that begins with what is joined and ends with
/// `delimiter`, which is not in what is joined; or none.
std::size_t BufferedReader::end_in_lease(std::string_view delimiter) const {
  const std::string_view before = joined();
  const std::size_t kept = std::min(delimiter.size() - 1, before.size());
  if (kept > 0) {  // it may have come in two parts
    std::string seam(before.substr(before.size() - kept));
    seam.append(lease_.text().substr(0, delimiter.size() - 1));
    const std::size_t at = seam.find(delimiter);
    if (at != none) return at + delimiter.size() - kept;
  }
  const std::size_t at = lease_.text().find(delimiter);
  return at == none ? none : at + delimiter.size();
}

/// The next lease; none is held.
detail::StreamReceive BufferedReader::receive() noexcept {
  if (joined_.empty()) std::string().swap(joined_);  // who waits for a peer holds no memory
  return stream_.receive();
}

Task<std::optional<std::string_view>> BufferedReader::until(std::string_view delimiter,
                                                            const char* name) {
  forget_used();
  const std::size_t at = front().find(delimiter);
  if (at != none && at + delimiter.size() > bytes_max_) {
    co_return fail(too_long("no end within ", name));
  }
  for (;;) {
    if (lease_.empty()) {
      if (size() >= bytes_max_) co_return fail(too_long("no end within ", name));
      Lease data = co_await receive();
      lease_ = std::move(data);
      if (size() == 0) co_return std::nullopt;
      if (lease_.empty()) co_return fail(error(Errc::end_of_stream, name));
    }
    const std::size_t end = end_in_lease(delimiter);
    const std::size_t count = joined().size() + (end == none ? lease_.size() : end);
    if (count > bytes_max_ || (end == none && count == bytes_max_)) {
      co_return fail(too_long("no end within ", name));
    }
    const bool is_in_one_piece = end != none && joined().empty();
    if (!is_in_one_piece) join(count - joined().size());
    if (end == none) continue;
    use(count);
    co_return front().substr(0, count);
  }
}

Task<std::optional<std::string_view>> BufferedReader::line() {
  const std::optional<std::string_view> found = co_await until("\n", "read line");
  if (!found) co_return std::nullopt;
  co_return without_line_end(*found);
}

/// The first `count` bytes in one piece, or fewer before the end; none of them is used.
Task<ConstBuffer> BufferedReader::look(std::size_t count, const char* name) {
  forget_used();
  if (count > bytes_max_) co_return fail(too_long("it shows at most ", name));
  while (size() < count) {
    join(lease_.size());
    Lease data = co_await receive();
    lease_ = std::move(data);
    if (lease_.empty()) break;
  }
  if (front().size() < count) join(std::min(count - joined().size(), lease_.size()));
  co_return bytes_of(front());
}

Task<ConstBuffer> BufferedReader::piece(std::size_t count) {
  const ConstBuffer seen = co_await look(count, "read");
  if (seen.size() < count) co_return fail(error(Errc::end_of_stream, "read"));
  use(count);
  co_return seen.first(count);
}

detail::ConsumingTask<std::size_t> BufferedReader::read_some(std::span<std::byte> into) {
  return detail::ConsumingTask<std::size_t>(some(into));
}

Task<std::size_t> BufferedReader::some(std::span<std::byte> into) {
  IEUM_ASSERT(!into.empty(), "read_some needs room for at least one byte");
  forget_used();
  if (front().empty()) {
    const std::size_t read = co_await stream_.read_some(into);
    co_return read;
  }
  const std::size_t count = std::min(front().size(), into.size());
  std::memcpy(into.data(), front().data(), count);
  use(count);
  co_return count;
}

detail::ConsumingTask<void> BufferedReader::read_exact(std::span<std::byte> into) {
  return detail::ConsumingTask<void>(fill(into));
}

Task<> BufferedReader::fill(std::span<std::byte> into) {
  while (!into.empty()) {
    const std::size_t count = co_await some(into);
    if (count == 0) co_await fail(error(Errc::end_of_stream, "read"));
    into = into.subspan(count);
  }
}

detail::ConsumingTask<void> BufferedReader::skip(std::uint64_t count) {
  return detail::ConsumingTask<void>(pass_over(count));
}

Task<> BufferedReader::pass_over(std::uint64_t count) {
  forget_used();
  while (count > 0) {
    if (front().empty()) {
      Lease data = co_await receive();
      lease_ = std::move(data);
      if (lease_.empty()) co_await fail(error(Errc::end_of_stream, "skip"));
    }
    use(static_cast<std::size_t>(std::min<std::uint64_t>(count, front().size())));
    count -= used_;
    forget_used();
  }
}

ConstBuffer BufferedReader::buffered() {
  forget_used();
  if (!joined().empty()) join(lease_.size());
  return bytes_of(front());
}

std::string BufferedReader::take_buffered() {
  forget_used();
  std::string all(joined());
  all.append(lease_.text());
  use(all.size());
  forget_used();
  return all;
}

namespace detail {

bool ReadUntil::done_at_once() noexcept {
  reader->forget_used();
  const std::string_view front = reader->front();
  const std::size_t at = front.find(delimiter);
  if (at == none || at + delimiter.size() > reader->bytes_max_) return false;
  found = front.substr(0, at + delimiter.size());
  reader->use(found.size());
  return true;
}
Task<ReadUntil::value_type> ReadUntil::task() const {
  return reader->until(delimiter, "read until delimiter");
}
Error ReadUntil::canceled() const noexcept {
  return {std::errc::operation_canceled, "read until delimiter", reader->stream_.peer_address()};
}

bool ReadLine::done_at_once() noexcept {
  ReadUntil until{{reader}, "\n"};
  if (!until.done_at_once()) return false;
  found = without_line_end(until.found);
  return true;
}
Task<ReadLine::value_type> ReadLine::task() const { return reader->line(); }
Error ReadLine::canceled() const noexcept {
  return {std::errc::operation_canceled, "read line", reader->stream_.peer_address()};
}

bool ReadPiece::done_at_once() noexcept {
  Peek peek{{reader}, count};
  if (!peek.done_at_once()) return false;
  found = peek.found.first(count);
  reader->use(count);
  return true;
}
Task<ReadPiece::value_type> ReadPiece::task() const { return reader->piece(count); }
Error ReadPiece::canceled() const noexcept {
  return {std::errc::operation_canceled, "read", reader->stream_.peer_address()};
}

bool Peek::done_at_once() noexcept {
  reader->forget_used();
  const std::string_view front = reader->front();
  if (front.size() < count || count > reader->bytes_max_) return false;
  found = bytes_of(front);
  return true;
}
Task<Peek::value_type> Peek::task() const { return reader->look(count, "peek"); }
Error Peek::canceled() const noexcept {
  return {std::errc::operation_canceled, "peek", reader->stream_.peer_address()};
}

}  // namespace detail
}  // namespace ieum
