// Which driver: the one file that names them.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <ieum/driver_kind.hpp>

#include "base/driver.hpp"
#include "driver/epoll/epoll.hpp"
#include "driver/sim/sim.hpp"
#include "driver/uring/uring.hpp"

namespace ieum::detail {

namespace {

/// 0, 1 and 2, where our parent left them closed, become /dev/null: else a descriptor of ours would
/// get the number, and what the program prints would go to a peer.
void fill_standard_descriptors() noexcept {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    int nothing = ::open("/dev/null", O_RDWR);       // the lowest free number
    if (nothing < 0) nothing = ::open("/", O_PATH);  // there is none: reads and writes fail
    if (nothing > 2) ::close(nothing);               // another thread was faster
  }
}

/// A number from the environment, or 0.
unsigned number_from(const char* variable) noexcept {
  const char* text = std::getenv(variable);
  unsigned number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

bool is_exhaustion(int number) noexcept { return number == EMFILE || number == ENFILE; }

std::unique_ptr<Driver> make_epoll(const DriverOptions& options, DriverChoice& choice) {
  auto driver = make_epoll_driver(options.receive_buffers_max, choice.error_number);
  if (!driver) choice.reason = "epoll_create1";
  return driver;
}

std::unique_ptr<Driver> make_best(const DriverOptions& options, DriverChoice& choice) {
  if (auto driver = make_uring_driver(options, choice)) {
    choice.reason = "io_uring works here";
    return driver;
  }
  if (is_exhaustion(choice.error_number)) {
    choice.reason.clear();
    return nullptr;
  }
  const std::string why = "io_uring cannot be had, so epoll: " + choice.reason;
  auto driver = make_epoll(options, choice);
  if (driver) choice = {0, why};
  return driver;
}

}  // namespace

std::unique_ptr<Driver> make_driver(const DriverOptions& asked, DriverChoice& choice) {
  fill_standard_descriptors();
  DriverOptions options = asked;
  if (options.ring_entries == 0) options.ring_entries = number_from("IEUM_RING_ENTRIES");
  if (options.receive_buffers_max == 0) {
    options.receive_buffers_max = number_from("IEUM_RECEIVE_BUFFERS");
  }
  std::string reason = "chosen by the program";
  if (options.kind == DriverKind::automatic) {
    const char* variable = std::getenv("IEUM_DRIVER");
    const std::string_view name = variable == nullptr ? "" : variable;
    if (name.empty()) return make_best(options, choice);
    reason = "IEUM_DRIVER=" + std::string(name);
    if (name == "epoll") {
      options.kind = DriverKind::epoll;
    } else if (name == "io_uring") {
      options.kind = DriverKind::io_uring;
    } else if (name == "sim") {
      options.kind = DriverKind::sim;
    } else {
      choice = {EINVAL, reason + " names no driver of this build; use io_uring, epoll or sim"};
      return nullptr;
    }
  }
  if (options.kind == DriverKind::sim) {
    choice.reason = reason;
    return make_sim_driver(options.receive_buffers_max);
  }
  auto driver = options.kind == DriverKind::epoll ? make_epoll(options, choice)
                                                  : make_uring_driver(options, choice);
  if (driver) {
    choice.reason = reason;
  } else if (is_exhaustion(choice.error_number)) {
    choice.reason.clear();  // says it all
  } else {
    choice.reason += " (" + reason + ")";
  }
  return driver;
}

}  // namespace ieum::detail
