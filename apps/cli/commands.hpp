// What a command line asks for, and the commands that do it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ieum/task.hpp>

#include "options/endpoint.hpp"
#include "report/log.hpp"
#include "session/rendering.hpp"
#include "session/session.hpp"

namespace ieum::cli {

/// What both commands take.
struct CommonOptions {
  Endpoint endpoint{};
  Family family = Family::none;  ///< -4, -6
  Duration wait{};               ///< -w; zero: as long as the system does
  SessionOptions session;
  Rendering::Options rendering;
  std::string output_path;         ///< -o; empty: standard output
  std::size_t datagram_bytes = 0;  ///< --size: of datagrams that our input becomes
  bool by_lines = false;           ///< --lines
  Log::Options log;
};

struct ConnectCommand {
  CommonOptions common;
  std::optional<Address> source;
  bool probe = false;
};

struct ListenCommand {
  /// What is done with a client.
  enum class Service : std::uint8_t { stdio, echo, discard, exec };

  CommonOptions common;
  Service service = Service::stdio;
  std::string command;  ///< of exec: for /bin/sh -c
  bool keep = false;
  std::size_t clients_max = 10'000;
  int backlog = 4096;
};

/// One to many: sends standard input to a group, or receives what is sent to one.
struct CastCommand {
  CommonOptions common;
  bool receive = false;
  bool rtp = false;
  std::uint64_t bits_per_second = 0;  ///< --rate, of UDP's payload; 0: as fast as our input comes
  int payload_type = 33;              ///< MP2T (RFC 3551)
};

/// Text for standard output: help, a manual page, completions, the version.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<PrintCommand, ConnectCommand, ListenCommand, CastCommand>;

/// Each gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_connect(const ConnectCommand& command, Log& log);
[[nodiscard]] Task<int> run_listen(const ListenCommand& command, Log& log);
[[nodiscard]] Task<int> run_cast(const CastCommand& command, Log& log);

}  // namespace ieum::cli
