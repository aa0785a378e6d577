// A pseudo-terminal for a command (pty(7)): it finds a terminal, we read and write the other end.
#pragma once

#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/result.hpp>

namespace ieum::cli {

struct PseudoTerminal {
  Descriptor master;   ///< ours
  Descriptor slave;    ///< the command's; open here as long as it runs, so that it does not hang up
  std::string path{};  ///< of the slave

  /// Of 80 columns and 24 lines. Errors: those of posix_openpt(3), as of "start".
  [[nodiscard]] static Result<PseudoTerminal> open();
};

}  // namespace ieum::cli
