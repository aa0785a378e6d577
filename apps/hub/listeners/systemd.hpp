// What systemd asks of a service: sockets that it has opened (sd_listen_fds(3)), and readiness
// (sd_notify(3)). Both are simple enough to need no library.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <ieum/listener.hpp>

namespace ieum::hub {

/// A port, for each core a listener.
struct Port {
  std::vector<DetachedListener> listeners;
  bool tls = false;
  bool http = false;     // else IRC
  bool metrics = false;  // then of the first core alone
};

/// The sockets that were passed to this process, each for `cores` cores, that take clients from one
/// queue; none if none were. One whose name in LISTEN_FDNAMES has "tls" in it, or is "ircs" or
/// "https", speaks TLS; one whose name has "http" in it serves the page, one with "metrics" these.
[[nodiscard]] Result<std::vector<Port>> passed_ports(std::size_t cores);
/// `READY=1`, `STOPPING=1`, `RELOADING=1`; does nothing without a NOTIFY_SOCKET.
[[nodiscard]] Task<> notify_systemd(std::string state);

}  // namespace ieum::hub
