// Sending: heads are written, bodies framed.
#include "http/sending.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <ieum/group.hpp>
#include <ieum/offload.hpp>
#include <ieum/timeout.hpp>

#include "http/syntax.hpp"

namespace ieum::http {
namespace detail {

namespace {

/// A body is copied behind its head up to this size; a larger one goes out from where it is.
constexpr std::size_t copied_bytes_max = std::size_t{2} * 1024;
/// A file is read and sent in pieces of this size.
constexpr std::size_t file_bytes = std::size_t{128} * 1024;
/// So many buffers of that size are kept, of a thread.
constexpr std::size_t file_buffers_max = 8;
/// What a client sends while its response is streamed is kept up to this; then it waits.
constexpr std::size_t input_bytes_max = std::size_t{64} * 1024;

/// Fields that are the server's to write.
bool is_ours(std::string_view name) noexcept {
  switch (name.size()) {
    case 7: return equal_ignoring_case(name, "upgrade");
    case 10:
      return equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "keep-alive");
    case 14: return equal_ignoring_case(name, "content-length");
    case 17: return equal_ignoring_case(name, "transfer-encoding");
    default: return false;
  }
}

std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  if (text.empty() || text.size() > 18 || !are_of(text, characters::digit)) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : text) length = length * 10 + static_cast<unsigned>(c - '0');
  return length;
}

}  // namespace

bool Sending::check_upgrade(const Exchange& exchange, Response& response) {
  const RequestHead& head = exchange.head;
  const std::string protocol = response.extra_->protocol;
  if (head.minor_version > 0 && head.has_upgrade && head.fields.lists("Upgrade", protocol)) {
    return true;
  }
  response = plain_response(Status::upgrade_required);
  const Result<> added = response.fields_.add("Upgrade", protocol);
  static_cast<void>(added);  // it was checked
  return false;
}

// ---- The head -----------------------------------------------------------------------------------

Sending::Framing Sending::choose_framing() {
  const Exchange& x = *connection_.exchange;
  const Status status = response_.status_;
  if (is_without_content(status)) return Framing::none;
  const ResponseExtra* const extra = response_.extra_.get();
  if (status == Status::reset_content) {  // RFC 9110, section 15.3.6
    response_.extra_ = nullptr;
    response_.body_.clear();
    return Framing::length;
  }
  if (extra == nullptr || extra->file != nullptr) {
    length_ = extra != nullptr ? extra->file->length() : response_.body_.size();
    return Framing::length;
  }
  const std::optional<std::string_view> told = response_.fields_.get("Content-Length");
  const std::optional<std::uint64_t> length = told ? parse_length(*told) : std::nullopt;
  if (length) {
    length_ = *length;
    return Framing::length;
  }
  if (x.head.minor_version > 0) return Framing::chunked;
  keeps_alive_ = false;
  return Framing::until_close;
}

void Sending::compose() {
  Exchange& x = *connection_.exchange;
  std::string& out = x.out;
  framing_ = choose_framing();
  append_status_line(out, response_.status_);
  append_fields_of_response();
  if (is_upgrade(response_)) {
    append_field(out, "Connection", "Upgrade");
    append_field(out, "Upgrade", response_.extra_->protocol);
  } else if (response_.status_ == Status::upgrade_required) {
    append_field(out, "Connection", keeps_alive_ ? "Upgrade" : "Upgrade, close");
    append_field(out, "Upgrade", response_.fields_.get("Upgrade").value_or("HTTP/1.1"));
  } else if (!keeps_alive_) {
    append_field(out, "Connection", "close");
  } else if (x.head.minor_version == 0) {
    append_field(out, "Connection", "keep-alive");
  }
  if (framing_ == Framing::length) append_length(out, length_);
  if (framing_ == Framing::chunked) append_field(out, "Transfer-Encoding", "chunked");
  out += "\r\n";
  // Also of a request that is refused: its client expects no body.
  if (x.head.method == Method::head) framing_ = Framing::none;
  has_body_ = response_.extra_ != nullptr && !is_upgrade(response_) && framing_ != Framing::none;
}

void Sending::append_fields_of_response() {
  std::string& out = connection_.exchange->out;
  bool has_date = false;
  for (const Field field : response_.fields_) {
    if (is_ours(field.name)) continue;
    has_date = has_date || equal_ignoring_case(field.name, "date");
    append_field(out, field.name, field.value);
  }
  if (!has_date) out += connection_.service.date();
}

