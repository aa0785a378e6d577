// Life: a socket's life, told step by step (-v, -vv, --json), and what went each way.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ieum/address.hpp>
#include <ieum/connect_observer.hpp>
#include <ieum/error.hpp>
#include <ieum/process.hpp>

#include "failure.hpp"
#include "log.hpp"

namespace ieum::cli {

/// Why a conversation ended.
enum class Ending : std::uint8_t {
  running,  ///< it has not
  both_finished,
  input_ended,    ///< --on-eof=close
  peer_finished,  ///< ours has not, but is silent
  command_ended,  ///< --exec
  idle,           ///< -i
  interrupted,
  input_failed,
  output_failed,
  broken,
  too_slow,  ///< a client that does not read what all are sent
};
[[nodiscard]] std::string_view to_string(Ending ending) noexcept;

/// One socket's, a listener's or a connection's. Says nothing unless the log wants steps.
class Life final : public ConnectObserver {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Life(Log& log);
  /// Of the connection `number` of several, with `peer`.
  Life(Log& log, std::uint64_t number, const Address& peer);

  void created(const Address& address);
  void bound(const Address& address);
  void listening(const Address& address, int backlog);
  void waiting_for_client();
  void resolved(std::span<const Address> addresses) override;
  void connecting(const Address& to) override;
  void attempt_failed(const Error& error) override;
  void connected(const Address& local, const Address& peer);
  void accepted(const Address& local, const Address& peer);
  void taken_over(std::string_view what);
  void sent(std::size_t bytes);
  void received(std::size_t bytes);
  void input_ended();
  void half_closed();
  void peer_finished();
  void broken(const Error& error);
  void interrupted(std::string_view what_now);
  void command_started(std::string_view command, int pid);
  void command_ended(const ExitStatus& status);
  void closed(Ending why);
  void stopped_listening();

  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_; }
  [[nodiscard]] Log& log() noexcept { return *log_; }
  /// "12 bytes sent, 34 bytes received in 1.2 s".
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] Duration age() const noexcept { return Clock::now() - began_; }

 private:
  void tell(Step step);
  /// "socket(2)", or what stands for it in a ring.
  [[nodiscard]] std::string call(std::string_view on_kernel, std::string_view in_ring) const;

  Log* log_;
  bool has_ring_;
  std::uint64_t number_ = 0;
  std::string label_;
  Clock::time_point began_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace ieum::cli
