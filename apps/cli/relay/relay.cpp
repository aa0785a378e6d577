#include "relay/relay.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <ieum/listener.hpp>
#include <ieum/mutex.hpp>

#include "ends/command_end.hpp"
#include "ends/connection_end.hpp"
#include "ends/datagram_end.hpp"
#include "ends/pass_between.hpp"
#include "listen/datagram_peers.hpp"
#include "listen/services.hpp"
#include "report/event_log.hpp"
#include "report/reason.hpp"
#include "session/run_session.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

namespace {

/// One that listens is opened by the first client that needs it, or before all.
struct Door {
  std::optional<Listener> listener;
  Access access;
  Mutex accepting;  // one client after the other
};

/// An end of the command, made ready: its certificates are loaded, and it listens if it does.
struct ReadyEnd {
  const RelayEnd& asked;
  std::unique_ptr<TlsEnd> tls{};
  Door door{};
};

/// That an end could not be opened: what to say, and the exit status. For `failure` of what opens.
Failure cannot_open(const RelayEnd& end, const Error& error) {
  if (std::string_view(error.operation()) == "start") {
    return explain_failure(Stage::starting_command, error);
  }
  if (error == std::errc::file_exists) {
    return {Status::other,
            fmt::format("{} is there already, and stays as it is", end.endpoint.target)};
  }
  if (error == std::errc::inappropriate_io_control_operation) {
    return {Status::other, fmt::format("{} is no terminal; for a file, write file:{}",
                                       end.endpoint.target, end.endpoint.target)};
  }
  const bool is_written = end.writes || end.endpoint.scheme == Scheme::standard;
  if (is_written) {
    return explain_failure(Stage::writing_output, error, {.where = end.endpoint.target});
  }
  return {Status::other,
          fmt::format("cannot open {}: {}", end.endpoint.target, reason_of(error.code()))};
}

Result<std::unique_ptr<End>> open_local(const RelayEnd& end) {
  switch (end.endpoint.scheme) {
    case Scheme::terminal: return TerminalEnd::open(end.terminal);
    case Scheme::pseudo_terminal: return TerminalEnd::make(end.terminal);
    case Scheme::file:
      if (end.writes) return LocalEnd::writing(end.endpoint.target, *end.writes);
      return LocalEnd::reading(end.endpoint.target);
    default: return LocalEnd::standard();
  }
}

/// One relay: the end that is there, and the other, to be opened.
struct Pair {
  End& first;
  EventLog& first_events;
  EventLog& events;  // the other's
};

Task<std::unique_ptr<End>> open_socket(ReadyEnd& ready, EventLog& events,
                                       std::optional<Failure>& failure) {
  const RelayEnd& end = ready.asked;
  std::unique_ptr<End> opened;
  if (end.listens) {
    const Mutex::Lock lock = co_await ready.door.accepting.lock();
    events.waiting_for_client();
    Connection client = co_await accept_client(*ready.door.listener, end.listen, ready.tls.get(),
                                               ready.door.access, events, failure);
    opened = std::make_unique<ConnectionEnd>(std::move(client), events);
  } else if (end.endpoint.has_datagrams()) {
    std::vector<Address> others;
    Result<DatagramSocket> socket = co_await attempt(open_datagrams(end.connect, events, others));
    if (!socket) {
      failure = explain_datagram_failure(socket.error(), end.endpoint.to_string());
      co_await fail(socket.error());
    }
    opened = std::make_unique<DatagramEnd>(*std::move(socket), end.connect.common.datagram_bytes);
  } else {
    Connection connection = co_await open_connection(end.connect, ready.tls.get(), events, failure);
    opened = std::make_unique<ConnectionEnd>(std::move(connection), events);
  }
  co_return opened;
}

/// `other` is the end that is there already, if one is.
Task<std::unique_ptr<End>> open_end(ReadyEnd& ready, const End* other, EventLog& events,
                                    std::optional<Failure>& failure) {
  const RelayEnd& end = ready.asked;
  if (end.is_socket()) {
    std::unique_ptr<End> opened = co_await open_socket(ready, events, failure);
    co_return opened;
  }
  const Scheme scheme = end.endpoint.scheme;
  std::unique_ptr<End> opened;
  if (scheme == Scheme::command || scheme == Scheme::command_on_terminal) {
    class Nobody final : public End {
      Task<std::optional<std::size_t>> read(std::span<std::byte> /*into*/) override {
        co_return std::nullopt;
      }
      Task<std::optional<std::size_t>> write(ConstBuffer /*data*/) override {
        co_return std::nullopt;
      }
      Task<bool> finish() override { co_return false; }
      Task<> close() override { co_return; }
    };
    const Nobody nobody;
    const bool on_terminal = scheme == Scheme::command_on_terminal;
    const End& known = other != nullptr ? *other : nobody;
    Result<std::unique_ptr<CommandEnd>> started =
        co_await attempt(CommandEnd::start(end.endpoint.target, on_terminal, known, events));
    if (!started) {
      failure = cannot_open(end, started.error());
      co_await fail(started.error());
    }
    opened = *std::move(started);
  } else {
    Result<std::unique_ptr<End>> local = open_local(end);
    if (!local) {
      failure = cannot_open(end, local.error());
      co_await fail(local.error());
    }
    opened = *std::move(local);
    events.opened(end.word);
  }
  co_return opened;
}

/// How a relay of two open ends went: what went wrong, or nothing.
std::optional<Failure> failure_of(const PassResult& passed, const Pair& pair, const End& second,
                                  const RelayEnd& asked, Duration idle_asked) {
  if (passed.reason == EndReason::idle && idle_asked > Duration::zero()) {
    return Failure{Status::timed_out,
                   fmt::format("nothing went either way for {} (-i); {}",
                               format_duration(idle_asked), pair.first_events.summary())};
  }
  if (passed.error) {
    const EventLog& events = passed.broken == &second ? pair.events : pair.first_events;
    const bool local = passed.broken == &second && !asked.is_socket();
    const ErrorContext context{.where = asked.endpoint.target,
                               .sent = events.sent_bytes(),
                               .received = events.received_bytes()};
    return explain_failure(local ? Stage::writing_output : passed.stage, *passed.error, context);
  }
  const auto* command = dynamic_cast<const CommandEnd*>(&second);
  if (command == nullptr) command = dynamic_cast<const CommandEnd*>(&pair.first);
  // If another finished first, the command was ended by us.
  if (command == nullptr || passed.reason != EndReason::command_ended) return {};
  if (command->status().succeeded()) return {};
  return Failure{Status::other, "the command " + command->status().to_string()};
}

/// Passes on between an open end and the other, which it opens first. Closes both.
Task<ServiceEnd> relay_with(Pair pair, ReadyEnd& other, const RelayCommand& command) {
  ServiceEnd ended;
  Result<std::unique_ptr<End>> opened =
      co_await attempt(open_end(other, &pair.first, pair.events, ended.failure));
  if (!opened) {
    if (opened.error() == std::errc::operation_canceled) co_await fail(opened.error());
    if (!ended.failure) ended.failure = explain_failure(Stage::running, opened.error());
    ended.reason = EndReason::other_end_failed;
    const Result<> told = co_await attempt(pair.first.abort());
    if (!told && told.error() == std::errc::operation_canceled) co_await fail(told.error());
    co_return ended;
  }
  End& second = **opened;
  const Duration idle_asked = command.common.session.idle;
  PassOptions options;
  options.idle = idle_asked;
  options.linger = command.common.session.linger;
  const bool is_peer = !pair.first.has_end() && pair.first.message_bytes_max() > 0;
  if (idle_asked == Duration::zero() && is_peer) options.idle = DatagramPeers::idle_default;
  const PassSide a{pair.first, &pair.first_events};
  const PassSide b{second, &pair.events};
  const PassResult passed = co_await pass_between(a, b, options);
  pair.events.closed(passed.reason);
  ended.reason = passed.reason;
  ended.failure = failure_of(passed, pair, second, other.asked, idle_asked);
  if (passed.discarded > 0 && !other.asked.is_socket()) {
    pair.events.log().notice({"discarded",
                              fmt::format("threw away {}, which nobody took at {}",
                                          format_bytes(passed.discarded), other.asked.word),
                              {},
                              {{"bytes", passed.discarded}}});
  }
  co_return ended;
}

/// With -k: what keeps all clients from being served is said, but not once for each of them.
class FailureNotes {
 public:
  explicit FailureNotes(Log& log) : log_(log) {}
  void note(const Failure& failure) {
    const auto now = std::chrono::steady_clock::now();
    if (failure.sentence == last_ && now - at_ < std::chrono::minutes(1)) return;
    last_ = failure.sentence;
    at_ = now;
    log_.failed(failure);
  }

