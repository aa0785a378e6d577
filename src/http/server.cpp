// http::Server, and what its connections share.
#include <ieum/http/server.hpp>

#include <utility>

#include <ieum/http/date.hpp>
#include <ieum/pushback_stream.hpp>

#include "http/connection.hpp"
#include "http/service.hpp"

namespace ieum::http {
namespace detail {

std::string_view Service::date() {
  using namespace std::chrono;
  const sys_seconds second = floor<seconds>(system_clock::now());
  if (second != date_of_) {
    date_of_ = second;
    date_ = "Date: " + format_date(second) + "\r\n";
  }
  return date_;
}

void Service::drain() noexcept {
  draining.set();
  silent.end_all();
  idle.end_all();
}

void IdleList::add(IdleWaiter& waiter, ieum::detail::Loop& loop) noexcept {
  const TimePoint now = loop.now();
  waiter.until = limit_ < TimePoint::max() - now ? now + limit_ : TimePoint::max();
  waiter.link_before(waiting_);
  if (armed()) return;
  loop_ = &loop;
  loop.arm_in(*this, limit_);
}

void IdleList::end_all() noexcept {
  for (ieum::detail::ListLink* link = waiting_.next; link != &waiting_; link = link->next) {
    static_cast<IdleWaiter*>(link)->give_up();
  }
}

void IdleList::fire() noexcept {
  const TimePoint now = loop_->now();
  while (waiting_.linked()) {
    auto& first = static_cast<IdleWaiter&>(*waiting_.next);
    if (first.until > now) return loop_->arm_in(*this, first.until - now);
    first.unlink();
    first.give_up();
  }
}

}  // namespace detail

namespace {

using Layer = std::function<Task<std::unique_ptr<Stream>>(StreamSocket)>;

Task<> converse_over(detail::Service& service, const Layer& layer, StreamSocket socket,
                     ServerSession& session) {
  Task<std::unique_ptr<Stream>> meeting = layer(std::move(socket));
  std::unique_ptr<Stream> stream =
      co_await with_timeout(service.options.head_timeout, std::move(meeting));
  Task<> next = detail::converse(service, std::move(stream), &session);
  session.continue_with(std::move(next));
}

}  // namespace

/// What a server keeps where it does not move.
class detail::ServerState {
 public:
  ServerState(Routes of, const ServerOptions& options)
      : routes(std::move(of)), service(RoutesAccess::table(routes), options) {}

  Task<> begin(StreamSocket socket, ServerSession& session) {
    if (layer) return converse_over(service, layer, std::move(socket), session);
    return converse(service, std::make_unique<StreamSocket>(std::move(socket)), &session);
  }

  Routes routes;
  Service service;
  Layer layer;
};

Server::Server(Listener listener, Routes routes, const ServerOptions& options,
               const ServeOptions& sessions)
    : state_(std::make_unique<detail::ServerState>(std::move(routes), options)),
      server_(
          std::move(listener),
          [state = state_.get()](StreamSocket socket, ServerSession& session) {
            return state->begin(std::move(socket), session);
          },
          sessions) {}
Server::Server(Server&&) noexcept = default;
Server::~Server() = default;

void Server::over(Layer layer, const char* scheme) {
  state_->layer = std::move(layer);
  state_->service.scheme = scheme;
}

Task<> Server::run() { return server_.run(); }

Task<DrainReport> Server::drain(AnyDuration limit) {
  state_->service.drain();
  return server_.drain(limit);
}

void Server::on_session_end(std::function<void(const SessionEnd&)> report) {
  server_.on_session_end(std::move(report));
}
std::size_t Server::sessions() const noexcept { return server_.sessions(); }
ServerCounters Server::counters() const noexcept { return server_.counters(); }
const Listener& Server::listener() const noexcept { return server_.listener(); }

Task<> serve(Listener listener, Routes routes, ServerOptions options) {
  Server server(std::move(listener), std::move(routes), options);
  co_await server.run();
}

Task<> serve_on(Stream& stream, const Routes& routes, ServerOptions options) {
  detail::Service service(detail::RoutesAccess::table(routes), options);
  std::unique_ptr<Stream> own = std::make_unique<PushbackStream>(stream);
  co_await detail::converse(service, std::move(own), nullptr);
  if (service.next) co_await std::move(service.next);
}

}  // namespace ieum::http
