// Server: accepting, owning, limiting, draining.
#include <ieum/serve.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include <ieum/timeout.hpp>

#include "base/words.hpp"

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

/// As many as the options allow, and the descriptors that the system lets the program have.
std::size_t sessions_that_fit(const ServeOptions& options) noexcept {
  constexpr std::size_t for_all_else = 64;
  rlimit limit{};
  if (options.descriptors_each <= 1 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return options.sessions_max;
  }
  const auto all = std::max<std::size_t>(limit.rlim_cur, for_all_else) - for_all_else;
  return std::clamp<std::size_t>(all / options.descriptors_each, 1, options.sessions_max);
}

}  // namespace

Server::Server(Listener listener, Handler handler, const ServeOptions& options)
    : listener_(std::move(listener)),
      handler_(std::move(handler)),
      options_(options),
      sessions_max_(sessions_that_fit(options)),
      report_(report_exception) {
  IEUM_ASSERT(options_.sessions_max > 0, "a server that may have no session");
  all_ended_.set();
}

Server::Server(Server&& other) noexcept
    : listener_(std::move(other.listener_)),
      handler_(std::move(other.handler_)),
      options_(other.options_),
      sessions_max_(other.sessions_max_),
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
    if (sessions_ >= sessions_max_) {
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
class Server::Session : public detail::ChildObserver, public ServerSession {
 public:
  Session(Server& server, detail::PeerName peer) noexcept
      : server_(server), peer_(std::move(peer)) {}
  ~Session() override { static_cast<void>(next_child()); }

 protected:
  [[nodiscard]] const detail::PeerName& peer() const noexcept { return peer_; }
  [[nodiscard]] Duration idle_limit() const noexcept { return server_.options_.idle_limit; }
  void tell_end(const Error* error, std::exception_ptr exception, bool idle) noexcept {
    server_.session_ended(
        {.peer = peer_.address(), .error = error, .exception = std::move(exception), .idle = idle});
  }

 private:
  void child_ended(const Error* error, std::exception_ptr exception) noexcept override {
    tell_end(error, std::move(exception), false);
  }
  [[nodiscard]] Group& group() const noexcept final { return *server_.group_; }
  [[nodiscard]] Task<> next_child() noexcept final {
    if (server_.handed_over_.empty()) return {};
    auto handed_over = server_.handed_over_.extract(this);
    return handed_over.empty() ? Task<>() : std::move(handed_over.mapped());
  }

  friend class ieum::ServerSession;
  Server& server_;
  detail::PeerName peer_;
};

void ServerSession::continue_with(Task<> next) {
  auto& server = static_cast<Server::Session&>(*this).server_;
  server.handed_over_.insert_or_assign(this, std::move(next));
}

/// One with an idle limit. Its timer fires when the session would have to end if nothing moved
/// meanwhile, and else goes on for what is left: once a limit, whatever the session does.
class Server::WatchedSession final : public Session, private detail::Timer {
 public:
  using Session::Session;
  ~WatchedSession() override {
    if (armed()) scope_.loop().disarm(*this);
  }

 private:
  [[nodiscard]] detail::Scope& child_scope(detail::Scope& group) noexcept override {
    scope_.open(group);
    group.add(scope_);
    scope_.loop().arm_in(*this, idle_limit());
    return scope_;
  }

  void fire() noexcept override {
    if (scope_.stopped()) return;
    const TimePoint now = scope_.loop().now();
    const Duration idle = now - peer().last_moved(now);
    if (idle < idle_limit()) return scope_.loop().arm_in(*this, idle_limit() - idle);
    // After a stall of ours, what has come meanwhile counts: it is told of after the timers.
    if (std::exchange(looked_at_, now) < now - idle_limit()) {
      return scope_.loop().arm_in(*this, Duration::zero());
    }
    idle_ = true;
    scope_.stop();
  }

  void child_ended(const Error* error, std::exception_ptr exception) noexcept override {
    if (!idle_ || error == nullptr || *error != std::errc::operation_canceled) {
      return tell_end(error, std::move(exception), idle_);
    }
    Error told = *error;
    told.set_code(std::make_error_code(std::errc::timed_out));
    told.set_detail(detail::words("idle for ", detail::limit_in_words(idle_limit())));
    tell_end(&told, nullptr, true);
  }

  detail::Scope scope_;
  TimePoint looked_at_ = TimePoint::min();  // when it was idle before
  bool idle_ = false;
};

void Server::begin_session(StreamSocket socket) {
  ++counts_->accepted;
  ++sessions_;
  all_ended_.reset();
  const Address peer = socket.peer_address();
  const bool is_watched = options_.idle_limit > Duration::zero();
  if (is_watched) socket.peer_ = detail::PeerName::watched(peer, socket.loop_->now());
  detail::PeerName name = socket.peer_;
#if defined(__cpp_exceptions)
  try {
#endif
    std::unique_ptr<Session> session =
        is_watched ? std::make_unique<WatchedSession>(*this, std::move(name))
                   : std::make_unique<Session>(*this, std::move(name));
    Task<> handling = handler_(std::move(socket), *session);
    group_->start(std::move(handling), std::move(session));
#if defined(__cpp_exceptions)
  } catch (...) {  // before the handler was a task
    session_ended({.peer = peer, .error = nullptr, .exception = std::current_exception()});
  }
#endif
}

void Server::session_ended(const SessionEnd& end) {
  --sessions_;
  ++counts_->ended;
  if (end.idle) ++counts_->idle;
  if (end.error != nullptr && !end.idle) ++counts_->failed;
  if (end.exception != nullptr) ++counts_->threw;
  if (report_) report_(end);
  one_ended_.set();
  if (sessions_ == 0) all_ended_.set();
}

Task<DrainReport> Server::drain(AnyDuration limit) {
  draining_ = true;
  if (accepting_ != nullptr) accepting_->stop();
  const std::size_t present = sessions_;
  const std::uint64_t idle_before = counts_->idle.value();
  if (listener_.is_open()) co_await listener_.close();
  Result<> ended = co_await attempt(with_timeout(limit, all_ended_.wait()));
  DrainReport report;
  report.idle = static_cast<std::size_t>(counts_->idle.value() - idle_before);
  report.finished = present - report.idle;
  if (ended) co_return report;
  if (ended.error() != std::errc::timed_out) co_await fail(ended.error());
  report.cut = sessions_;
  report.finished -= report.cut;
  if (group_ != nullptr) group_->stop();
  co_await all_ended_.wait();
  co_return report;
}

Task<> serve(Listener listener, Server::Handler handler, ServeOptions options) {
  Server server(std::move(listener), std::move(handler), options);
  co_await server.run();
}

}  // namespace ieum