ConstBuffer Sending::copy_body() {
  if (framing_ == Framing::none) return {};
  sent_ = response_.body_.size();
  if (sent_ > copied_bytes_max) return std::as_bytes(std::span(response_.body_));
  connection_.exchange->out += response_.body_;
  return {};
}

// ---- Streams ------------------------------------------------------------------------------------

Task<> Sending::write(ConstBuffer data) {
  std::string& out = connection_.exchange->out;
  if (framing_ == Framing::length && data.size() > length_ - sent_) {
    co_await fail(Error(Errc::limit_exceeded, "write body")
                      .with_detail("it is longer than its Content-Length"));
  }
  const bool is_chunk = framing_ == Framing::chunked && !data.empty();
  if (is_chunk) append_chunk_size(out, data.size());
  if (out.empty() && data.empty()) co_return;
  parts_ = {std::as_bytes(std::span(out)), data,
            std::as_bytes(std::span(std::string_view(is_chunk ? "\r\n" : "")))};
  const std::span<const ConstBuffer> all(parts_);
  const Duration limit = connection_.limit_of_sending(out.size() + data.size());
  Result<> written = co_await attempt(with_timeout(limit, connection_.stream.write_all(all)));
  out.clear();
  if (!written) {
    connection_.broken = true;
    co_await fail(written.error());
  }
  sent_ += data.size();
}

/// Notices that the client has gone, and reads ahead what it sends.
Task<> Sending::watch(Group& group) {
  for (;;) {
    Result<Lease> data = co_await attempt(connection_.stream.receive());
    if (!data && data.error() == std::errc::operation_canceled) co_return;
    if (!data) {
      connection_.broken = true;
      group.stop();
      co_return;
    }
    if (data->empty()) {
      connection_.peer_finished = true;
      if (stops_at_end_) group.stop();
      co_return;
    }
    connection_.add(std::move(*data));
    connection_.hold();
    if (connection_.input().size() > input_bytes_max) co_return;
  }
}

Task<> Sending::run_writer() {
  ResponseExtra& of = *response_.extra_;
#if defined(__cpp_exceptions)
  try {
#endif
    if (of.send_events) {
      EventStream events(writer_,
                         connection_.exchange->head.fields.get("Last-Event-ID").value_or(""));
      Task<> sending = of.send_events(events);
      co_await std::move(sending);
    } else {
      Task<> writing = of.write(writer_);
      co_await std::move(writing);
    }
    co_return;
#if defined(__cpp_exceptions)
  } catch (...) {
    connection_.exchange->access.exception = std::current_exception();
  }
#endif
  co_await fail(Error(std::errc::operation_canceled, "write body").with_detail("its writer threw"));
}

Task<> Sending::write_and_watch(Group& group, bool watches) {
  if (watches) group.start(watch(group));
  Result<> written = co_await attempt(run_writer());
  group.stop();
  if (!written) co_await fail(written.error());
}

Task<> Sending::end_of_stream() {
  std::string& out = connection_.exchange->out;
  if (framing_ == Framing::chunked) {
    out += "0\r\n";
    // They are only for who says that it wants them (RFC 9110, section 6.5.1).
    if (connection_.exchange->head.fields.lists("TE", "trailers")) {
      for (const Field field : trailers_) {
        if (!is_ours(field.name)) append_field(out, field.name, field.value);
      }
    }
    out += "\r\n";
  }
  if (framing_ == Framing::length && sent_ != length_) {
    co_await fail(Error(Errc::end_of_stream, "write body")
                      .with_detail("it is shorter than its Content-Length"));
  }
  if (!out.empty()) co_await connection_.flush();
}

Task<> Sending::send_body() {
  if (response_.extra_->file != nullptr) {
    co_await send_file();
    co_return;
  }
  stops_at_end_ = response_.extra_->send_events != nullptr;
  connection_.finish_body();
  if (stops_at_end_) co_await connection_.flush();
  const bool watches = connection_.exchange->body_ended && !connection_.peer_finished;
  auto body = [this, watches](Group& group) { return write_and_watch(group, watches); };
  Result<> written = co_await attempt(with_group(body));
  if (!written) {
    Exchange& x = *connection_.exchange;
    if (!x.access.error) x.access.error = written.error();
    connection_.broken = true;
    co_await fail(written.error());
  }
  co_await end_of_stream();
}

// ---- Files --------------------------------------------------------------------------------------

