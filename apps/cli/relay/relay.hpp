// `ieum relay`: its command line as data, and what runs it.
#pragma once

#include <optional>
#include <string>

#include <ieum/task.hpp>

#include "connect/connect.hpp"
#include "ends/local_end.hpp"
#include "ends/terminal_end.hpp"
#include "listen/listen.hpp"
#include "session/common_options.hpp"

namespace ieum::cli {

/// One end, as it was asked for.
struct RelayEnd {
  std::string word{};   ///< as it was written
  Endpoint endpoint{};  ///< of one that is no socket
  bool listens = false;
  ConnectCommand connect{};  ///< of a socket that connects
  ListenCommand listen{};    ///< of one that listens
  TerminalOptions terminal{};
  std::optional<Output::Existing> writes{};  ///< of a file that is written

  [[nodiscard]] bool is_socket() const noexcept {
    return !is_local(endpoint.scheme) && endpoint.scheme != Scheme::standard;
  }
};

struct RelayCommand {
  CommonOptions common;  ///< -i, --linger, -v, --json
  RelayEnd a;
  RelayEnd b;
  bool keep = false;
};

/// Reads an end: an address of `ieum connect`, or after `listen:` one of `ieum listen`, each with
/// that command's options as ?option=value; or what is no socket. `common` are a relay's own.
[[nodiscard]] Parsed<RelayEnd> parse_relay_end(const std::string& word, const GivenOptions& given,
                                               const Environment& environment);

[[nodiscard]] Task<int> run_relay(const RelayCommand& command, Log& log);

}  // namespace ieum::cli
