// `ieum connect -z` with a range of ports: which of them are open.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ieum/ieum.hpp>

#include "connect/connect.hpp"
#include "session/run_session.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

namespace {

/// At a time.
constexpr std::size_t probes_max = 64;

class PortProbe {
 public:
  PortProbe(const ConnectCommand& command, const TlsEnd* tls, Log& log, Output& output)
      : command_(command),
        tls_(tls),
        log_(log),
        output_(output),
        states_(std::size_t{command.last_port} - command.common.endpoint.port + 1) {
    const std::string& target = command.common.endpoint.target;
    host_ = target.substr(0, target.rfind(':'));
  }

  Task<> run() {
    auto body = [this](Group& group) { return run_in(group); };
    co_await with_group(body);
  }
  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] std::size_t count() const noexcept { return states_.size(); }
  /// What was wrong with the first that is not open; or what is wrong with all.
  [[nodiscard]] const std::optional<Failure>& failure() const noexcept { return failure_; }

  /// The name is unknown, or we lack something: no port has anything to do with it.
  static bool is_about_all(const Failure& failure) {
    switch (failure.status) {
      case Status::not_connected:
      case Status::timed_out:
      case Status::tls_handshake:
      case Status::certificate: return false;
      default: return true;
    }
  }

 private:
  enum class State : std::uint8_t { unknown, open, closed };

  Task<> run_in(Group& group) {
    for (std::size_t i = 0; i < std::min(probes_max, states_.size()); ++i) {
      group.start(probe_several(group));
    }
    co_await group.join();
  }

  Task<> probe_several(Group& group) {
    while (next_ < states_.size()) {
      const std::size_t index = next_++;
      ConnectCommand command = command_;
      Endpoint& endpoint = command.common.endpoint;
      endpoint.port = static_cast<std::uint16_t>(endpoint.port + index);
      endpoint.target = fmt::format("{}:{}", host_, endpoint.port);
      EventLog events(log_, endpoint.port, Address{});
      const std::optional<Failure> failure = co_await probe_one(command, tls_, events);
      states_[index] = failure ? State::closed : State::open;
      if (failure && (!failure_ || is_about_all(*failure))) failure_ = failure;
      if (failure && is_about_all(*failure)) group.stop();
      co_await tell();
    }
  }

  /// In order, as far as all before are known.
  Task<> tell() {
    while (told_ < states_.size() && states_[told_] != State::unknown) {
      const bool is_open = states_[told_] == State::open;
      const std::string line =
          fmt::format("{}:{}\n", host_, std::size_t{command_.common.endpoint.port} + told_);
      ++told_;
      if (!is_open) continue;
      ++open_;
      co_await output_.write(Side::received, std::as_bytes(std::span(line)));
    }
  }

  const ConnectCommand& command_;
  const TlsEnd* tls_;
  Log& log_;
  Output& output_;
  std::string host_;
  std::vector<State> states_;
  std::size_t next_ = 0;
  std::size_t told_ = 0;
  std::size_t open_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace

Task<int> probe_ports(const ConnectCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  Result<LocalStreams> streams = open_local_streams(command.common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  const auto tls = TlsEnd::make(command.common, Role::connect);
  if (!tls) co_return log.failed(tls.error());
  PortProbe probe(command, tls->get(), log, streams->output);
  const Result<> done = co_await attempt(unless_interrupted(probe.run(), interrupt));
  if (interrupt.is_raised()) {
    co_return log.failed({interrupt.status(), fmt::format("interrupted; {} open", probe.open())});
  }
  const std::optional<Failure>& failure = probe.failure();
  if (failure && PortProbe::is_about_all(*failure)) co_return log.failed(*failure);
  if (!done) {
    const ErrorContext context{.where = streams->output.where()};
    co_return log.failed(explain_failure(Stage::writing_output, done.error(), context));
  }
  if (probe.open() > 0 || !failure) co_return 0;
  co_return log.failed({failure->status, fmt::format("none of the {} ports is open; {}",
                                                     probe.count(), failure->sentence)});
}

}  // namespace ieum::cli