namespace {

/// The same on the pool's threads.
Task<std::int64_t> read_from_disk(std::shared_ptr<const Descriptor> file, std::span<char> into,
                                  std::uint64_t at) {
  auto read = [file = std::move(file), into, at] {
    return read_file(*file, into, at, Reach::disk);
  };
  const std::int64_t count = co_await offload(std::move(read));
  co_return count;
}

/// A buffer for a piece of a file; a few are kept, of a thread.
class FileBuffer {
 public:
  FileBuffer() {
    if (kept_.empty()) {
      bytes_ = std::make_unique_for_overwrite<char[]>(file_bytes);
    } else {
      bytes_ = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  FileBuffer(const FileBuffer&) = delete;
  FileBuffer& operator=(const FileBuffer&) = delete;
  ~FileBuffer() {
    if (kept_.capacity() == 0) kept_.reserve(file_buffers_max);
    if (kept_.size() < file_buffers_max) kept_.push_back(std::move(bytes_));
  }
  [[nodiscard]] std::span<char> first(std::size_t count) const noexcept {
    return {bytes_.get(), count};
  }

 private:
  std::unique_ptr<char[]> bytes_;
  static inline thread_local std::vector<std::unique_ptr<char[]>> kept_;
};

}  // namespace

std::int64_t read_file(const Descriptor& file, std::span<char> into, std::uint64_t at,
                       Reach reach) noexcept {
  std::size_t done = 0;
  while (done < into.size()) {
    iovec part{into.data() + done, into.size() - done};
    const ssize_t count = ::preadv2(file.number(), &part, 1, static_cast<off_t>(at + done),
                                    reach == Reach::memory ? RWF_NOWAIT : 0);
    if (count < 0 && errno == EINTR) continue;
    // A file system that cannot tell.
    if (count < 0 && reach == Reach::memory && errno == EOPNOTSUPP) return -EAGAIN;
    if (count < 0) return -errno;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<std::int64_t>(done);
}

Task<> Sending::send_file() {
  FileBody& body = *response_.extra_->file;
  std::string& out = connection_.exchange->out;
  const FileBuffer buffer;
  for (FileBody::Part& part : body.parts) {
    out += part.before;
    sent_ += part.before.size();
    while (part.bytes > 0) {
      const std::size_t size = std::min<std::uint64_t>(part.bytes, file_bytes);
      const std::span<char> into = buffer.first(size);
      std::int64_t count = read_file(*body.file, into, part.at, Reach::memory);
      if (count == -EAGAIN) count = co_await read_from_disk(body.file, into, part.at);
      if (count < 0) co_await fail(Error::from_errno(static_cast<int>(-count), "read file"));
      if (static_cast<std::size_t>(count) < size) {
        // It has become shorter: the client is not to take this for the whole.
        co_await fail(Error(Errc::end_of_stream, "read file").with_detail("it has become shorter"));
      }
      co_await connection_.flush(std::as_bytes(into));
      sent_ += size;
      part.at += size;
      part.bytes -= size;
    }
  }
  out += body.after;
  sent_ += body.after.size();
  if (!out.empty()) co_await connection_.flush();
}

}  // namespace detail

// ---- BodyWriter, EventStream --------------------------------------------------------------------

Task<> BodyWriter::write(ConstBuffer data) { return sending_.write(data); }
Task<> BodyWriter::write(std::string_view text) {
  return sending_.write(std::as_bytes(std::span(text)));
}
Fields& BodyWriter::trailers() noexcept { return sending_.trailers(); }

std::string_view EventStream::last_id() const noexcept { return last_id_; }

namespace {

void append_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\n");
}

/// A line for each of the text's, whichever way they end.
void append_lines(std::string& to, std::string_view name, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    append_line(to, name, text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
}

bool is_line(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

}  // namespace

Task<> EventStream::send(ServerEvent event) {
  if (!is_line(event.event) || !is_line(event.id)) {
    co_await fail(Error(std::errc::invalid_argument, "send event")
                      .with_detail("its kind or its id has a line break or a NUL"));
  }
  std::string text;
  if (!event.event.empty()) append_line(text, "event", event.event);
  if (!event.id.empty()) append_line(text, "id", event.id);
  if (event.retry) append_line(text, "retry", std::to_string(event.retry->count()));
  append_lines(text, "data", event.data);
  text += '\n';
  co_await writer_.write(text);
}

Task<> EventStream::comment(std::string text) {
  std::string lines;
  append_lines(lines, "", text);
  lines += '\n';
  co_await writer_.write(lines);
}

}  // namespace ieum::http
