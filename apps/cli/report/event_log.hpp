// EventLog: a socket's events, reported as they happen (-v, -vv, --json), and what went each way.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ieum/address.hpp>
#include <ieum/connect_observer.hpp>
#include <ieum/error.hpp>
#include <ieum/explain.hpp>
#include <ieum/process.hpp>
#include <ieum/tls_observer.hpp>
#include <ieum/tls_peer.hpp>

#include "report/failure.hpp"
#include "report/log.hpp"

namespace ieum::cli {

/// Why a session ended.
enum class EndReason : std::uint8_t {
  running,  ///< it has not
  both_finished,
  client_finished,  ///< of a service: what it was to be answered has been
  probed,           ///< --probe
  input_ended,      ///< --on-eof=close
  peer_finished,    ///< ours has not, but is silent
  command_ended,    ///< --exec
  idle,             ///< -i
  interrupted,
  input_failed,
  output_failed,
  broken,
  too_slow,          ///< a client that does not read what all are sent
  lingered,          ///< datagrams: nothing more came after the end of our input (--linger)
  other_end_failed,  ///< of a relay: it could not be opened
  bye,               ///< `cast --receive --rtp`: the sender has ended
};
[[nodiscard]] std::string_view to_string(EndReason reason) noexcept;

/// Of one socket: a listener's or a connection's. It always counts what went, for the summary; it
/// makes sentences only if the log wants events, as a busy server's would cost it dearly.
class EventLog final : public ConnectObserver, public TlsObserver {
 public:
  using Clock = std::chrono::steady_clock;

  explicit EventLog(Log& log);
  /// Of the connection `number` of several, with `peer`.
  EventLog(Log& log, std::uint64_t number, const Address& peer);

  /// Of one end of a relay, the connection `number` of several, or 0.
  EventLog(Log& log, std::uint64_t number, std::string end);

  /// Attempts are bound to it first.
  void connects_from(const Address& source) noexcept { source_ = source; }

  void created(const Address& address);
  void bound(const Address& address);
  void listening(const Address& address, int backlog);
  void waiting_for_client();
  void resolved(std::span<const Address> addresses) override;
  void connecting(const Address& to) override;
  void attempt_failed(const Error& error) override;
  void connected(const Address& local, const Address& peer);
  void retrying(const Error& error, int left, Duration pause);
  /// The connection goes on to `target`.
  void proxied(std::string_view proxy, std::string_view target);
  void accepted(const Address& local, const Address& peer);
  /// A client whom --allow or --deny keeps out.
  void refused(const Address& peer);
  void taken_over(std::string_view what);
  /// A file, a terminal.
  void opened(std::string_view what);
  void option_set(std::string_view name, std::string_view value);
  void sent(std::size_t bytes);
  void received(std::size_t bytes);
  void input_ended();
  void half_closed();
  void peer_finished();
  void broken(const Error& error);
  /// It has not moved for a while.
  void stalled(const Stall& stall);
  void interrupted(std::string_view what_now);
  void command_started(std::string_view command, int pid);
  void command_ended(const ExitStatus& status);
  void closed(EndReason reason);
  void stopped_listening();

  // Of TLS.
  /// `name` is the server's; empty if we are it.
  void handshaking(std::string_view name);
  void message(const TlsMessage& message) override;
  /// The peer's, whether they were found good or not.
  void certificates(const TlsPeer& peer);
  void secured(const TlsPeer& peer, Duration took, bool verifies_nothing);
  void not_secured(std::string_view why);

  // Of a datagram socket: it has no connection, and what it moves is counted by datagrams too.
  void datagram_socket(const Address& local);
  void peer_is(const Address& peer);
  void joined(const std::string& membership);
  void waiting_for_datagrams();
  void datagram_sent(std::size_t bytes, const Address& to);
  void datagram_received(std::size_t bytes, const Address& from);
  /// Many at once: counted, reported as one.
  void datagrams_sent(std::uint64_t count, std::uint64_t bytes);
  void datagrams_received(std::uint64_t count, std::uint64_t bytes);
  /// What the system has dropped so far because its queue for us was full. Reported at most once a
  /// second, and with `last` in any case.
  void dropped(std::uint64_t count, bool last = false);

  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_; }
  /// Of several connections; 0 if there is one alone.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] Log& log() noexcept { return *log_; }
  /// "12 bytes sent, 34 bytes received in 1.2 s".
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] Duration age() const noexcept { return Clock::now() - began_; }

 private:
  void report(LogEvent event);
  [[nodiscard]] std::string datagram_summary() const;
  /// "socket(2)", or what stands for it in a ring.
  [[nodiscard]] std::string call(std::string_view on_kernel, std::string_view in_ring) const;

  Log* log_;
  bool has_ring_;
  std::uint64_t number_ = 0;
  std::string label_;
  std::string end_{};  // of a relay
  Clock::time_point began_;
  Address source_;              // to be bound to before connecting
  bool tries_several_ = false;  // addresses of a name: the failure of one is not the command's
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool has_datagrams_ = false;  // then a summary counts datagrams too
  std::uint64_t datagrams_sent_ = 0;
  std::uint64_t datagrams_received_ = 0;
  std::uint64_t drops_reported_ = 0;
  Clock::time_point drops_reported_at_;
};

}  // namespace ieum::cli
