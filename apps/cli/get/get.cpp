#include "get/get.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ieum/http/date.hpp>
#include <ieum/http/method.hpp>
#include <ieum/ieum.hpp>
#include <ieum/printable.hpp>

#include "get/content.hpp"
#include "get/event_reader.hpp"
#include "get/get_failure.hpp"
#include "get/request_log.hpp"
#include "get/socks_connector.hpp"
#include "get/target.hpp"
#include "report/progress.hpp"
#include "session/run_session.hpp"
#include "session/secret.hpp"
#include "text/base64.hpp"
#include "text/json_line.hpp"
#include "text/suggest.hpp"
#include "text/terminal.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

namespace {

/// Between attempts; what a server asks for counts up to `pause_max`.
constexpr Duration first_pause = std::chrono::seconds(1);
constexpr Duration last_pause = std::chrono::seconds(60);
constexpr Duration pause_max = std::chrono::minutes(5);
/// What is received and written at a time.
constexpr std::size_t buffer_bytes = std::size_t{64} * 1024;

Task<> end_with(std::optional<Failure>& failure, Failure why) {
  failure = std::move(why);
  co_await fail(std::errc::operation_not_permitted, "get");
}

// ---- What all URLs share ------------------------------------------------------------------------

/// The client, and what each request says.
class Asker {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<Asker>, Failure> make(
      const GetCommand& command);

  [[nodiscard]] http::Client& client() noexcept { return *client_; }
  [[nodiscard]] const http::Fields& fields() const noexcept { return fields_; }
  /// What a SOCKS proxy had against the last connection.
  [[nodiscard]] std::optional<Failure> refusal() const {
    return socks_ ? socks_->refusal() : std::nullopt;
  }

 private:
  std::optional<Failure> add_headers(const GetCommand& command);
  std::optional<Failure> add_credentials(const GetCommand& command);
  std::optional<Failure> make_client(const GetCommand& command);
  std::optional<Failure> use_proxy(const Proxy& proxy);

  http::Fields fields_;
  std::string proxy_;                    // one of HTTP, with its credentials
  std::optional<SocksConnector> socks_;  // the other kind
  std::shared_ptr<const TlsClientContext> tls_;
  std::optional<http::Client> client_;
};

std::optional<Failure> Asker::add_headers(const GetCommand& command) {
  const auto add = [this](std::string_view line) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    return colon < line.size() && fields_.add(line.substr(0, colon), value).has_value();
  };
  for (const std::string& header : command.headers) {
    if (!header.starts_with('@')) {
      if (!add(header)) return Failure{Status::usage, "-H takes 'NAME: VALUE'"};
      continue;
    }
    const std::string path = header.substr(1);
    const std::expected<std::string, Failure> text = read_small_file(path, "-H");
    if (!text) return text.error();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty() && !add(line)) {
        return Failure{Status::usage,
                       fmt::format("-H: {} has a line that is not 'NAME: VALUE'", in_quotes(path))};
      }
    }
  }
  if (command.body_kind == BodyKind::json && !fields_.has("accept")) {
    static_cast<void>(fields_.add("Accept", "application/json"));
  }
  if (command.events != EventForm::none && !fields_.has("accept")) {
    static_cast<void>(fields_.add("Accept", "text/event-stream"));
  }
  return std::nullopt;
}

std::optional<Failure> Asker::add_credentials(const GetCommand& command) {
  const bool is_basic = !command.basic.empty();
  if (!is_basic && command.bearer.empty()) return std::nullopt;
  const std::string& from = is_basic ? command.basic : command.bearer;
  const std::string_view option = is_basic ? "--auth" : "--bearer";
  const std::expected<std::string, Failure> secret = read_secret(from, option);
  if (!secret) return secret.error();
  if (is_basic && !secret->contains(':')) {
    return Failure{Status::usage,
                   fmt::format("--auth: {} holds no USER:PASSWORD", in_quotes(from))};
  }
  if (secret->empty()) {
    return Failure{Status::usage, fmt::format("--bearer: {} holds no token", in_quotes(from))};
  }
  const std::string value = is_basic ? "Basic " + in_base64(*secret) : "Bearer " + *secret;
  if (!fields_.set("Authorization", value)) {
    return Failure{Status::usage,
                   fmt::format("{}: what {} holds cannot be sent", option, in_quotes(from))};
  }
  return std::nullopt;
}

