// `ieum listen`: its command line as data, and what runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <ieum/listener.hpp>
#include <ieum/serve.hpp>
#include <ieum/task.hpp>

#include "ends/end.hpp"
#include "listen/access.hpp"
#include "report/event_log.hpp"
#include "session/common_options.hpp"
#include "session/connection.hpp"

namespace ieum::cli {

class Log;
class TlsEnd;
struct Interrupt;

/// How a service ended; an error of the client's is no error of ours.
struct ServiceEnd {
  EndReason reason = EndReason::client_finished;
  std::optional<ExitStatus> command{};  ///< exec: how it ended
  std::optional<Failure> failure{};     ///< relay: why it failed, for a server of one client
};

struct ListenCommand {
  /// What is done with a client.
  enum class Service : std::uint8_t { stdio, echo, discard, exec, relay };

  CommonOptions common;
  Service service = Service::stdio;
  std::string command;  ///< of exec: for /bin/sh -c
  bool keep = false;
  std::size_t clients_max = ServeOptions{}.sessions_max;
  int backlog = ListenOptions{}.backlog;
  AccessList allowed{};      ///< --allow; empty: everyone
  AccessList denied{};       ///< --deny
  bool relays = false;       ///< --broker
  bool on_terminal = false;  ///< --pty
  /// Of `relay`: serves a client, and closes it.
  std::function<Task<ServiceEnd>(End& client, EventLog& events)> relay{};
};

[[nodiscard]] Parsed<ListenCommand> parse_listen(const GivenOptions& given,
                                                 const Environment& environment);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_listen(const ListenCommand& command, Log& log);
/// For a second end that listens. If it fails, `failure` says why, or the error does.
[[nodiscard]] Task<Listener> open_listener(const ListenCommand& command, EventLog& events,
                                           std::optional<Failure>& failure);
[[nodiscard]] Failure why_not_listening(const ListenCommand& command, const Error& error);
/// The next client that may come in; others are reset.
[[nodiscard]] Task<StreamSocket> accept_admitted(Listener& listener, const Access& access,
                                                 EventLog& events);
/// Its settings, and TLS over it if there is any. If it fails, `failure` says why, or the error.
[[nodiscard]] Task<> prepare_client(Connection& client, const ListenCommand& command,
                                    const TlsEnd* tls, EventLog& events,
                                    std::optional<Failure>& failure);
/// Both, within the time of -w.
[[nodiscard]] Task<Connection> accept_client(Listener& listener, const ListenCommand& command,
                                             const TlsEnd* tls, const Access& access,
                                             EventLog& events, std::optional<Failure>& failure);
/// The same with an address of datagrams.
[[nodiscard]] Task<int> listen_datagrams(const ListenCommand& command, const Access& access,
                                         Log& log, Interrupt& interrupt);

}  // namespace ieum::cli
