// Failure: what ends a command, as one sentence with advice, and the exit status that tells a
// script.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ieum/error.hpp>
#include <ieum/operation.hpp>

namespace ieum::cli {

/// Exit statuses. Where curl(1) has a number for the same thing, it is that one.
enum class Status : std::uint8_t {
  ok = 0,
  other = 1,
  usage = 2,
  not_resolved = 6,
  not_connected = 7,
  timed_out = 28,
  tls_handshake = 35,
  broken = 56,  ///< the connection broke after it was made
  certificate = 60,
  hung_up = 129,      ///< SIGHUP
  interrupted = 130,  ///< SIGINT
  terminated = 143,   ///< SIGTERM
};

struct Failure {
  Status status = Status::other;
  std::string sentence;  ///< what, where and what to do; without a full stop
};

/// What was being done when something failed.
enum class Stage : std::uint8_t {
  connecting,
  listening,
  accepting,
  taking_over,  ///< a descriptor that we were started with
  setting_options,
  reading_input,
  writing_output,
  receiving,
  sending,
  starting_command,
  running,  ///< anything else
};

/// What the sentence needs to know besides the error.
struct ErrorContext {
  std::string_view where{};   ///< the address, the file or the command; may be empty
  Duration limit{};           ///< of the waiting, zero: none
  bool family_asked = false;  ///< -4 or -6
  bool datagrams = false;     ///< there is no connection
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

[[nodiscard]] Failure explain_failure(Stage stage, const Error& error,
                                      const ErrorContext& circumstances = {});
/// Why datagrams could not be sent to `where`, or received.
[[nodiscard]] Failure explain_datagram_failure(const Error& error, std::string_view where);

}  // namespace ieum::cli
