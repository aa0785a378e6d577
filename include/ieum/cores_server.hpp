// CoresServer, serve_on_cores: a server on each core, all on one port.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include <ieum/cores.hpp>
#include <ieum/mailbox.hpp>
#include <ieum/serve.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct CoresServerOptions {
  CoresOptions cores{};
  ListenOptions listen{};
  /// For each core: `sessions_max` is a core's own limit.
  ServeOptions serve{};
};

/// A `Server` on each core of a `run_on_cores`, with a listener each on one port
/// (`Listener::bind_shared`). A client stays on the core that accepted it.
///
///     CoresServer server = ...;                                // bound, before any core runs
///     auto body = [&](Core& core) { return server.serve(core); };
///     run_on_cores(body, server.cores());
///
/// It must outlive the cores.
class CoresServer {
 public:
  /// Binds all listeners, so that nothing has begun yet if it fails. Port 0: the system chooses one
  /// for all. Errors: those of `Listener::bind_shared`. `handler` is copied for each core, so a
  /// lambda with captures is safe; what they refer to is used by all threads at the same time.
  [[nodiscard]] static Result<CoresServer> bind(const Address& address, Server::Handler handler,
                                                const CoresServerOptions& options = {});
  /// The same for an address as text (`Address::parse`).
  [[nodiscard]] static Result<CoresServer> bind(std::string_view address, Server::Handler handler,
                                                const CoresServerOptions& options = {});

  /// Serves on `core`, as `Server::run`, until all are drained or this one is stopped. Call it once
  /// on each core of a `run_on_cores` with `cores()`.
  [[nodiscard]] Task<> serve(Core& core);

  /// `Server::drain` on all cores at the same time, from a task of any of them; the reports summed.
  /// `serve` ends with it. A core that has ended already adds nothing.
  [[nodiscard]] Task<DrainReport> drain(AnyDuration limit);

  /// As `Server::on_session_end`, set before the cores run. Each core has a copy of `report` and
  /// calls it on its own thread.
  void on_session_end(std::function<void(const SessionEnd&)> report) {
    report_ = std::move(report);
  }

  /// The options for `run_on_cores`, with the number of cores that it was bound for.
  [[nodiscard]] const CoresOptions& cores() const noexcept { return options_.cores; }
  /// Where it listens, with the port that the system chose.
  [[nodiscard]] const Address& address() const noexcept { return address_; }

  /// Of all cores together, or of one; any thread may ask, also after the end. While cores run,
  /// each number is exact, but they are not of one instant.
  [[nodiscard]] ServerCounters counters() const noexcept;
  [[nodiscard]] ServerCounters counters(std::size_t core) const noexcept;
  [[nodiscard]] std::size_t sessions() const noexcept;

 private:
  struct DrainRequest;
  struct Slot;  // what belongs to a core
  CoresServer(std::vector<DetachedListener> listeners, Server::Handler handler,
              const CoresServerOptions& options);

 public:
  CoresServer(CoresServer&&) noexcept;
  CoresServer& operator=(CoresServer&&) = delete;
  ~CoresServer();

 private:
  static Task<> serve_in(Group& group, Server& server, Mailbox<DrainRequest>& requests);
  static Task<> obey(Server& server, Mailbox<DrainRequest>& requests);

  Server::Handler handler_;
  CoresServerOptions options_;
  Address address_;
  std::function<void(const SessionEnd&)> report_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

/// `CoresServer::serve` on all cores, for programs that end by being stopped: blocks until a core
/// fails or `stop` is asked for (`operation_canceled`). Not callable from within a task.
///
///     serve_on_cores("0.0.0.0:7007", echo);
[[nodiscard]] Result<> serve_on_cores(std::string_view address, Server::Handler handler,
                                      const CoresServerOptions& options = {},
                                      const std::stop_token& stop = {});

}  // namespace ieum
#pragma GCC visibility pop
