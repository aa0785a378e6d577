// Server: accepting, owning, limiting, draining.
#include <ieum/serve.hpp>

#include <cstdio>

#include <ieum/timeout.hpp>

namespace ieum {

namespace {

/// A stop, or a listener that is none any more. What else fails (a client that has gone, its
/// network, a firewall, descriptors, memory) is not about the sessions, which go on.
bool ends_the_server(const Error& error) {
  return error == std::errc::operation_canceled || error == std::errc::bad_file_descriptor ||
         error == std::errc::invalid_argument || error == std::errc::not_a_socket;
}

void report_exception(const SessionEnd& end) {
  if (end.exception == nullptr) return;
  std::string what = "unknown exception";
#if defined(__cpp_exceptions)
  try {
    std::rethrow_exception(end.exception);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
#endif
  std::fprintf(stderr, "session with %s threw: %s\n", end.peer.to_string().c_str(), what.c_str());
}

}  // namespace

Server::Server(Listener listener, Handler handler, const ServeOptions& options)
    : listener_(std::move(listener)),
      handler_(std::move(handler)),
      options_(options),
      report_(report_exception) {
  IEUM_ASSERT(options_.sessions_max > 0, "a server that may have no session");
  all_ended_.set();
}

Server::Server(Server&& other) noexcept
    : listener_(std::move(other.listener_)),
      handler_(std::move(other.handler_)),
      options_(other.options_),
      report_(std::move(other.report_)),
      counts_(other.counts_ == &other.own_counts_ ? &own_counts_ : other.counts_),
      draining_(other.draining_) {
  IEUM_ASSERT(!other.began_, "a server is moved after it has begun to run");
  all_ended_.set();
}

Task<> Server::run() {
  IEUM_ASSERT(!began_, "a server runs once");
  began_ = true;
  auto body = [this](Group& group) { return serve_in(group); };
  co_await with_group(body);
}

Task<> Server::serve_in(Group& group) {
  group_ = &group;
  auto body = [this](Group& inner) { return accept_clients(inner); };
  Result<> accepting = co_await attempt(with_group(body));
  accepting_ = nullptr;
  if (!draining_) co_await fail(accepting.error());  // the group stops the sessions
}

Task<> Server::accept_clients(Group& accepting) {
  accepting_ = &accepting;
  while (!draining_) {
    one_ended_.reset();
    if (sessions_ >= options_.sessions_max) {
      co_await one_ended_.wait();
      continue;
    }
    Result<StreamSocket> client = co_await attempt(listener_.accept());
    if (client && draining_) {  // it came as the drain began, and fares like those in the backlog
      co_await client->reset();
      co_return;
    }
    if (client) {
      begin_session(std::move(*client));
      continue;
    }
    if (ends_the_server(client.error())) co_await fail(client.error());
    ++counts_->refused_by_system;
    Result<> room = co_await attempt(with_timeout(options_.retry_pause, one_ended_.wait()));
    if (!room && room.error() != std::errc::timed_out) co_await fail(room.error());
  }
}

/// What the server keeps of a session beside the handler's own frame.
class Server::Session final : public detail::ChildObserver {
 public:
  Session(Server& server, const Address& peer) : server_(server), peer_(peer) {}

 private:
  void child_ended(const Error* error, std::exception_ptr exception) noexcept override {
    server_.session_ended(
        {.peer = peer_.address(), .error = error, .exception = std::move(exception)});
  }

  [[nodiscard]] Group& group() const noexcept override { return *server_.group_; }

  Server& server_;
  detail::PeerName peer_;
};

void Server::begin_session(StreamSocket socket) {
  ++counts_->accepted;
  ++sessions_;
  all_ended_.reset();
  const Address peer = socket.peer_address();
#if defined(__cpp_exceptions)
  try {
#endif
    Task<> handling = handler_(std::move(socket));
    group_->start(std::move(handling), std::make_unique<Session>(*this, peer));
#if defined(__cpp_exceptions)
  } catch (...) {  // before the handler was a task
    session_ended({.peer = peer, .error = nullptr, .exception = std::current_exception()});
  }
#endif
}

void Server::session_ended(const SessionEnd& end) {
  --sessions_;
  ++counts_->ended;
  if (end.error != nullptr) ++counts_->failed;
  if (end.exception != nullptr) ++counts_->threw;
  if (report_) report_(end);
  one_ended_.set();
  if (sessions_ == 0) all_ended_.set();
}

Task<DrainReport> Server::drain(AnyDuration limit) {
  draining_ = true;
  if (accepting_ != nullptr) accepting_->stop();
  const std::size_t present = sessions_;
  if (listener_.is_open()) co_await listener_.close();
  Result<> ended = co_await attempt(with_timeout(limit, all_ended_.wait()));
  DrainReport report{.finished = present, .cut = 0};
  if (ended) co_return report;
  if (ended.error() != std::errc::timed_out) co_await fail(ended.error());
  report.cut = sessions_;
  report.finished = present - report.cut;
  if (group_ != nullptr) group_->stop();
  co_await all_ended_.wait();
  co_return report;
}

Task<> serve(Listener listener, Server::Handler handler, ServeOptions options) {
  Server server(std::move(listener), std::move(handler), options);
  co_await server.run();
}

}  // namespace ieum