 private:
  Log& log_;
  std::string last_;
  std::chrono::steady_clock::time_point at_;
};

/// A client of the end that listens has come.
Task<ServiceEnd> serve_relay(End& client, EventLog& client_events, ReadyEnd& other,
                             const RelayCommand& command, FailureNotes& notes) {
  EventLog events(client_events.log(), client_events.number(), other.asked.word);
  const Pair pair{client, client_events, events};
  ServiceEnd ended = co_await relay_with(pair, other, command);
  if (command.keep && ended.reason == EndReason::other_end_failed) notes.note(*ended.failure);
  co_return ended;
}

// ---- Making ready -------------------------------------------------------------------------------

std::optional<Failure> load_tls(ReadyEnd& ready) {
  const RelayEnd& end = ready.asked;
  if (!end.is_socket()) return {};
  const Role role = end.listens ? Role::listen : Role::connect;
  auto made = TlsEnd::make(end.listens ? end.listen.common : end.connect.common, role);
  if (!made) return made.error();
  ready.tls = *std::move(made);
  return {};
}

/// The second of two ends that listen.
Task<> open_door(ReadyEnd& ready, EventLog& events, std::optional<Failure>& failure) {
  const ListenCommand& listen = ready.asked.listen;
  Result<Access> access =
      co_await attempt(Access::make(listen.allowed, listen.denied, listen.common.wait));
  if (!access) {
    failure = explain_failure(Stage::listening, access.error());
    co_await fail(access.error());
  }
  ready.door.access = *std::move(access);
  Result<Listener> listener = co_await attempt(open_listener(listen, events, failure));
  if (!listener) {
    if (!failure) failure = why_not_listening(listen, listener.error());
    co_await fail(listener.error());
  }
  if (ready.tls != nullptr) ready.tls->announce(listener->address(), events.log());
  ready.door.listener.emplace(*std::move(listener));
}

Task<int> serve_clients(const RelayEnd& listening, ReadyEnd& other, const RelayCommand& command,
                        Log& log) {
  EventLog events(log, 0, other.asked.word);
  if (other.asked.listens) {
    std::optional<Failure> failure;
    const Result<> opened = co_await attempt(open_door(other, events, failure));
    if (!opened)
      co_return log.failed(failure.value_or(explain_failure(Stage::running, opened.error())));
  }
  FailureNotes notes(log);
  ListenCommand listen = listening.listen;
  listen.relay = [&](End& client, EventLog& client_events) {
    return serve_relay(client, client_events, other, command, notes);
  };
  const int status = co_await run_listen(listen, log);
  co_return status;
}

// ---- Without a client ---------------------------------------------------------------------------

Task<ServiceEnd> open_and_relay(ReadyEnd& a, ReadyEnd& b, const RelayCommand& command, Log& log) {
  EventLog a_events(log, 0, a.asked.word);
  EventLog b_events(log, 0, b.asked.word);
  ServiceEnd ended;
  Result<std::unique_ptr<End>> first =
      co_await attempt(open_end(a, nullptr, a_events, ended.failure));
  if (!first) {
    if (first.error() == std::errc::operation_canceled) co_await fail(first.error());
    if (!ended.failure) ended.failure = explain_failure(Stage::running, first.error());
    co_return ended;
  }
  const Pair pair{**first, a_events, b_events};
  ended = co_await relay_with(pair, b, command);
  a_events.closed(ended.reason);
  co_return ended;
}

Task<int> relay_once(ReadyEnd& a, ReadyEnd& b, const RelayCommand& command, Log& log,
                     Interrupt& interrupt) {
  Task<ServiceEnd> relaying = open_and_relay(a, b, command, log);
  const Result<ServiceEnd> ended =
      co_await attempt(unless_interrupted(std::move(relaying), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!ended) co_return log.failed(explain_failure(Stage::running, ended.error()));
  if (ended->failure) co_return log.failed(*ended->failure);
  co_return 0;
}

}  // namespace

Task<int> run_relay(const RelayCommand& command, Log& log) {
  ReadyEnd a{command.a};
  ReadyEnd b{command.b};
  // The end whose clients are served has its TLS from `run_listen`.
  const bool serves_a = command.a.listens;
  const bool serves_b = !serves_a && command.b.listens;
  std::optional<Failure> failure;
  if (!serves_a) failure = load_tls(a);
  if (!failure && !serves_b) failure = load_tls(b);
  if (failure) co_return log.failed(*failure);
  if (serves_a) {
    const int status = co_await serve_clients(command.a, b, command, log);
    co_return status;
  }
  if (serves_b) {
    const int status = co_await serve_clients(command.b, a, command, log);
    co_return status;
  }
  auto body = [&](Interrupt& interrupt) { return relay_once(a, b, command, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
