// What systemd asks of a service: sockets that it has opened (sd_listen_fds(3)), and readiness
// (sd_notify(3)). Both are simple enough to need no library.
#pragma once

#include <string>
#include <vector>

#include <ieum/listener.hpp>

namespace ieum::hub {

struct PassedListener {
  Listener listener;
  bool tls = false;  // its name in LISTEN_FDNAMES says so: "tls", "ircs"
};

/// The sockets that were passed to this process; none if none were.
[[nodiscard]] Result<std::vector<PassedListener>> passed_listeners();
/// `READY=1`, `STOPPING=1`, `RELOADING=1`; does nothing without a NOTIFY_SOCKET.
[[nodiscard]] Task<> notify_systemd(std::string state);

}  // namespace ieum::hub
