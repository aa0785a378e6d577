// ClientExchange: sends a request, and receives the head of its reply, both at once where the
// request is long: a server may answer before it has all of it.
#include "http/client_exchange.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <ieum/descriptor_stream.hpp>
#include <ieum/offload.hpp>
#include <ieum/select.hpp>
#include <ieum/timeout.hpp>

#include "base/words.hpp"

namespace ieum::http::detail {

using ieum::detail::limit_in_words;
using ieum::detail::words;

namespace {

/// Content up to this goes out with the head, in one call, before the reply is waited for: so much
/// the system takes even of a server that does not read.
constexpr std::size_t at_once_max = std::size_t{16} * 1024;

ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// So long that no sum overflows.
constexpr Duration for_ever = std::chrono::hours(24 * 365 * 100);

Duration or_for_ever(Duration limit) {
  return limit > Duration::zero() ? std::min(limit, for_ever) : for_ever;
}

bool is_lost(const Error& error) {
  return error == std::errc::connection_reset || error == std::errc::broken_pipe ||
         error == std::errc::connection_aborted || error == Errc::cut_off;
}

}  // namespace

ClientExchange::ClientExchange(Pool::Slot slot, ClientRequest& request,
                               const ClientExchangeLimits& limits)
    : slot_(std::move(slot)),
      limits_(limits),
      options_(request.options),
      deadline_(request.deadline),
      url_(request.url),
      operation_(operation_name(request)),
      method_(request.method),
      redirects_(request.redirects),
      was_reused_(slot_.is_reused),
      chunks_(ChunkLimits{.trailers = {.line_bytes_max = limits.head.line_bytes_max,
                                       .bytes_max = limits.head.bytes_max,
                                       .fields_max = limits.head.fields_max}}) {}

ClientExchange::~ClientExchange() { settle(); }

Error ClientExchange::error(std::error_code code, std::string_view detail) const {
  return Error(code, operation_).with_name(url_.origin()).with_detail(detail);
}

Error ClientExchange::told(const Error& failure, std::string_view cut, std::string_view late) {
  if (failure == std::errc::timed_out) return error(std::errc::timed_out, late);
  if (!is_lost(failure)) return failure;
  was_lost_ = true;
  return error(Errc::cut_off, cut);
}

// ---- Sending -----------------------------------------------------------------------------------

Task<> ClientExchange::run(ClientRequest& request, std::string_view user_agent) {
  const Content& content = request.content;
  const ContentFraming framing = co_await prepare_content(request);
  std::string head = write_head(request, framing, user_agent);
  if (options_.observer != nullptr) options_.observer->sending(head);
  const bool is_short = content.kind_ == Content::Kind::memory &&
                        content.text_.size() <= at_once_max && !options_.expect_continue;
  if (content.is_none() || is_short) {
    co_await send_at_once(std::move(head), bytes_of(content.text_));
  } else {
    co_await send_beside(std::move(head), content);
  }
  co_await prepare_body();
}

Task<ContentFraming> ClientExchange::prepare_content(const ClientRequest& request) {
  const Content& content = request.content;
  ContentFraming framing;
  switch (content.kind_) {
    case Content::Kind::none:
      // Of these, a server waits for content (RFC 9110, section 8.6).
      if (method_ == Method::post || method_ == Method::put || method_ == Method::patch) {
        framing.length = 0;
      }
      break;
    case Content::Kind::memory: framing.length = content.text_.size(); break;
    case Content::Kind::file:
      co_await open_file(content.text_);
      framing.length = content_length_;
      break;
    case Content::Kind::writer:
      framing.length = content.length_;
      framing.is_chunked = !content.length_.has_value();
      break;
  }
  content_length_ = framing.length;
  co_return framing;
}

Task<> ClientExchange::open_file(std::string path) {
  struct Opened {
    int descriptor = -1;
    int error = 0;
    std::uint64_t size = 0;
  };
  const auto open = [&path] {
    Opened opened;
    // Without waiting for the writer of a named pipe.
    opened.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status{};
    if (opened.descriptor < 0 || ::fstat(opened.descriptor, &status) != 0) {
      opened.error = errno;
    } else if (!S_ISREG(status.st_mode)) {
      opened.error = EINVAL;
    } else {
      opened.size = static_cast<std::uint64_t>(status.st_size);
    }
    return opened;
  };
  const Opened opened = co_await offload(open);
  file_ = Descriptor(opened.descriptor);
  if (opened.error != 0) {
    co_await fail(Error::from_errno(opened.error, "open content")
                      .with_name(path)
                      .with_detail(opened.error == EINVAL ? "it is no regular file" : ""));
  }
  content_length_ = opened.size;
}

Task<> ClientExchange::send_at_once(std::string head, ConstBuffer content) {
  std::array<ConstBuffer, 2> parts;
  parts[0] = bytes_of(head);
  parts[1] = content;
  const std::span<const ConstBuffer> all = std::span(parts).first(content.empty() ? 1 : 2);
  const Result<> sent =
      co_await attempt(with_timeout(or_for_ever(options_.idle_timeout), stream().write_all(all)));
  is_sent_whole_ = sent.has_value();
  if (is_sent_whole_) report_sent(content.size());
  sent_.set();
  // A server that does not want it may have answered before it closed.
  if (!sent && !is_lost(sent.error())) {
    const Error failure = told(sent.error(), {}, "the server does not take the request");
    co_await fail(failure);
  }
  co_await read_head();
}

void ClientExchange::report_sent(std::size_t content_bytes) {
  if (options_.observer == nullptr) return;
  if (content_bytes > 0) options_.observer->content_sent(content_bytes);
  options_.observer->sent();
}

Task<> ClientExchange::send_beside(std::string head, const Content& content) {
  auto both = [&](Group& group) { return send_in(group, std::move(head), content); };
  co_await with_group(both);
}

Task<> ClientExchange::send_in(Group& group, std::string head, const Content& content) {
  group.start(upload(std::move(head), content));
  co_await read_head();
  if (sent_.is_set()) co_return;
  was_content_withheld_ = !has_begun_content_;
  if (is_success(head_.status) && has_begun_content_) {
    co_await sent_.wait();
  } else {
    group.stop();  // the rest is not wanted
  }
}

Task<> ClientExchange::upload(std::string head, const Content& content) {
  ContentWriter writer(stream(), content_length_, options_.idle_timeout, options_.observer);
  Result<> done =
      co_await attempt(with_timeout(or_for_ever(options_.idle_timeout), stream().write_all(head)));
  bool is_connection = !done.has_value();
  if (done) {
    if (options_.expect_continue) {
      co_await select(go_.wait(), sleep(options_.continue_wait));
    }
    has_begun_content_ = true;
    done = co_await attempt(write_content(content, writer));
    is_connection = writer.is_broken_;
  }
  is_sent_whole_ = done.has_value() && !writer.is_broken_;
  if (is_sent_whole_) report_sent(0);
  if (is_sent_whole_ || (is_connection && (done.has_value() || is_lost(done.error())))) {
    sent_.set();  // if it broke, the server may have answered before
    co_return;
  }
  const Error failure =
      is_connection ? told(done.error(), {}, "the server does not take the content") : done.error();
  co_await fail(failure);
}

Task<> ClientExchange::write_content(const Content& content, ContentWriter& writer) {
  if (content.kind_ == Content::Kind::memory) {
    co_await writer.write(content.text_);
  } else if (content.kind_ == Content::Kind::writer) {
    co_await content.writer_(writer);
  } else {
    DescriptorStream file =
        co_await DescriptorStream::open(file_.number(), DescriptorStream::Direction::input);
    std::string buffer(std::size_t{64} * 1024, '\0');
    while (const std::size_t count =
               co_await file.read_some(std::as_writable_bytes(std::span(buffer)))) {
      co_await writer.write(std::string_view(buffer).substr(0, count));
    }
  }
  co_await writer.finish();
}

// ---- Receiving the head ------------------------------------------------------------------------

Task<> ClientExchange::read_head() {
  for (;;) {
    co_await read_one_head();
    if (!is_informational(head_.status)) co_return;
    if (head_.status == Status::switching_protocols) {
      const Error failure = error(std::errc::protocol_error, "it switched protocols unasked");
      co_await fail(failure);
    }
    if (++interim_replies_ > limits_.interim_replies_max) {
      const Error failure =
          error(Errc::limit_exceeded,
                words("more than ", limits_.interim_replies_max, " interim replies"));
      co_await fail(failure);
    }
    if (head_.status == Status::continue_) go_.set();
  }
}

Task<> ClientExchange::read_one_head() {
  head_.clear();
  HeadParser parser(head_, limits_.head);
  for (;;) {
    if (!connection().input().empty()) {
      has_input_ = true;
      const HeadParser::Progress progress = parser.parse(connection().input());
      if (progress == HeadParser::Progress::complete) break;
      if (progress == HeadParser::Progress::fault) {
        const Status status = parser.fault().status;
        const bool is_limit =
            status == Status::header_fields_too_large || status == Status::uri_too_long;
        const Error failure =
            is_limit ? error(Errc::limit_exceeded, parser.fault().why)
                     : error(std::errc::protocol_error, words("its reply: ", parser.fault().why));
        co_await fail(failure);
      }
    }
    Result<Lease> data = co_await attempt(receive_for_head());
    const char* const cut = has_input_ ? "the connection ended within the reply's head"
                                       : "the connection ended before a reply came";
    if (!data) {
      const Error failure =
          told(data.error(), cut,
               words("no reply within ", limit_in_words(options_.head_timeout), ": head_timeout"));
      co_await fail(failure);
    }
    if (data->empty()) {
      was_lost_ = true;
      const Error failure = error(Errc::cut_off, cut);
      co_await fail(failure);
    }
    connection().take_in(*std::move(data));
  }
  if (options_.observer != nullptr) {
    options_.observer->received(connection().input().substr(0, parser.size()));
  }
  connection().use(parser.size());
}

Task<Lease> ClientExchange::receive_for_head() {
  if (!sent_.is_set()) {
    auto [data, sent] = co_await select(stream().receive(), sent_.wait());
    if (data) {
      Lease lease = co_await std::move(*data);
      co_return lease;
    }
  }
  // From now on, whatever comes in between: a server that goes on with interim replies is late too.
  if (!head_deadline_) head_deadline_ = now() + or_for_ever(options_.head_timeout);
  Lease lease = co_await with_timeout(*head_deadline_ - now(), stream().receive());
  co_return lease;
}

/// The head has come: what the body is.
Task<> ClientExchange::prepare_body() {
  framing_ = head_.framing(method_);
  left_ = framing_.length;
  if (framing_.kind == Framing::Kind::none ||
      (framing_.kind == Framing::Kind::length && left_ == 0)) {
    end_body();
    co_return;
  }
  if (!options_.decode || head_.fields.count("content-encoding") != 1) co_return;
  const auto coding = ContentDecoder::coding_of(*head_.fields.get("content-encoding"));
  if (!coding) co_return;
  decoder_ = co_await ContentDecoder::make(*coding);
  is_decoded_ = true;
  head_.fields.remove("content-encoding");
  head_.fields.remove("content-length");
}

}  // namespace ieum::http::detail
