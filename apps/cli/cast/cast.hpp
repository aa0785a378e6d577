// `ieum cast`: its command line as data, and what its two directions share.
#pragma once

#include <cstdint>

#include <ieum/address.hpp>
#include <ieum/result.hpp>
#include <ieum/task.hpp>

#include "rtp/rtp.hpp"
#include "session/common_options.hpp"

namespace ieum::cli {

class EventLog;
class Log;
struct Interrupt;
struct LocalStreams;

/// One to many: sends standard input to a group, or receives what is sent to one.
struct CastCommand {
  CommonOptions common;
  bool receive = false;
  bool rtp = false;
  std::uint64_t bits_per_second = 0;  ///< --rate, of UDP's payload; 0: as fast as our input comes
  int payload_type = rtp_payload_type_mp2t;
};

[[nodiscard]] Parsed<CastCommand> parse_cast(const GivenOptions& given,
                                             const Environment& environment);

/// Each gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_cast(const CastCommand& command, Log& log);
[[nodiscard]] Task<int> send_cast(const CastCommand& command, LocalStreams& streams,
                                  EventLog& events, Interrupt& interrupt);
[[nodiscard]] Task<int> receive_cast(const CastCommand& command, LocalStreams& streams,
                                     EventLog& events, Interrupt& interrupt);

/// The interface of ?if=NAME; 0: the system's choice.
[[nodiscard]] Result<std::uint32_t> cast_interface(const Endpoint& endpoint);
/// `address` with another port, and an interface if it is IPv6 and has none.
[[nodiscard]] Address with_port(const Address& address, int port, std::uint32_t interface);

}  // namespace ieum::cli