std::optional<Failure> Asker::use_proxy(const Proxy& proxy) {
  std::optional<Failure> failure;
  std::optional<Credentials> credentials = read_credentials(proxy, failure);
  if (failure) return failure;
  if (proxy.kind == Proxy::Kind::socks5) {
    socks_.emplace(proxy, std::move(credentials));
    return std::nullopt;
  }
  proxy_ = "http://";
  if (credentials) {
    proxy_ +=
        http::Url::encode(credentials->user) + ":" + http::Url::encode(credentials->password) + "@";
  }
  proxy_ += proxy.target;
  return std::nullopt;
}

std::optional<Failure> Asker::make_client(const GetCommand& command) {
  http::ClientOptions options;
  if (command.proxy) {
    std::optional<Failure> failure = use_proxy(*command.proxy);
    if (failure) return failure;
    options.proxy = proxy_;
    if (socks_) options.connector = &*socks_;
  }
  const TlsSettings& tls = command.tls;
  const bool has_settings = tls.insecure || !tls.authorities.empty() || !tls.pins.empty() ||
                            !tls.certificate.empty() || !tls.key_log.empty();
  if (has_settings) {
    auto made = make_client_context(tls);
    if (!made) return made.error();
    tls_ = *std::move(made);
    options.tls = tls_.get();
  }
  std::vector<PlaceOfHost> places;
  std::vector<http::KnownHost> hosts;
  for (const std::string& text : command.hosts) places.push_back(*parse_place(text));
  for (const PlaceOfHost& one : places) {
    hosts.push_back({.host = one.host, .port = one.port, .address = one.address});
  }
  options.hosts = hosts;
  options.connect.family = command.common.family;
  if (command.source) options.connect.source = *command.source;
  client_.emplace(options);
  return std::nullopt;
}

std::expected<std::unique_ptr<Asker>, Failure> Asker::make(const GetCommand& command) {
  auto asker = std::make_unique<Asker>();
  std::optional<Failure> failure = asker->add_headers(command);
  if (!failure) failure = asker->add_credentials(command);
  if (!failure) failure = asker->make_client(command);
  if (failure) return std::unexpected(*failure);
  return asker;
}

// ---- One URL ------------------------------------------------------------------------------------

