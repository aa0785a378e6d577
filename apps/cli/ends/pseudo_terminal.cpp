#include "ends/pseudo_terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace ieum::cli {

Result<PseudoTerminal> PseudoTerminal::open() {
  constexpr winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  PseudoTerminal terminal;
  const auto failed = [] {
    return fail(Error::from_errno(errno, "start").with_detail("no pseudo-terminal is to be had"));
  };
  terminal.master = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int number = terminal.master.number();
  std::array<char, 64> path{};
  if (number < 0 || ::grantpt(number) < 0 || ::unlockpt(number) < 0) return failed();
  if (::ptsname_r(number, path.data(), path.size()) != 0) return failed();
  terminal.path = path.data();
  terminal.slave = Descriptor(::open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.is_open() || ::ioctl(number, TIOCSWINSZ, &size) < 0) return failed();
  return terminal;
}

}  // namespace ieum::cli
