// A network namespace for a test.
#include "support/network_namespace.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "support/support.hpp"

namespace ieum::test {

bool has_program(std::string_view name) {
  const std::string command = "command -v " + std::string(name) + " >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

std::string in_network_namespace(std::string_view commands, const std::function<void()>& body) {
  if (!has_program("ip")) return "this needs the program ip (Debian: iproute2)";
  std::string reason;
  std::jthread thread([&] {
    if (::unshare(CLONE_NEWNET) < 0) {
      reason = "this needs root, to make a network namespace: " + std::string(std::strerror(errno));
      return;
    }
    // Without duplicate address detection (RFC 4862, section 5.4) an interface has its link-local
    // address as soon as it is up, and not a second later.
    const std::string script =
        "set -e; for of in default all; do "
        "echo 0 2>/dev/null > /proc/sys/net/ipv6/conf/$of/accept_dad || :; done; "
        "ip link set lo up; " +
        std::string(commands) +
        // Even without it an address has its route a moment later, and what is sent there until
        // then is lost. Where a link is down it never has.
        "\nn=0; while [ $n -lt 200 ] && [ $(ip -6 addr show | grep -c inet6) -gt "
        "$(ip -6 route show table local type local | grep -c .) ]; do "
        "sleep 0.01; n=$((n + 1)); done";
    if (std::system(script.c_str()) != 0) {
      reason = "the system does not let a namespace be set up: " + script;
      return;
    }
    body();
    EXPECT_EQ(detail::Frame::live, 0) << "coroutine frames were left in the namespace";
  });
  thread.join();
  return reason;
}

}  // namespace ieum::test