/// Asks for one URL until there is an answer, and writes that.
class Transfer {
 public:
  Transfer(const GetCommand& command, Asker& asker, OutgoingContent& content, Target& target,
           RequestLog& log, http::Url url)
      : command_(command),
        asker_(asker),
        content_(content),
        target_(target),
        log_(log),
        url_(std::move(url)),
        progress_(shows_progress(), target.is_file() ? target.name() : url_.to_string()),
        retries_left_(command.retries) {
    log_.watch(&progress_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { log_.watch(nullptr); }

  /// If it fails, `failure` says why, unless it was stopped.
  Task<> run(std::optional<Failure>& failure);
  void clear_progress() { progress_.clear(); }

 private:
  /// How an attempt ended that did not succeed.
  struct Attempt {
    Failure failure;
    bool may_pass = false;
    std::optional<Duration> asked_pause{};  // Retry-After
  };

  Task<std::optional<Attempt>> attempt_once();
  Task<> exchange(std::optional<Attempt>& ended);
  Task<> take(http::Reply& reply, std::optional<Attempt>& ended);
  Task<> take_body(http::Reply& reply);
  Task<> take_events(http::Reply& reply);
  Task<> write_text(std::string text);
  void report(const http::ServerEvent& event);
  [[nodiscard]] http::RequestOptions options();
  [[nodiscard]] std::string method() const;
  /// Where the body begins: what was asked for, or all of it. None: it is not what was asked for.
  [[nodiscard]] std::optional<std::uint64_t> position(const http::Reply& reply) const;
  void report_retry(const Failure& why, Duration wait, int left);
  [[nodiscard]] bool shows_progress() const;
  [[nodiscard]] bool may_repeat(const Failure& failure) const;
  [[nodiscard]] Attempt answered_with_error(const http::Reply& reply) const;
  /// It is tried again; else this was the last time, whatever it was.
  [[nodiscard]] bool is_retried(const Attempt& attempt) const {
    return attempt.may_pass && retries_left_ > 0;
  }

  const GetCommand& command_;
  Asker& asker_;
  OutgoingContent& content_;
  Target& target_;
  RequestLog& log_;
  http::Url url_;
  Progress progress_;
  http::Fields fields_;  // of the attempt
  Target::Kept kept_;
  EventReader events_;
  std::vector<std::byte> buffer_;
  bool has_written_ = false;  // of an output that cannot be begun anew
  int retries_left_;
  std::optional<Failure> writing_;
};

bool Transfer::shows_progress() const {
  return command_.shows_progress && !command_.common.log.json && !target_.is_terminal() &&
         command_.events == EventForm::none && draws_lines(STDERR_FILENO);
}

std::string Transfer::method() const {
  if (!command_.method.empty()) return command_.method;
  if (command_.shown == Shown::head && command_.body_kind == BodyKind::none) return "HEAD";
  switch (command_.body_kind) {
    case BodyKind::none: return "GET";
    case BodyKind::upload: return "PUT";
    case BodyKind::data:
    case BodyKind::json:
    case BodyKind::form: break;
  }
  return "POST";
}

http::RequestOptions Transfer::options() {
  http::RequestOptions options;
  fields_ = asker_.fields();
  options.decode = !target_.is_file() && command_.range.empty();
  const auto add = [this](std::string_view name, std::string_view value) {
    static_cast<void>(fields_.set(name, value));  // none of these has a line end
  };
  if (!command_.range.empty()) add("Range", "bytes=" + command_.range);
  if (kept_.bytes > 0) {
    add("Range", fmt::format("bytes={}-", kept_.bytes));
    add("If-Range", kept_.validator);
  }
  if (!events_.last_id().empty()) add("Last-Event-ID", events_.last_id());
  options.fields = &fields_;
  options.via = command_.via;
  options.connect_timeout = command_.common.wait;
  options.head_timeout = command_.common.session.idle;
  options.idle_timeout = command_.common.session.idle;
  options.redirects_max = static_cast<unsigned>(command_.redirects);
  options.decoded_bytes_max = UINT64_MAX;
  // A large content is not sent for nothing. A small one is sooner sent than asked about: of a
  // server that does not answer such a question it costs a second. The limit is curl's.
  constexpr std::uint64_t sent_unasked_max = std::uint64_t{1} << 20U;
  options.expect_continue = content_.bytes().value_or(UINT64_MAX) > sent_unasked_max;
  options.observer = &log_;
  return options;
}

/// What the server calls this version of the file, if it does so in a way that can be relied on.
std::string validator_of(const http::Reply& reply) {
  const std::string_view etag = reply.field("etag");
  if (etag.starts_with('"')) return std::string(etag);
  // A date tells versions apart that are more than a second apart (RFC 9110, section 8.8.2.2).
  const auto modified = http::parse_date(reply.field("last-modified"));
  const auto date = http::parse_date(reply.field("date"));
  const bool is_old = modified && date && *date - *modified >= std::chrono::minutes(1);
  return is_old ? std::string(reply.field("last-modified")) : std::string();
}

std::optional<Duration> retry_after(const http::Reply& reply) {
  const std::string_view text = reply.field("retry-after");
  if (text.empty()) return std::nullopt;
  const std::optional<Duration> seconds =
      text.find_first_not_of("0123456789") == text.npos ? parse_duration(text) : std::nullopt;
  if (seconds) return seconds;
  const auto date = http::parse_date(text);
  if (!date) return std::nullopt;
  return std::max<Duration>(*date - std::chrono::system_clock::now(), Duration::zero());
}

bool is_passing(http::Status status) {
  constexpr std::array passing = {
      http::Status::request_timeout,       http::Status::too_many_requests,
      http::Status::internal_server_error, http::Status::bad_gateway,
      http::Status::service_unavailable,   http::Status::gateway_timeout};
  return std::ranges::find(passing, status) != passing.end();
}

bool Transfer::may_repeat(const Failure& failure) const {
  if (!content_.is_repeatable()) return false;
  if (has_written_ && command_.events == EventForm::none) return false;
  if (http::is_idempotent(http::method_of(method()))) return true;
  return failure.status == Status::not_connected || failure.status == Status::not_resolved;
}

Transfer::Attempt Transfer::answered_with_error(const http::Reply& reply) const {
  Attempt attempt{
      .failure = {http_error, fmt::format("{} {}: {}", method(), reply.url().to_string(),
                                          log_.reply_status())}};
  const http::Status status = reply.status();
  // These say that it was not done; of the others only what may be done twice is repeated.
  const bool was_refused =
      status == http::Status::too_many_requests || status == http::Status::service_unavailable;
  const bool is_safe = http::is_idempotent(http::method_of(method())) || was_refused;
  attempt.may_pass = is_passing(status) && is_safe && content_.is_repeatable();
  attempt.asked_pause = retry_after(reply);
  if (attempt.asked_pause.value_or(Duration::zero()) > pause_max) {
    attempt.may_pass = false;
    attempt.failure.sentence += fmt::format("; it asks to be left alone for {} (Retry-After)",
                                            format_duration(*attempt.asked_pause));
  }
  return attempt;
}

std::optional<std::uint64_t> Transfer::position(const http::Reply& reply) const {
  if (reply.status() != http::Status::partial_content || kept_.bytes == 0) return 0;
  const std::string start = fmt::format("bytes {}-", kept_.bytes);
  if (!reply.field("content-range").starts_with(start)) return std::nullopt;
  return kept_.bytes;
}

Task<> Transfer::write_text(std::string text) {
  if (!target_.has_begun()) writing_ = target_.begin(0, {});
  if (writing_) co_await fail(std::errc::io_error, "write");
  const Result<> written = co_await attempt(target_.write(std::as_bytes(std::span(text))));
  if (written) {
    has_written_ = true;
    co_return;
  }
  if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
  Failure why = target_.explain(written.error());
  co_await end_with(writing_, std::move(why));
}

Task<> Transfer::take_body(http::Reply& reply) {
  bool is_first = true;
  buffer_.resize(buffer_bytes);
  for (;;) {
    const ConstBuffer piece = co_await reply.body().next(buffer_);
    if (piece.empty()) break;
    log_.body(piece.size());
    if (std::exchange(is_first, false) && target_.is_terminal() &&
        std::ranges::find(piece, std::byte{0}) != piece.end()) {
      Failure why{Status::other,
                  "the body is not text, which would upset the terminal; send it to a file or a "
                  "pipe, or use -o FILE"};
      co_await end_with(writing_, std::move(why));
    }
    const Result<> written = co_await attempt(target_.write(piece));
    if (!written) {
      if (written.error() == std::errc::operation_canceled) co_await fail(written.error());
      Failure why = target_.explain(written.error());
      co_await end_with(writing_, std::move(why));
    }
    has_written_ = !target_.is_file();
    progress_.at(target_.bytes());
  }
}

std::string to_text(const http::ServerEvent& event, EventForm form) {
  if (form == EventForm::data) return event.data + "\n";
  nlohmann::ordered_json object;
  object["event"] = event.event.empty() ? "message" : event.event;
  object["data"] = event.data;
  if (!event.id.empty()) object["id"] = event.id;
  return json_line(object);
}

void Transfer::report(const http::ServerEvent& event) {
  if (!log_.log().reports_events()) return;
  const std::string name = event.event.empty() ? "message" : event.event;
  const std::string id = event.id.empty() ? "" : ", id " + event.id;
  log_.log().event({"server_event",
                    fmt::format("event {}{}", in_quotes(name), id),
                    {},
                    {{"name", name}, {"id", event.id}}});
}

Task<> Transfer::take_events(http::Reply& reply) {
  if (!reply.field("content-type").starts_with("text/event-stream")) {
    Failure why{Status::other, fmt::format("{} sends no events but {}", url_.to_string(),
                                           in_quotes(reply.field("content-type")))};
    co_await end_with(writing_, std::move(why));
  }
  events_.restart();
  for (;;) {
    const ConstBuffer piece = co_await reply.body().next();
    if (piece.empty()) co_return;
    log_.body(piece.size());
    std::vector<http::ServerEvent> events;
    const std::string_view text(reinterpret_cast<const char*>(piece.data()), piece.size());
    const bool is_short = events_.feed(text, events);
    for (const http::ServerEvent& event : events) {
      report(event);
      std::string line = to_text(event, command_.events);
      co_await write_text(std::move(line));
    }
    if (!is_short) {
      Failure why{Status::other,
                  fmt::format("an event has more than {}", format_bytes(EventReader::bytes_max))};
      co_await end_with(writing_, std::move(why));
    }
  }
}

/// The answer's head has come.
Task<> Transfer::take(http::Reply& reply, std::optional<Attempt>& ended) {
  const bool is_error = http::is_error(reply.status());
  // Asked for what stands behind the end of what is there: all of it has come.
  if (reply.status() == http::Status::range_not_satisfiable && kept_.bytes > 0) {
    if (reply.field("content-range") == fmt::format("bytes */{}", kept_.bytes)) {
      writing_ = target_.begin(kept_.bytes, kept_.validator);
      co_return;
    }
    kept_ = {};
    ended.emplace();
    ended->failure = {Status::other, "the file there has changed"};
    ended->may_pass = true;
    ended->asked_pause = Duration::zero();
    co_return;
  }
  if (is_error && !command_.takes_any_status) ended = answered_with_error(reply);
  const bool is_passing = ended && is_retried(*ended);
  if (command_.shown == Shown::status) {
    std::string line = fmt::format("{}\n", http::number(reply.status()));
    if (!is_passing) co_await write_text(std::move(line));
    co_await attempt(reply.body().discard());
    co_return;
  }
  // An error's page is no file that was asked for; on standard output it says what is wrong.
  const bool is_kept = !ended || (!target_.is_file() && !is_passing);
  if (!is_kept) {
    co_await attempt(reply.body().discard());
    co_return;
  }
  if (command_.shown == Shown::head || command_.shown == Shown::all) {
    std::string head = log_.reply_head();
    co_await write_text(std::move(head));
  }
  if (command_.shown == Shown::head) co_return;
  if (command_.events != EventForm::none && !ended) {
    co_await take_events(reply);
    co_return;
  }
  const std::optional<std::uint64_t> at = position(reply);
  if (!at) {
    Failure why{Status::other,
                fmt::format("{} answers with another range than was asked for", url_.to_string())};
    co_await end_with(writing_, std::move(why));
  }
  const bool is_part = reply.status() == http::Status::partial_content && *at == 0;
  const std::string validator = is_part ? std::string() : validator_of(reply);
  if (!command_.range.empty() && reply.status() == http::Status::ok) {
    log_.log().notice({"range_ignored", "the server knows no ranges, and sends all of it", {}, {}});
  }
  writing_ = target_.begin(*at, *at > 0 ? kept_.validator : validator);
  if (writing_) co_await fail(std::errc::io_error, "write");
  kept_.validator = *at > 0 ? kept_.validator : validator;
  const std::optional<std::uint64_t> length = reply.body().length();
  progress_.begin(*at, length ? std::optional(*at + *length) : std::nullopt);
  co_await take_body(reply);
}

Task<> Transfer::exchange(std::optional<Attempt>& ended) {
  const http::RequestOptions how = options();
  log_.begin(url_);
  progress_.begin(0, content_.bytes());
  http::Content content = content_.give();
  http::Reply reply = co_await asker_.client().request(method(), url_, std::move(content), how);
  co_await take(reply, ended);
}

/// None: it has succeeded.
Task<std::optional<Transfer::Attempt>> Transfer::attempt_once() {
  std::optional<Attempt> ended;
  writing_.reset();
  const Result<> done = co_await attempt(exchange(ended));
  log_.end();
  progress_.clear();
  if (!done && done.error() == std::errc::operation_canceled) co_await fail(done.error());
  if (writing_) {
    ended.emplace();
    ended->failure = *writing_;
  } else if (!done && !ended) {
    ended.emplace();
    ended->failure = explain_request_failure(done.error(), command_, log_, asker_.refusal());
    ended->may_pass = may_pass(ended->failure) && may_repeat(ended->failure);
  }
  co_return ended;
}

void Transfer::report_retry(const Failure& why, Duration wait, int left) {
  log_.log().notice({"retrying",
                     fmt::format("{}; trying again in {}, {} time{} at most", why.sentence,
                                 format_duration(wait), left, left == 1 ? "" : "s"),
                     {},
                     {{"message", why.sentence}, {"left", static_cast<std::uint64_t>(left)}}});
}

Task<> Transfer::run(std::optional<Failure>& failure) {
  if (command_.resumes) kept_ = target_.kept();
  Duration pause = first_pause;
  bool is_given_back = false;  // the file there has changed: once more for nothing
  for (;;) {
    const std::uint64_t before = target_.bytes();
    std::optional<Attempt> ended = co_await attempt_once();
    const bool is_stream = command_.events != EventForm::none;
    if (!ended && is_stream && command_.retries > 0) {
      ended.emplace();
      ended->failure = {Status::other, "the stream of events has ended"};
      ended->may_pass = true;
      ended->asked_pause = events_.retry();
    }
    if (!ended) co_return;
    const bool is_free =
        ended->asked_pause == Duration::zero() && !std::exchange(is_given_back, true);
    Failure why = ended->failure;
    if (!is_retried(*ended) && !(is_free && ended->may_pass)) {
      co_await end_with(failure, std::move(why));
    }
    // What has come of a download is not asked for again, if the server's file is still the same.
    if (target_.has_begun()) kept_.bytes = kept_.validator.empty() ? 0 : target_.bytes();
    if (is_free) continue;
    if (target_.bytes() > before) pause = first_pause;  // it was of some use
    const Duration wait = std::min(ended->asked_pause.value_or(pause), pause_max);
    report_retry(why, wait, retries_left_);
    --retries_left_;
    co_await sleep(wait);
    pause = std::min(pause * 2, last_pause);
  }
}

// ---- All of them --------------------------------------------------------------------------------

/// For a query, in which a plus sign is a space, as browsers have it.
std::string encoded(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    if (at > 0) result += '+';
    result += http::Url::encode(text.substr(at, space - at));
    at = space + 1;
  }
  return result;
}

/// The URL with what --query and -T add.
Result<http::Url> whole_url(const GetCommand& command, const std::string& text) {
  std::string whole = text;
  const std::size_t fragment = std::min(whole.find('#'), whole.size());
  whole.resize(fragment);
  const bool wants_name = command.body_kind == BodyKind::upload && command.body != "-" &&
                          whole.find('?') == std::string::npos && whole.ends_with('/');
  if (wants_name) whole += http::Url::encode(command.body.substr(command.body.rfind('/') + 1));
  for (const std::string& pair : command.query) {
    const std::size_t equals = pair.find('=');
    whole += whole.find('?') == std::string::npos ? '?' : '&';
    whole += encoded(pair.substr(0, equals)) + "=" + encoded(pair.substr(equals + 1));
  }
  return http::Url::parse(whole);
}

std::expected<Target, Failure> open_target(const GetCommand& command, const http::Url& url) {
  if (!command.by_name) return Target::open(command.common.output_path, true);
  std::string name = file_name_of(url);
  if (name.empty()) {
    return std::unexpected(
        Failure{Status::usage, fmt::format("{} names no file; use -o FILE", url.to_string())});
  }
  if (!command.directory.empty()) name.insert(0, command.directory + "/");
  return Target::open(name, command.overwrites);
}

Failure with_part(Failure failure, Target& target) {
  const std::uint64_t bytes = target.bytes();
  if (!target.is_file() || !target.has_begun() || bytes == 0) {
    target.abandon();
    return failure;
  }
  failure.sentence +=
      fmt::format("; {} of it are in {}", format_bytes(bytes), in_quotes(target.part_name()));
  if (target.abandon()) failure.sentence += ", --resume goes on there";
  return failure;
}

/// The last words about a URL; gives the exit status.
int report_end(const GetCommand& command, RequestLog& steps, Target& target,
               std::optional<Failure> failure) {
  Log& log = steps.log();
  if (command.shows_timing && !command.common.log.json) {
    std::fputs(steps.timing(text_columns(STDERR_FILENO)).c_str(), stderr);
  }
  if (command.common.log.json) steps.report_timing();
  if (failure) return log.failed(with_part(*std::move(failure), target));
  if (target.is_file()) {
    log.event({"saved",
               fmt::format("saved {}, {}", target.name(), format_bytes(target.bytes())),
               {},
               {{"file", target.name()}, {"bytes", target.bytes()}}});
  }
  return 0;
}

Task<int> get_one(const GetCommand& command, Asker& asker, OutgoingContent& content,
                  const std::string& text, RequestLog& steps, Interrupt& interrupt) {
  const Result<http::Url> url = whole_url(command, text);
  if (!url) {
    const int status = steps.log().failed({Status::usage, url.error().to_string()});
    co_return status;
  }
  std::expected<Target, Failure> target = open_target(command, *url);
  if (!target) {
    const int status = steps.log().failed(target.error());
    co_return status;
  }
  if (!content.is_repeatable()) {
    const Failure once{Status::other, "standard input was too long to be kept, and is sent once"};
    const int status = steps.log().failed(once);
    co_return status;
  }
  Transfer transfer(command, asker, content, *target, steps, *url);
  std::optional<Failure> failure;
  const Duration limit = command.deadline > Duration::zero() ? command.deadline : Duration::max();
  auto work = with_timeout(limit, transfer.run(failure));
  const Result<> done = co_await attempt(unless_interrupted(std::move(work), interrupt));
  steps.end();
  transfer.clear_progress();
  if (interrupt.is_raised()) {
    failure = Failure{interrupt.status(), "interrupted"};
  } else if (!done && !failure) {
    failure = done.error() == std::errc::timed_out
                  ? Failure{Status::timed_out,
                            fmt::format("{}: not done within {} (--deadline)", url->to_string(),
                                        format_duration(command.deadline))}
                  : explain_failure(Stage::running, done.error());
  }
  if (!failure) failure = target->finish();
  const int status = report_end(command, steps, *target, std::move(failure));
  co_return status;
}

Task<int> get_all(const GetCommand& command, Log& log, Interrupt& interrupt) {
  // TLS may have something to say as long as the client lives: it goes first.
  const bool is_by_socks = command.proxy && command.proxy->kind == Proxy::Kind::socks5;
  RequestLog steps(log, command.tls.insecure, is_by_socks ? command.proxy->to_string() : "");
  std::expected<std::unique_ptr<Asker>, Failure> asker = Asker::make(command);
  if (!asker) co_return log.failed(asker.error());
  std::optional<Failure> failure;
  Result<OutgoingContent> content =
      co_await attempt(unless_interrupted(OutgoingContent::make(command, failure), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (failure) co_return log.failed(*failure);
  if (!content) co_return log.failed(explain_failure(Stage::reading_input, content.error()));
  int status = 0;
  for (const std::string& url : command.urls) {
    const int ended = co_await get_one(command, **asker, *content, url, steps, interrupt);
    if (status == 0) status = ended;
    if (interrupt.is_raised()) break;
  }
  co_return status;
}

}  // namespace

Task<int> run_get(const GetCommand& command, Log& log) {
  auto body = [&](Interrupt& interrupt) { return get_all(command, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
