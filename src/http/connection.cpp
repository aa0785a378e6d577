// Connection: what comes in, and the conversation as a whole.
#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <ieum/printable.hpp>
#include <ieum/pushback_stream.hpp>
#include <ieum/timeout.hpp>

#include "http/sending.hpp"

namespace ieum::http::detail {

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

HeadParser::Progress Connection::begin_head() {
  exchange->begin(*this);
  const ServerOptions& options = service.options;
  exchange->parser.emplace(exchange->head, HeadLimits{.line_bytes_max = options.line_bytes_max,
                                                      .bytes_max = options.head_bytes_max,
                                                      .fields_max = options.fields_max});
  return exchange->parser->parse(input());
}

Task<Connection::Head> Connection::read_head() {
  HeadParser::Progress progress = begin_head();
  Exchange& x = *exchange;
  TimePoint until;
  if (progress == HeadParser::Progress::needs_more) {
    until = now() + service.options.head_timeout;
    if (!x.out.empty()) co_await flush();
  }
  while (progress == HeadParser::Progress::needs_more) {
    hold();
    Result<Lease> data = co_await attempt(with_timeout(until - now(), stream.receive()));
    if (data && !data->empty()) {
      add(std::move(*data));
      progress = x.parser->parse(input());
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
  if (progress == HeadParser::Progress::complete) co_return Head::complete;
  x.refusal = x.parser->fault();
  co_return Head::refused;
}

void Connection::head_has_come() {
  Exchange& x = *exchange;
  use(exchange->parser->size());
  hold();
  x.head_has_come();
  x.peer = proxied ? *proxied : stream.peer_address();
  x.client = x.peer;
  x.scheme = service.scheme;
  const std::vector<Network>& trusted = service.table.trusted;
  if (!trusted.empty() && is_in(x.peer, trusted)) {
    const Forwarded told = read_forwarded(x.head.fields, x.peer, trusted);
    x.client = told.client;
    if (!told.scheme.empty()) x.scheme = told.scheme;
  }
}

Task<bool> Connection::proxy_header() {
  if (!is_in(stream.peer_address(), service.table.trusted)) co_return false;
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
                          Error(Errc::end_of_stream, "read body", x.peer));
  }
  co_return std::move(data);
}

Task<ConstBuffer> Connection::next_of_body() {
  Exchange& x = *exchange;
  use(std::exchange(x.shown, 0));
  if (x.refusal.status != Status::ok) {
    co_return fail(Error(std::errc::bad_message, "read body", x.peer).with_detail(x.refusal.why));
  }
  for (;;) {
    if (x.body_ended) co_return ConstBuffer();
    const Error too_large(Errc::limit_exceeded, "read body", x.peer);
    const std::uint64_t most = service.options.body_bytes_max;
    if (!x.chunks && x.received == 0 && x.left > most) {
      co_return refuse_body(Status::content_too_large, "the body is too long", too_large);
    }
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
                              Error(std::errc::bad_message, "read body", x.peer));
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
    if (x.received > most) {
      co_return refuse_body(Status::content_too_large, "the body is too long", too_large);
    }
    co_return std::as_bytes(std::span(piece));
  }
}

