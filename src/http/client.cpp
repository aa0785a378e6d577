// Client: requests again where that is right: on a new connection, and where redirects lead.
#include <ieum/http/client.hpp>

#include <vector>

#include <ieum/timeout.hpp>

#include "base/words.hpp"
#include "http/client_connect.hpp"
#include "http/client_exchange.hpp"
#include "http/pool.hpp"
#include "http/redirect.hpp"

namespace ieum::http {

using detail::ClientExchange;
using detail::ClientRequest;
using detail::ClientState;
using detail::Pool;

class detail::ClientState {
 public:
  explicit ClientState(const ClientOptions& options)
      : options_(options),
        proxy_(options.proxy),
        user_agent_(options.user_agent),
        pool_(std::make_shared<Pool>(Pool::Limits{
            .per_origin_max = std::max<std::size_t>(options.connections_per_origin_max, 1),
            .idle_max = options.idle_connections_max,
            .idle_time_max = options.idle_time_max})) {
    for (const KnownHost& one : options.hosts) {
      hosts_.push_back({std::string(one.host), one.port, one.address});
    }
  }
  ClientState(const ClientState&) = delete;
  ClientState& operator=(const ClientState&) = delete;
  ~ClientState() { pool_->close(); }

  [[nodiscard]] const std::string& proxy() const noexcept { return proxy_; }
  [[nodiscard]] std::size_t idle() const noexcept { return pool_->idle(); }

  /// One request and its reply, whatever that is. A connection that was lost is replaced once.
  Task<std::unique_ptr<ClientExchange>> exchange(ClientRequest& request) {
    bool is_new = request.options.own_connection;
    for (;;) {
      Pool::Slot slot = co_await pool_->acquire(connection_key(request), is_new);
      if (slot.connection == nullptr) {
        std::unique_ptr<ClientConnection> connection =
            co_await connect_client(request, connect_options());
        slot.connection = std::move(connection);
      } else if (request.options.observer != nullptr) {
        request.options.observer->reused();
      }
      auto made = std::make_unique<ClientExchange>(std::move(slot), request, limits());
      const Result<> done = co_await attempt(made->run(request, user_agent_));
      if (done) {
        const bool is_wanted_without_asking =
            made->head().status == Status::expectation_failed && made->was_content_withheld();
        if (!is_wanted_without_asking) co_return made;
        request.options.expect_continue = false;  // RFC 9110, section 10.1.1
        continue;
      }
      if (!made->was_lost_unanswered()) co_return fail(done.error());
      if (!is_idempotent(request.method) || !request.content.is_repeatable()) {
        co_return fail(made->error(Errc::cut_off, "a kept connection had ended; not sent again"));
      }
      is_new = true;
    }
  }

 private:
  [[nodiscard]] HeadLimits head_limits() const noexcept {
    return {.line_bytes_max = options_.head_bytes_max,
            .bytes_max = options_.head_bytes_max,
            .fields_max = options_.fields_max};
  }
  [[nodiscard]] ClientExchangeLimits limits() const noexcept {
    return {.head = head_limits(), .interim_replies_max = options_.interim_replies_max};
  }
  [[nodiscard]] ClientConnectOptions connect_options() const noexcept {
    return {.connect = options_.connect,
            .tls = options_.tls,
            .hosts = hosts_,
            .connector = options_.connector,
            .user_agent = user_agent_,
            .head = head_limits()};
  }

  ClientOptions options_;
  std::string proxy_;
  std::string user_agent_;
  std::vector<detail::HostPlace> hosts_;
  std::shared_ptr<Pool> pool_;
};

namespace {

Task<Reply> refuse(Error error) { co_return fail(error); }

/// Makes of `request` the one that a redirect asks for.
Result<> follow(ClientRequest& request, detail::Redirect& redirect) {
  std::vector<std::string> dropped;
  for (const Field field : request.fields) {
    const bool is_other = redirect.is_other_origin && detail::is_for_one_origin(field.name);
    if (is_other || (redirect.becomes_get && detail::is_of_content(field.name))) {
      dropped.emplace_back(field.name);
    }
  }
  for (const std::string& name : dropped) request.fields.remove(name);
  if (redirect.is_other_origin) request.authorization.clear();
  if (redirect.becomes_get) {
    request.name = "GET";
    request.method = Method::get;
    request.content = Content();
  } else if (!request.content.is_repeatable()) {
    return fail(Error(std::errc::operation_not_permitted, "redirect to")
                    .with_name(redirect.url.origin())
                    .with_detail("its content can be sent only once"));
  }
  request.url = std::move(redirect.url);
  ++request.redirects;
  return {};
}

}  // namespace

Client::Client(const ClientOptions& options) : state_(std::make_shared<ClientState>(options)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

std::size_t Client::idle_connections() const noexcept { return state_->idle(); }

Task<Reply> Client::request(std::string_view method, std::string_view url, Content content,
                            RequestOptions options) {
  const Result<Url> parsed = Url::parse(url);
  if (!parsed) return refuse(parsed.error());
  return request(method, *parsed, std::move(content), options);
}

Task<Reply> Client::request(std::string_view method, const Url& url, Content content,
                            RequestOptions options) {
  Result<ClientRequest> made =
      detail::make_request(method, url, std::move(content), options, state_->proxy());
  if (!made) return refuse(made.error());
  auto request = std::make_unique<ClientRequest>(*std::move(made));
  if (options.timeout > Duration::zero()) return perform_until(state_, std::move(request));
  return perform(state_, std::move(request));
}

Task<Reply> Client::perform_until(std::shared_ptr<ClientState> state,
                                  std::unique_ptr<ClientRequest> request) {
  constexpr Duration for_ever = std::chrono::hours(24 * 365 * 100);
  const Duration limit = std::min<Duration>(request->options.timeout, for_ever);
  const TimePoint deadline = now() + limit;
  request->deadline = deadline;
  const std::string origin = request->url.origin();
  const char* const operation = detail::operation_name(*request);
  Result<Reply> reply =
      co_await attempt(with_timeout(limit, perform(std::move(state), std::move(request))));
  if (reply) co_return *std::move(reply);
  if (reply.error() != std::errc::timed_out || now() < deadline) co_return fail(reply.error());
  co_return fail(Error(std::errc::timed_out, operation)
                     .with_name(origin)
                     .with_detail(ieum::detail::words(
                         "no reply within ", ieum::detail::limit_in_words(limit), ": timeout")));
}

Task<Reply> Client::perform(std::shared_ptr<ClientState> state,
                            std::unique_ptr<ClientRequest> request) {
  const unsigned redirects_max = request->options.redirects_max;
  for (;;) {
    std::unique_ptr<ClientExchange> exchange = co_await state->exchange(*request);
    if (redirects_max == 0) co_return Reply(std::move(exchange));
    std::optional<detail::Redirect> redirect =
        co_await detail::redirect_of(request->url, request->name, exchange->head().status,
                                     exchange->head().fields, request->options.may_leave_tls);
    if (!redirect) co_return Reply(std::move(exchange));
    if (request->redirects >= redirects_max) {
      co_return fail(exchange->error(
          Errc::limit_exceeded,
          ieum::detail::words("more than ", redirects_max, " redirects: redirects_max")));
    }
    co_await attempt(exchange->discard(std::size_t{64} * 1024));
    exchange.reset();
    co_await follow(*request, *redirect);
    if (request->options.observer != nullptr) request->options.observer->redirected(request->url);
  }
}

Task<Reply> get(std::string_view url, RequestOptions options) {
  options.own_connection = true;
  Client client;
  return client.get(url, options);
}

}  // namespace ieum::http
