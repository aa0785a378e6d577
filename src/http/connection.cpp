// Connection: what comes in, and the conversation as a whole.
#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

#include <ieum/printable.hpp>
#include <ieum/pushback_stream.hpp>
#include <ieum/timeout.hpp>

#include "http/sending.hpp"
#include "http/unless_failed.hpp"

namespace ieum::http::detail {

Connection::~Connection() { Exchange::give_back(std::move(exchange)); }

// ---- What has come ------------------------------------------------------------------------------

void Connection::use(std::size_t bytes) noexcept {
  if (exchange == nullptr) return;
  Exchange& x = *exchange;
  if (x.lease) {
    x.lease.remove_prefix(bytes);
    return;
  }
  x.held_at += bytes;
  if (x.held_at < x.held.size()) return;
  x.held_at = 0;
  x.held.clear();
}

void Connection::add(Lease data) {
  if (exchange == nullptr) exchange = Exchange::take();
  if (!has_input()) {
    exchange->lease = std::move(data);
    return;
  }
  hold();
  exchange->held.erase(0, std::exchange(exchange->held_at, 0));
  exchange->held.append(data.text());
}

void Connection::hold() {
  if (exchange == nullptr || !exchange->lease) return;
  // A lease is held only when there is nothing else.
  exchange->held.assign(exchange->lease.text());
  exchange->held_at = 0;
  exchange->lease.reset();
}

// ---- Heads --------------------------------------------------------------------------------------

Connection::Head Connection::head_of(HeadParser::Progress progress) noexcept {
  if (progress == HeadParser::Progress::needs_more) return Head::needs_more;
  if (progress == HeadParser::Progress::complete) return Head::complete;
  exchange->refusal = exchange->parser->fault();
  return Head::refused;
}

Connection::Head Connection::begin_head() {
  exchange->begin(*this);
  const ServerOptions& options = service.options;
  exchange->parser.emplace(exchange->head, HeadLimits{.line_bytes_max = options.line_bytes_max,
                                                      .bytes_max = options.head_bytes_max,
                                                      .fields_max = options.fields_max});
  return head_of(exchange->parser->parse(input()));
}

Task<Connection::Head> Connection::rest_of_head() {
  Exchange& x = *exchange;
  const TimePoint until = now() + service.options.head_timeout;
  if (!x.out.empty()) co_await flush();
  for (;;) {
    hold();
    Result<Lease> data = co_await attempt(with_timeout(until - now(), stream.receive()));
    if (data && !data->empty()) {
      add(std::move(*data));
      const Head head = head_of(x.parser->parse(input()));
      if (head != Head::needs_more) co_return head;
      continue;
    }
    if (!data && data.error() != std::errc::timed_out) {
      broken = true;
      co_return Head::gone;
    }
    peer_finished = data.has_value();
    if (!x.parser->has_begun(input())) co_return Head::gone;
    x.refusal = data ? Fault{Status::bad_request, "the head is not complete"}
                     : Fault{Status::request_timeout, "the head took too long"};
    co_return Head::refused;
  }
}

void Connection::head_has_come() {
  use(exchange->parser->size());
  hold();
  exchange->head_has_come();
}

Task<bool> Connection::proxy_header() {
  expects_proxy_header = false;
  const TimePoint until = now() + service.options.head_timeout;
  for (;;) {
    const ProxyHeader header = read_proxy_header(input());
    if (header.state == ProxyHeader::State::fault) co_return false;
    if (header.state == ProxyHeader::State::complete) {
      use(header.size);
      if (header.client) proxied = std::make_unique<const Address>(*header.client);
      co_return true;
    }
    hold();
    Result<Lease> data = co_await attempt(with_timeout(until - now(), stream.receive()));
    if (!data || data->empty()) co_return false;
    add(std::move(*data));
  }
}

// ---- Bodies -------------------------------------------------------------------------------------

Failure Connection::refuse_body(Status status, const char* why, Error error) {
  exchange->refusal = {status, why};
  return fail(error.with_detail(why));
}

Failure Connection::refuse_long_body() {
  return refuse_body(Status::content_too_large, "the body is too long",
                     Error(Errc::limit_exceeded, "read body", exchange->asker().peer));
}

Task<Lease> Connection::receive_of_body() {
  Exchange& x = *exchange;
  if (x.waits_to_be_asked) {
    x.waits_to_be_asked = false;
    x.out += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  if (!x.out.empty()) co_await flush();
  const ServerOptions& options = service.options;
  const std::size_t rate = std::max<std::size_t>(options.body_rate_min, 1);
  const Duration limit = options.body_timeout + std::chrono::seconds(x.received / rate);
  const TimePoint before = now();
  Result<Lease> data = co_await attempt(with_timeout(limit - x.waited, stream.receive()));
  x.waited += now() - before;
  if (!data && data.error() == std::errc::timed_out) {
    co_return refuse_body(Status::request_timeout, "the body came too slowly", data.error());
  }
  if (data && data->empty()) {
    peer_finished = true;
    co_return refuse_body(Status::bad_request, "the body is not complete",
                          Error(Errc::end_of_stream, "read body", x.asker().peer));
  }
  co_return std::move(data);
}

Task<ConstBuffer> Connection::next_of_body() {
  Exchange& x = *exchange;
  use(std::exchange(x.shown, 0));
  if (x.refusal.status != Status::ok) {
    co_return fail(
        Error(std::errc::bad_message, "read body", x.asker().peer).with_detail(x.refusal.why));
  }
  for (;;) {
    if (x.body_ended) co_return ConstBuffer();
    const std::uint64_t most = service.options.body_bytes_max;
    if (!x.chunks && x.received == 0 && x.left > most) co_return refuse_long_body();
    if (!has_input()) {
      Lease data = co_await receive_of_body();
      add(std::move(data));
    }
    std::string_view piece;
    if (x.chunks) {
      const ChunkDecoder::Step step = x.chunks->decode(input());
      if (step.state == ChunkDecoder::State::fault) {
        const Fault fault = x.chunks->fault();
        co_return refuse_body(fault.status, fault.why,
                              Error(std::errc::bad_message, "read body", x.asker().peer));
      }
      piece = step.data;
      x.body_ended = step.state == ChunkDecoder::State::done;
      if (piece.empty()) {
        use(step.used);
        continue;
      }
      x.shown = step.used;
    } else {
      piece = input().substr(0, std::min<std::uint64_t>(x.left, input().size()));
      x.left -= piece.size();
      x.body_ended = x.left == 0;
      x.shown = piece.size();
    }
    x.received += piece.size();
    if (x.received > most) co_return refuse_long_body();
    co_return std::as_bytes(std::span(piece));
  }
}

Task<std::string> Connection::text_of_body(std::size_t bytes_max) {
  Exchange& x = *exchange;
  if (!x.chunks && x.left > bytes_max) co_return refuse_long_body();
  std::string text;
  if (!x.chunks) text.reserve(x.left);
  for (;;) {
    const ConstBuffer piece = co_await next_of_body();
    if (piece.empty()) co_return text;
    if (piece.size() > bytes_max - text.size()) co_return refuse_long_body();
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
}

Task<bool> Connection::discard_body() {
  std::uint64_t thrown_away = 0;
  for (;;) {
    const ConstBuffer piece = co_await next_of_body();
    if (piece.empty()) co_return true;
    thrown_away += piece.size();
    if (thrown_away > service.options.unread_bytes_max) co_return false;
  }
}

// ---- Answers ------------------------------------------------------------------------------------

Duration Connection::limit_of_sending(std::size_t bytes) const noexcept {
  const ServerOptions& options = service.options;
  const std::size_t rate = std::max<std::size_t>(options.response_rate_min, 1);
  return options.response_timeout + std::chrono::seconds(bytes / rate);
}

ieum::detail::Timed<ieum::detail::StreamWriteAll> Connection::begin_flush(ConstBuffer more) {
  std::array<ConstBuffer, 2>& parts = exchange->unsent;
  parts = {std::as_bytes(std::span(exchange->out)), more};
  const Duration limit = limit_of_sending(parts[0].size() + more.size());
  if (more.empty()) return with_timeout(limit, stream.write_all(parts[0]));
  return with_timeout(limit, stream.write_all(std::span<const ConstBuffer>(parts)));
}

void Connection::has_flushed(bool all) noexcept {
  exchange->out.clear();
  if (!all) broken = true;
}

Task<> Connection::flush(ConstBuffer more) {
  Result<> written = co_await attempt(begin_flush(more));
  has_flushed(written.has_value());
  if (!written) co_await fail(written.error());
}

// ---- The conversation ---------------------------------------------------------------------------

namespace {

/// Output is gathered up to this, while further requests are there.
constexpr std::size_t output_bytes_max = std::size_t{16} * 1024;

/// One more handler runs, as long as this lives.
class Busy {
 public:
  explicit Busy(Service& service) noexcept : service_(service) { ++service_.busy; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { --service_.busy; }

 private:
  Service& service_;
};

/// Keeps the function until its task has ended.
Task<> keep_and_call(Response::Continuation next, Upgraded upgraded) {
  Task<> task = next(std::move(upgraded));
  co_await std::move(task);
}

void tell_exception(const Request& request, const std::exception_ptr& exception) {
  std::string what = "unknown exception";
#if defined(__cpp_exceptions)
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& one) {
    what = one.what();
  } catch (...) {
  }
#endif
  std::fprintf(stderr, "%s\n",
               printable(std::string(request.method_name()) + " " + std::string(request.path()) +
                         " threw: " + what)
                   .c_str());
}

/// Whether the connection goes on, as far as can be told before the response.
bool keeps_alive(const Connection& connection) noexcept {
  const Exchange& x = *connection.exchange;
  const ServerOptions& options = connection.service.options;
  if (x.refusal.status != Status::ok || !x.head.keeps_alive()) return false;
  if (connection.service.draining.is_set()) return false;
  if (options.requests_each_max != 0 && connection.requests >= options.requests_each_max) {
    return false;
  }
  // A body that was not asked for may never come (RFC 9110, section 10.1.1).
  return x.body_ended || (!x.waits_to_be_asked && x.left <= options.unread_bytes_max);
}

/// What is wrong with a request before any handler sees it.
Fault judge(const Connection& connection) noexcept {
  const Exchange& x = *connection.exchange;
  const Service& service = connection.service;
  if (x.head.has_unknown_expect) return {Status::expectation_failed, "Expect is not 100-continue"};
  // RFC 9110, section 7.4.
  if (x.head.is_absolute && x.head.is_https != (connection.exchange->asker().scheme == "https")) {
    return {Status::misdirected_request, "this scheme is not served here"};
  }
  if (!service.table.serves_host(x.head.authority)) {
    return {Status::misdirected_request, "this host is not served here"};
  }
  if (!x.chunks && x.left > service.options.body_bytes_max) {
    return {Status::content_too_large, "the body is too long"};
  }
  return {};
}

// Inlined into a coroutine, what follows would leave room for its temporaries in the frame: the
// allocator has what is above 1 KiB at hand no longer.

/// Whether `response` is the answer without any handler.
[[gnu::noinline]] bool answers_at_once(Connection& c, Connection::Head head, Response& response) {
  Exchange& x = *c.exchange;
  if (head == Connection::Head::complete) {
    c.head_has_come();
    x.access.request = &x.request;
    x.refusal = judge(c);
  }
  if (x.refusal.status != Status::ok) {
    response = plain_response(x.refusal.status, x.refusal.why);
    return true;
  }
  const std::size_t most = c.service.options.requests_at_once_max;
  if (most == 0 || c.service.busy < most) return false;
  response = plain_response(Status::service_unavailable);
  const Result<> added = response.fields().add("Retry-After", "1");
  static_cast<void>(added);
  return true;
}

/// For a handler that has failed.
[[gnu::noinline]] Response excuse(const Exchange& x) {
  if (x.refusal.status != Status::ok) return plain_response(x.refusal.status, x.refusal.why);
  return plain_response(Status::internal_server_error);
}

/// What a handler gave, if it is a final response.
[[gnu::noinline]] void take_answer(const Exchange& x, std::optional<Response>&& answer,
                                   Response& response) {
  if (!answer) {
    response = excuse(x);
  } else if (number(answer->status()) < 200 && !Sending::is_upgrade(*answer)) {
    response = plain_response(Status::internal_server_error);
  } else {
    // Also if its body was wrong: a handler that knows better answers itself.
    response = *std::move(answer);
  }
}

/// What comes next belongs to the other protocol: the request's body is not to be in its way.
Task<> prepare_upgrade(Connection& c, Response& response) {
  if (!Sending::check_upgrade(*c.exchange, response) || c.exchange->body_ended) co_return;
  const std::optional<bool> all = co_await unless_failed(c.discard_body(), nullptr);
  if (!all.value_or(false)) response = plain_response(Status::content_too_large);
}

[[gnu::noinline]] void report(Connection& c, const Response& response, const Sending& sending,
                              TimePoint began, bool is_complete) {
  Access& access = c.exchange->access;
  if (!c.service.table.report) {
    if (access.exception != nullptr) tell_exception(c.exchange->request, access.exception);
    return;
  }
  access.peer = c.stream.peer_address();
  access.status = response.status();
  access.body_bytes = sending.body_bytes();
  access.time = now() - began;
  access.is_complete = is_complete;
  access.why = c.exchange->refusal.why;
  c.service.table.report(access);
}

// What is rare has a frame of its own: each of its waits would take room in that of all requests.

/// False: that is the end of the connection.
Task<bool> send_body(Connection& c, Sending& sending) {
  const bool sent = co_await unless_failed(sending.send_body(), nullptr);
  if (!sent) c.broken = true;
  co_return sent;
}
Task<bool> throw_body_away(Connection& c) {
  const std::optional<bool> all = co_await unless_failed(c.discard_body(), nullptr);
  co_return all.value_or(false);
}
Task<bool> send_gathered(Connection& c) {
  const bool sent = co_await unless_failed(c.flush(), nullptr);
  co_return sent;
}

/// Answers what is there and what follows at once. One frame, with the handler's beneath it, does
/// for all but what is rare.
Task<Connection::After> serve_requests(Connection& c) {
  if (c.expects_proxy_header) {
    const bool is_good = co_await c.proxy_header();
    if (!is_good) {
      c.broken = true;
      co_return Connection::After::ends;
    }
  }
  while (c.has_input()) {
    Connection::Head head = c.begin_head();
    if (head == Connection::Head::needs_more) head = co_await c.rest_of_head();
    if (head == Connection::Head::gone) co_return Connection::After::ends;
    if (c.requests < std::numeric_limits<std::uint32_t>::max()) ++c.requests;
    const TimePoint began = c.service.table.report ? now() : TimePoint();
    Exchange& x = *c.exchange;
    Response response;
    if (!answers_at_once(c, head, response)) {
      const Busy busy(c.service);
#if defined(__cpp_exceptions)
      try {
#endif
        c.service.table.route(x);
        Task<Response> task = c.service.table.call(x, 0);
        std::optional<Response> answer = co_await unless_failed(std::move(task), &x.access.error);
        take_answer(x, std::move(answer), response);
#if defined(__cpp_exceptions)
      } catch (...) {
        x.access.exception = std::current_exception();
        response = excuse(x);
      }
#endif
    }
    if (Sending::is_upgrade(response)) co_await prepare_upgrade(c, response);
    const bool upgrades = Sending::is_upgrade(response);
    Sending sending(c, response, upgrades || keeps_alive(c));
    sending.compose();
    bool sent = true;
    if (sending.has_body_to_send()) {
      sent = co_await send_body(c, sending);
    } else {
      const ConstBuffer rest = sending.copy_body();
      const bool may_wait = rest.empty() && !upgrades && sending.keeps_alive() && x.body_ended &&
                            c.has_input() && x.out.size() < output_bytes_max;
      if (!may_wait) {
        sent = co_await unless_failed(c.begin_flush(rest), nullptr);
        c.has_flushed(sent);
      }
    }
    report(c, response, sending, began, sent);
    if (!sent) co_return Connection::After::ends;
    if (upgrades) {
      x.upgrade = Sending::take_extra(response);
      co_return Connection::After::upgrades;
    }
    if (!sending.keeps_alive()) co_return Connection::After::ends;
    if (!x.body_ended) {
      const bool all = co_await throw_body_away(c);
      if (!all) co_return Connection::After::ends;
    }
    c.finish_body();
  }
  if (c.exchange != nullptr && !c.exchange->out.empty()) {
    const bool sent = co_await send_gathered(c);
    if (!sent) co_return Connection::After::ends;
  }
  co_return Connection::After::waits;
}

/// How a connection has ended that has not been upgraded.
enum class Ending : std::uint8_t { broken, finished, answered };

Ending ending_of(const Connection& c) noexcept {
  if (c.broken) return Ending::broken;
  return c.peer_finished || c.requests == 0 ? Ending::finished : Ending::answered;
}

Task<> end(std::unique_ptr<Stream> stream, Ending ending, Duration linger) {
  if (!stream->is_open()) co_return;
  if (ending == Ending::broken) {
    co_await stream->reset();
  } else if (ending == Ending::finished) {
    co_await stream->close();
  } else {
    // With a close while something still comes, the answer could be lost in a reset.
    Result<> closed = co_await attempt(stream->close_gracefully(linger));
    static_cast<void>(closed);
  }
}

void go_on(Service& service, ServerSession* session, Task<> next) {
  if (session != nullptr) {
    session->continue_with(std::move(next));
  } else {
    service.next = std::move(next);
  }
}

[[gnu::noinline]] void continue_with_end(Connection& c, std::unique_ptr<Stream>& stream,
                                         ServerSession* session) {
  go_on(c.service, session, end(std::move(stream), ending_of(c), c.service.options.linger));
}

/// The next protocol's task owns the stream, or what lies over it.
[[gnu::noinline]] void continue_upgraded(Connection& c, std::unique_ptr<Stream>& stream,
                                         ServerSession* session) {
  Upgraded upgraded;
  upgraded.draining = session != nullptr ? &c.service.draining : nullptr;
  if (c.has_input()) {
    auto pushback = std::make_unique<PushbackStream>(std::move(stream));
    pushback->put_back(c.left_over());
    upgraded.stream = std::move(pushback);
  } else {
    upgraded.stream = std::move(stream);
  }
  const std::unique_ptr<ResponseExtra> extra = std::move(c.exchange->upgrade);
  go_on(c.service, session,
        extra->keeps_next ? keep_and_call(std::move(extra->next), std::move(upgraded))
                          : extra->next(std::move(upgraded)));
}

}  // namespace

namespace {

/// Waits for what the client sends next, as long as the connection may be idle, and adds it; false:
/// there is nothing more. As small as can be, since that is where connections spend their time.
class NextInput {
 public:
  using value_type = bool;
  explicit NextInput(Connection& of) noexcept : connection_(of) {}

  class State final : public IdleWaiter {
   public:
    explicit State(NextInput&& next) noexcept
        : connection_(next.connection_), receive_(connection_.stream.receive()) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ieum::detail::Start start(ieum::detail::Waiter& waiter, ieum::detail::Scope& scope) noexcept {
      outer_ = &waiter;
      scope_.open(scope);
      ieum::detail::Start start = receive_.start(*this, scope_);
      if (start.kind == ieum::detail::Start::Kind::failed) {
        has_failed_ = true;
        start.kind = ieum::detail::Start::Kind::done;
      }
      if (start.kind != ieum::detail::Start::Kind::pending) return start;
      scope.add(scope_);
      if (scope.stopped()) scope_.stop();
      Service& service = connection_.service;
      (connection_.requests == 0 ? service.silent : service.idle).add(*this, scope.loop());
      return start;
    }
    /// Not within the frame, which would keep room for the lease.
    [[gnu::noinline]] bool take() {
      if (has_failed_) return false;
      Lease data = receive_.take();
      if (data.empty()) return false;
      connection_.add(std::move(data));
      return true;
    }
    [[noreturn]] Error take_error() noexcept { std::abort(); }

   private:
    Connection& connection_;
    ieum::detail::StreamReceive::State receive_;
  };

 private:
  Connection& connection_;
};

}  // namespace

Connection::Connection(Service& of, Stream& over) noexcept
    : service(of), stream(over), expects_proxy_header(of.options.proxy_protocol) {
  broken = expects_proxy_header && !is_in(stream.peer_address(), service.table.trusted);
}

Task<> converse(Service& service, std::unique_ptr<Stream> stream, ServerSession* session) {
  // This frame is all that an idle connection has: what answers requests, and what follows the last
  // one, is in others.
  Connection c(service, *stream);
  while (!c.broken) {
    if (!c.has_input()) {
      if (c.service.draining.is_set()) break;
      NextInput next(c);
      const bool has_come = co_await std::move(next);
      if (!has_come) break;
    }
    const Connection::After after = co_await serve_requests(c);
    if (after == Connection::After::ends) break;
    if (after == Connection::After::upgrades) {
      continue_upgraded(c, stream, session);
      co_return;
    }
    Exchange::give_back(std::move(c.exchange));
  }
  continue_with_end(c, stream, session);
}

}  // namespace ieum::http::detail
