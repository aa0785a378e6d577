// `ieum cast`: one to many, by datagrams; and playing what is cast.
#pragma once

#include <cstdint>
#include <string>

#include <ieum/address.hpp>
#include <ieum/task.hpp>

#include "endpoint.hpp"
#include "interruption.hpp"
#include "log.hpp"

namespace ieum::cli {

struct CastCommand {
  /// Seven packets of a transport stream: what players expect, and what fits an Ethernet frame.
  static constexpr std::size_t bytes_default = 1316;
  static constexpr std::size_t bytes_max = 65'000;

  Endpoint endpoint;
  Address to;                   ///< its address
  Address source;               ///< receiving from a group: only what this host sends
  bool is_group = false;        ///< mcast://
  std::uint32_t interface = 0;  ///< of a group; 0: the system chooses
  bool receive = false;
  bool rtp = false;
  std::size_t bytes = bytes_default;
  std::uint64_t bits_per_second = 0;  ///< 0: as fast as it comes
  Duration idle{};          ///< receiving: end when nothing has come for so long; zero: never
  std::string output_path;  ///< receiving; empty: standard output
  Log::Options log;
};

[[nodiscard]] Task<int> run_cast(const CastCommand& command, Log& log);
/// `cast --receive`.
[[nodiscard]] Task<int> receive_cast(const CastCommand& command, Log& log,
                                     Interruption& interruption);

}  // namespace ieum::cli