Task<std::string> Connection::text_of_body(std::size_t bytes_max) {
  Exchange& x = *exchange;
  const Error too_large(Errc::limit_exceeded, "read body", x.peer);
  if (!x.chunks && x.left > bytes_max) {
    co_return refuse_body(Status::content_too_large, "the body is too long", too_large);
  }
  std::string text;
  if (!x.chunks) text.reserve(x.left);
  for (;;) {
    const ConstBuffer piece = co_await next_of_body();
    if (piece.empty()) co_return text;
    if (piece.size() > bytes_max - text.size()) {
      co_return refuse_body(Status::content_too_large, "the body is too long", too_large);
    }
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

Task<> Connection::flush(ConstBuffer more) {
  const std::array<ConstBuffer, 2> parts{std::as_bytes(std::span(exchange->out)), more};
  const std::span<const ConstBuffer> all(parts.data(), more.empty() ? 1 : 2);
  const Duration limit = limit_of_sending(parts[0].size() + more.size());
  Result<> written = co_await attempt(with_timeout(limit, stream.write_all(all)));
  exchange->out.clear();
  if (written) co_return;
  broken = true;
  co_await fail(written.error());
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
  if (x.head.is_absolute && x.head.is_https != (x.scheme == "https")) {
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

Task<Response> respond(Connection& connection) {
  Exchange& x = *connection.exchange;
  Access& access = x.access;
  Service& service = connection.service;
  const std::size_t most = service.options.requests_at_once_max;
  if (most != 0 && service.busy >= most) {
    Response response = plain_response(Status::service_unavailable);
    const Result<> added = response.fields().add("Retry-After", "1");
    static_cast<void>(added);
    co_return response;
  }
  const Busy busy(service);
  std::optional<Result<Response>> result;
#if defined(__cpp_exceptions)
  try {
#endif
    service.table.route(x);
    Task<Response> task = service.table.call(x, 0);
    result.emplace(co_await attempt(std::move(task)));
#if defined(__cpp_exceptions)
  } catch (...) {
    access.exception = std::current_exception();
  }
#endif
  if (result && *result) {
    // Also if its body was wrong: a handler that knows better answers itself.
    co_return std::move(**result);
  }
  if (result) access.error = result->error();
  if (x.refusal.status != Status::ok) co_return plain_response(x.refusal.status, x.refusal.why);
  co_return plain_response(Status::internal_server_error);
}

}  // namespace

Connection::~Connection() { Exchange::give_back(std::move(exchange)); }

namespace {

/// The response to the request that has come, or to the one that was refused.
Task<Response> answer(Connection& c, Connection::Head head) {
  Exchange& x = *c.exchange;
  if (head == Connection::Head::complete) {
    c.head_has_come();
    x.access.request = &x.request;
    x.refusal = judge(c);
  }
  if (x.refusal.status != Status::ok) co_return plain_response(x.refusal.status, x.refusal.why);
  Response response = co_await respond(c);
  if (number(response.status()) < 200 && !Sending::is_upgrade(response)) {
    co_return plain_response(Status::internal_server_error);  // it is no final response
  }
  if (!Sending::is_upgrade(response) || !Sending::check_upgrade(x, response) || x.body_ended) {
    co_return response;
  }
  // What comes next belongs to the other protocol.
  Result<bool> all = co_await attempt(c.discard_body());
  if (all && *all) co_return response;
  co_return plain_response(Status::content_too_large);
}

void report(Connection& c, const Response& response, const Sending& sending, TimePoint began,
            bool is_complete) {
  Access& access = c.exchange->access;
  access.peer = c.stream.peer_address();
  access.status = response.status();
  access.body_bytes = sending.body_bytes();
  access.time = now() - began;
  access.is_complete = is_complete;
  access.why = c.exchange->refusal.why;
  if (c.service.table.report) {
    c.service.table.report(access);
  } else if (access.exception != nullptr) {
    tell_exception(c.exchange->request, access.exception);
  }
}

/// Answers what is there and what follows at once.
Task<Connection::After> serve_requests(Connection& c) {
  while (c.has_input()) {
    const Connection::Head head = co_await c.read_head();
    if (head == Connection::Head::gone) co_return Connection::After::ends;
    ++c.requests;
    const TimePoint began = now();
    Response response = co_await answer(c, head);
    Exchange& x = *c.exchange;
    const bool upgrades = Sending::is_upgrade(response);
    Sending sending(c, response, upgrades || keeps_alive(c));
    sending.compose();
    Result<> sent;
    if (sending.has_body_to_send()) {
      sent = co_await attempt(sending.send_body());
    } else {
      const bool is_copied = sending.copy_body();
      const bool may_wait = is_copied && !upgrades && sending.keeps_alive() && x.body_ended &&
                            c.has_input() && x.out.size() < output_bytes_max;
      ConstBuffer body;
      if (!is_copied) body = std::as_bytes(std::span(response.body()));
      if (!may_wait) sent = co_await attempt(c.flush(body));
    }
    report(c, response, sending, began, sent.has_value());
    if (!sent) {
      c.broken = true;
      co_return Connection::After::ends;
    }
    if (upgrades) {
      x.upgrade = Sending::take_extra(response);
      co_return Connection::After::upgrades;
    }
    if (!sending.keeps_alive()) co_return Connection::After::ends;
    if (!x.body_ended) {
      Result<bool> all = co_await attempt(c.discard_body());
      if (!all || !*all) co_return Connection::After::ends;
    }
    c.finish_body();
  }
  if (c.exchange != nullptr && !c.exchange->out.empty()) {
    Result<> sent = co_await attempt(c.flush());
    if (!sent) co_return Connection::After::ends;
  }
  co_return Connection::After::waits;
}

/// The end of a connection that has not been upgraded.
Task<> end(Connection& c) {
  if (!c.stream.is_open()) co_return;
  if (c.broken) {
    co_await c.stream.reset();
  } else if (c.peer_finished || c.requests == 0) {
    co_await c.stream.close();
  } else {
    // With a close while something still comes, the answer could be lost in a reset.
    Result<> closed = co_await attempt(c.stream.close_gracefully(c.service.options.linger));
    static_cast<void>(closed);
  }
}

/// The next protocol's task, which owns the stream, or what lies over it.
Task<> begin_upgraded(Connection& c, std::unique_ptr<Stream> stream, bool is_of_server) {
  Upgraded upgraded;
  upgraded.draining = is_of_server ? &c.service.draining : nullptr;
  if (c.has_input()) {
    auto pushback = std::make_unique<PushbackStream>(std::move(stream));
    pushback->put_back(c.left_over());
    upgraded.stream = std::move(pushback);
  } else {
    upgraded.stream = std::move(stream);
  }
  const std::unique_ptr<ResponseExtra> extra = std::move(c.exchange->upgrade);
  if (extra->keeps_next) return keep_and_call(std::move(extra->next), std::move(upgraded));
  return extra->next(std::move(upgraded));
}

}  // namespace

Task<> converse(Service& service, std::unique_ptr<Stream> stream, ServerSession* session) {
  Connection c(service, *stream);
  // This frame is all that an idle connection has: what answers requests is in others.
  if (service.options.proxy_protocol) {
    const bool is_good = co_await c.proxy_header();
    c.broken = !is_good;
  }
  while (!c.broken) {
    if (!c.has_input()) {
      if (service.draining.is_set()) break;
      IdleList& list = c.requests == 0 ? service.silent : service.idle;
      WhileIdle waiting(list, c.stream.receive());
      Lease data = co_await std::move(waiting);
      if (data.empty()) break;
      c.add(std::move(data));
    }
    const Connection::After after = co_await serve_requests(c);
    if (after == Connection::After::ends) break;
    if (after == Connection::After::upgrades) {
      Task<> next = begin_upgraded(c, std::move(stream), session != nullptr);
      if (session == nullptr) {
        co_await std::move(next);
      } else {
        session->continue_with(std::move(next));
      }
      co_return;
    }
    Exchange::give_back(std::move(c.exchange));
  }
  co_await end(c);
}

}  // namespace ieum::http::detail
